"""The checks of ``siperb doctor``, in their order. A check says what it found, or raises `Problem` or `Skipped`."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from datetime import datetime, timezone
from urllib.parse import urlsplit

import aiohttp

from siperb import __version__, sip
from siperb.cli.check import TIMEOUT, Check, Context, Problem, Skipped
from siperb.cli.client import client
from siperb.cli.credentials import address, find, given, keyring_name
from siperb.cli.devices import choose
from siperb.cli.failures import CREDENTIALS, CommandError
from siperb.cli.masking import mask
from siperb.cli.registration import is_plain, outcome
from siperb.client.network import environment_proxy, is_loopback, tls_context
from siperb.errors import CacheError
from siperb.sip.registrar import PAGE, connected


def check_address(context: Context) -> str:
    context.base_url, source = address(context.arguments)
    return f"{context.base_url} ({source})"


def check_proxy(context: Context) -> str:
    context.proxy = environment_proxy(context.base_url)
    if context.proxy is None:
        return "none"
    parts = urlsplit(context.proxy)  # user and password are not shown
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 80}"


def check_dns(context: Context) -> str:
    if context.proxy:
        raise Skipped("the proxy looks the name up")
    host, port = _host_and_port(context.base_url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Problem(
            f"{host} has no address ({error.strerror or type(error).__name__})",
            "check the name and the network; behind a proxy set HTTPS_PROXY",
        ) from None
    context.addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return "nothing to look up" if context.addresses == [host] else f"{host} is {', '.join(context.addresses[:3])}"


def check_connection(context: Context) -> str:
    if context.proxy:
        raise Skipped("the proxy connects")
    _, port = _host_and_port(context.base_url)
    reasons: list[str] = []
    for ip in context.addresses:
        try:
            context.connection = socket.create_connection((ip, port), timeout=TIMEOUT / len(context.addresses))
        except OSError as error:
            reasons.append(f"{ip}: {error.strerror or 'no answer'}")
        else:
            return f"{ip} port {port} answers"
    raise Problem(
        f"port {port} does not answer ({'; '.join(reasons)})",
        "check that the address is right, the service runs, and no firewall is in the way",
    )


def check_tls(context: Context) -> str:
    if context.base_url.startswith("http://"):
        raise Skipped("plain http on loopback")
    if context.proxy:
        raise Skipped("it is between the login and the API, through the proxy")
    host, _ = _host_and_port(context.base_url)
    try:
        context.connection = tls_context().wrap_socket(context.connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Problem(f"the certificate is not accepted: {error.verify_message}", _OWN_CA) from None
    except OSError as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise Problem(
            f"no TLS ({reason})", "check the address and the port; a proxy or firewall may be in the way"
        ) from None
    expires = ssl.cert_time_to_seconds(str((context.connection.getpeercert() or {})["notAfter"]))
    return f"{context.connection.version()}, certificate good for {(expires - time.time()) / 86400:.0f} days"


def check_keyring(context: Context) -> str:
    if os.environ.get("PYTHON_KEYRING_BACKEND") == "keyring.backends.null.Keyring":
        raise Skipped("none is wanted: PYTHON_KEYRING_BACKEND names the null keyring")
    try:
        context.cache.check()
    except CacheError:
        _, source = given(context.arguments, context.cache)
        if keyring_name(context.cache) is None and source:
            raise Skipped(f"there is none, and none is needed: the token comes from {source}") from None
        raise
    return f"{context.cache.backend()} stores and reads"


def check_token(context: Context) -> str:
    found = find(context.arguments, context.cache)
    if found.pat is None and found.unanswered:
        raise Problem("the keyring does not say whether there is one", "mend the keyring, or set SIPERB_PAT")
    if found.pat is None:
        raise Problem("there is none", "run `siperb login`, or set SIPERB_PAT", exit_code=CREDENTIALS)
    options = {"timeout": TIMEOUT} if context.arguments.timeout is None else {}
    context.siperb = client(context.arguments, context.cache, pat=found.pat, max_retries=0, **options)
    return f"{mask(found.pat)} from {found.source}"


def check_login(context: Context) -> str:
    return f"user {context.siperb.login().user_id}"


def check_devices(context: Context) -> str:
    context.devices = context.siperb.get_devices()
    if not context.devices:
        raise Problem("there is no script device", 'make one at Siperb, with the platform "script"')
    try:
        name = context.arguments.device
        context.device = context.devices[0] if name is None else choose(context.devices, name)
    except CommandError as error:
        raise Problem(str(error)) from None
    return f"{len(context.devices)} script device{'s' if len(context.devices) > 1 else ''}"


def check_provisioning(context: Context) -> str:
    device = context.device
    context.provisioning = provisioning = context.siperb.get_provisioning(device.device_token)
    sip.check(provisioning)  # names what is missing
    expires = provisioning.jwt_expires_at
    if expires and expires <= datetime.now(timezone.utc):
        raise Problem(f"the JWT ended at {expires:%Y-%m-%d %H:%M} UTC", "set this computer's clock, if it is wrong")
    jwt = f"JWT good until {expires:%Y-%m-%d %H:%M} UTC" if expires else "no JWT"
    return f"{device.description or 'no description'}: complete, {jwt}"


def check_websocket(context: Context) -> str:
    _refuse_made_up(context)
    host = context.provisioning.sip_wss_server or ""
    url = sip.websocket_url(context.provisioning, insecure=is_plain(context.provisioning, context.base_url))
    problem: Problem
    try:
        protocol = asyncio.run(asyncio.wait_for(_shake_hands(url), TIMEOUT))
    except aiohttp.WSServerHandshakeError as error:
        problem = Problem(f"{url} answered {error.status} instead of a WebSocket", _AT_SIPERB)
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError):
        problem = Problem(f"the certificate of {url} is not accepted", _OWN_CA)
    except aiohttp.ClientConnectorDNSError:
        problem = Problem(f"{host} has no address", "check DNS; else check SipWssServer in the device's settings")
    except (TimeoutError, asyncio.TimeoutError):
        problem = Problem(f"{url} does not answer", "a firewall may be in the way: open its port")
    except (aiohttp.ClientError, OSError) as error:
        problem = Problem(f"{url} cannot be reached ({type(error).__name__})", "check the network and the firewall")
    else:
        if protocol == "sip":
            return f"{url} speaks SIP"
        problem = Problem(f"{url} takes WebSockets, but does not speak SIP", _AT_SIPERB)
    raise problem


def check_registration(context: Context) -> str:
    _refuse_made_up(context)
    plain = is_plain(context.provisioning, context.base_url)
    registration = context.siperb.check_registration(context.provisioning, insecure=plain)
    if registration.accepted:
        return outcome(registration)
    raise Problem(outcome(registration), registration.advice)


CHECKS: dict[str, tuple[Check, tuple[str, ...]]] = {
    "address": (check_address, ()),
    "proxy": (check_proxy, ("address",)),
    "dns": (check_dns, ("proxy",)),
    "connection": (check_connection, ("dns",)),
    "tls": (check_tls, ("connection",)),
    "keyring": (check_keyring, ()),
    "token": (check_token, ("address",)),
    "login": (check_login, ("tls", "token")),
    "devices": (check_devices, ("login",)),
    "provisioning": (check_provisioning, ("devices",)),
    "websocket": (check_websocket, ("provisioning",)),
    "registration": (check_registration, ("websocket",)),
}

_OWN_CA = "name the CA bundle of your network in REQUESTS_CA_BUNDLE; check this computer's clock"
_AT_SIPERB = "check SipWssServer, SipWebsocketPort and SipServerPath in the device's settings at Siperb"


def _refuse_made_up(context: Context) -> None:
    """The loopback API hands out hosts of a domain that never resolves (RFC 2606)."""
    host = context.provisioning.sip_wss_server or ""
    if host.endswith(".example") and is_loopback(urlsplit(context.base_url).hostname or ""):
        raise Skipped(f"made-up host {host}: the API is a loopback one")


async def _shake_hands(url: str) -> str | None:
    """The subprotocol that the server takes of ``sip`` (RFC 7118, 4.1)."""
    async with connected(url, PAGE, TIMEOUT, f"siperb-python/{__version__}") as websocket:
        return websocket.protocol


def _host_and_port(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
