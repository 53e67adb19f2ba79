#!/bin/sh
# What the registrar tests need, on Debian: Kamailio, coturn, Chromium, Node, and the libraries of package-lock.json.
set -eu
cd "$(dirname "$0")"
packages="kamailio kamailio-websocket-modules kamailio-tls-modules coturn chromium openssl"
command -v npm >/dev/null || packages="$packages nodejs npm"
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
# The tests start a Kamailio and a coturn of their own; the machine's must not hold memory and ports.
[ ! -d /run/systemd/system ] || $as_root systemctl disable --now kamailio coturn
npm ci
