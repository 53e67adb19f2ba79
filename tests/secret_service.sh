#!/bin/sh
# Run a command inside a Secret Service of its own: a private D-Bus session with an unlocked gnome-keyring-daemon.
#
#   tests/secret_service.sh install            gnome-keyring and dbus, with apt-get as root
#   tests/secret_service.sh python -m pytest tests/cache
#
# The user's own keyring is out of reach in there: no display, no session bus, private XDG directories.
set -eu

if [ "${1:-}" = install ]; then
    apt-get update -q
    exec apt-get install -y -q --no-install-recommends gnome-keyring dbus
fi
for needed in dbus-run-session gnome-keyring-daemon; do
    command -v "$needed" >/dev/null || { echo "$needed is missing: run '$0 install' as root" >&2; exit 2; }
done

directory=$(mktemp -d) # 0700
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' INT TERM
mkdir -m 700 "$directory/run" "$directory/data" "$directory/config"

# An empty password does not work: every call would end in InitError.
timeout --signal=TERM --kill-after=10 "${SECRET_SERVICE_TIMEOUT:-600}" \
    env -u DISPLAY -u WAYLAND_DISPLAY -u DBUS_SESSION_BUS_ADDRESS -u GNOME_KEYRING_CONTROL \
    XDG_RUNTIME_DIR="$directory/run" XDG_DATA_HOME="$directory/data" XDG_CONFIG_HOME="$directory/config" \
    PYTHON_KEYRING_BACKEND=keyring.backends.SecretService.Keyring SIPERB_TEST_SECRET_SERVICE=1 \
    dbus-run-session -- sh -c '
        printf %s ci | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
        exec "$@"' sh "$@"
