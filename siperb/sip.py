"""From provisioning to the options of SIP.js and JsSIP: JSON-ready, in the libraries' own names.

Only what a document says is used: an address is never guessed. Every function raises
`IncompleteProvisioningError`, naming all the fields that are missing or unusable at once, for what is wrong with the
document, and `ConfigurationError` for what is wrong with the other arguments. Neither shows a value.

The forms are those that sip.js 0.21 and jssip 3.13 were measured to take.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from siperb.errors import ConfigurationError, IncompleteProvisioningError
from siperb.models import Provisioning, Session

__all__ = ["contact_uri", "extra_headers", "jssip", "sip_uri", "sipjs", "websocket_url"]


def sipjs(provisioning: Provisioning, session: Session | None = None, *, insecure: bool = False) -> dict[str, Any]:
    """The options of a SIP.js ``UserAgent``, and ``extraHeaders`` for its ``Registerer`` and ``Inviter``.

    JSON carries no ``URI`` object, so making it is the page's own line::

        const { extraHeaders, ...options } = configuration;
        const userAgent = new UserAgent({ ...options, uri: UserAgent.makeURI(options.uri) });
        await userAgent.start();
        await new Registerer(userAgent, { extraHeaders }).register();

    Unregistering takes the headers again: ``unregister({ requestOptions: { extraHeaders } })``.

    ``traceSip`` and ``logConfiguration`` are off: SIP.js would write every header, tokens included, to the console.
    ``viaHost`` is fixed, as a random one leaves another binding at the registrar with every start.

    session, insecure: as in `extra_headers` and `websocket_url`.
    """
    username, password, domain, contact, name, *_ = _read(provisioning, *_PHONE)
    return {
        "uri": sip_uri(provisioning),
        "transportOptions": {"server": websocket_url(provisioning, insecure=insecure), "traceSip": False},
        "authorizationUsername": username,
        "authorizationPassword": password,
        "contactName": contact,
        "viaHost": domain,
        "displayName": re.sub(r'(["\\])', r"\\\1", name),  # SIP.js puts it between quotes as it is
        "logConfiguration": False,
        "extraHeaders": extra_headers(provisioning, session),
    }


def jssip(provisioning: Provisioning, session: Session | None = None, *, insecure: bool = False) -> dict[str, Any]:
    """The options of a JsSIP ``UA``, and ``extraHeaders`` for its registrator and its calls.

    JSON carries no ``WebSocketInterface``, so making it is the page's own line::

        const { extraHeaders, ...options } = configuration;
        const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
        const ua = new JsSIP.UA({ ...options, sockets });
        ua.registrator().setExtraHeaders(extraHeaders);
        ua.start();
        ua.call(target, { extraHeaders });

    ``instance_id`` is the device's own (RFC 5626, 4.1): a random one leaves a binding more with every start.
    ``authorization_jwt`` is left out, as it overwrites the digest answer, and so is the option ``extra_headers``,
    which goes on every request and response.

    session, insecure: as in `extra_headers` and `websocket_url`.
    """
    username, password, _, _, name, *_ = _read(provisioning, *_PHONE)
    return {
        "sockets": [websocket_url(provisioning, insecure=insecure)],
        "uri": sip_uri(provisioning),
        "authorization_user": username,
        "password": password,
        "contact_uri": contact_uri(provisioning),
        "instance_id": str(uuid5(NAMESPACE_URL, contact_uri(provisioning))),
        "display_name": name,
        "extraHeaders": extra_headers(provisioning, session),
    }


def websocket_url(provisioning: Provisioning, *, insecure: bool = False) -> str:
    """The registrar's address, ``wss://host:port/path`` with exactly one slash before the path.

    insecure: ``ws`` instead of ``wss``, for a registrar on 127.0.0.0/8, ::1 or localhost alone.
    """
    host, port, path = _read(provisioning, "SipWssServer", "SipWebsocketPort", "SipServerPath")
    if insecure and not _is_loopback(host):
        raise ConfigurationError(
            "insecure=True is for a registrar on loopback alone, and SipWssServer is another host: leave it out."
        )
    return f"{'ws' if insecure else 'wss'}://{host}:{port}/{path}"


def sip_uri(provisioning: Provisioning) -> str:
    """The address of record, ``sip:user@domain``."""
    user, domain = _read(provisioning, "SipUsername", "SipDomain")
    return f"sip:{_escape(user)}@{domain}"


def contact_uri(provisioning: Provisioning) -> str:
    """Where the registrar reaches this device, ``sip:contact@domain;transport=ws`` (over wss too, RFC 7118, 5.2)."""
    contact, domain = _read(provisioning, "ContactUserName", "SipDomain")
    return f"sip:{_escape(contact)}@{domain};transport=ws"


def extra_headers(provisioning: Provisioning, session: Session | None = None) -> list[str]:
    """What Siperb's own proxy wants on REGISTER and INVITE, ``["Name: value", ...]``; empty for any other registrar.

    The proxy is where ``RegistrationMode`` is "Proxy" or ``SipWssServer`` ends in ``.siperb.com``.

    session: makes ``X-Siperb-Sid`` and ``X-Siperb-Uid``. The first is the API session token, a secret that the phone
        then holds. Without a session there is ``Authorization: Bearer`` alone, and that where there is a JWT.
    """
    host, jwt = _read(provisioning, "SipWssServer", "SipJwt")
    if (provisioning.registration_mode or "").lower() != "proxy" and not host.endswith(".siperb.com"):
        return []
    headers = {}
    if session is not None:
        headers = {"X-Siperb-Sid": session.session_token, "X-Siperb-Uid": session.user_id}
    for name, value in headers.items():
        if not _text(value):
            raise ConfigurationError(f"The session has no usable value for {name}: log in again.")
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
    return [f"{name}: {value}" for name, value in headers.items()]


def _read(provisioning: object, *names: str) -> list[str]:
    if not isinstance(provisioning, Provisioning):
        raise ConfigurationError(
            "A Provisioning is needed: get_provisioning() answers None when it fails, and raises with strict=True."
        )
    values: dict[str, str] = {}
    missing: list[str] = []
    unusable: list[str] = []
    for name in names:
        attribute, read = _FIELDS[name]
        value = getattr(provisioning, attribute)
        if value is None or value == "":
            values[name] = ""
            if name not in _OPTIONAL:
                missing.append(name)
        elif (text := read(value)) is not None:
            values[name] = text
        else:
            unusable.append(name)
    if missing or unusable:
        lists = {"missing": missing, "unusable": unusable}
        faults = "; ".join(f"{fault}: {', '.join(wrong)}" for fault, wrong in lists.items() if wrong)
        raise IncompleteProvisioningError(
            f"The provisioning makes no SIP configuration ({faults}): check the device's settings at Siperb "
            "and fetch its provisioning again.",
            missing=missing + unusable,
        )
    return list(values.values())


def _text(value: object) -> str | None:
    """The value; None where it has control characters (header injection) or half a surrogate pair (no UTF-8)."""
    return value if isinstance(value, str) and not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value) else None


def _user(value: object) -> str | None:
    """A user part. Both libraries unescape it and let ``%`` and ``:`` through bare: not a user any more."""
    return None if (text := _text(value)) is None or set(text) & set("%:") else text


def _digest_user(value: object) -> str | None:
    """A user name that both libraries put between quotes as it is, and hash as it is (RFC 7616, 3.4)."""
    return None if (text := _user(value)) is None or set(text) & set('"\\') else text


def _token(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) else None


def _host(value: object) -> str | None:
    """RFC 3261, 25.1: a hostname whose last label begins with a letter, an IPv4 address or a bracketed IPv6 one."""
    if not isinstance(value, str):
        return None
    label = r"[a-z0-9]+(?:-+[a-z0-9]+)*"
    if re.fullmatch(rf"(?:{label}\.)*(?![0-9]){label}", value, re.IGNORECASE | re.ASCII):
        return value.lower()
    try:
        if ":" not in value:
            return str(IPv4Address(value))
        address = IPv6Address(value[1:-1] if value[0] == "[" and value[-1] == "]" else value)
        return None if address.scope_id else f"[{address}]"
    except AddressValueError:
        return None


def _port(value: object) -> str | None:
    return str(value) if type(value) is int and 0 < value < 65536 else None


def _path(value: object) -> str | None:
    """A path, and a query, as both libraries parse it, without the slashes in front."""
    if not isinstance(value, str) or not re.fullmatch(r"(?:[A-Za-z0-9_.!~*'()/:@&=+$,;?-]|%[0-9A-Fa-f]{2})+", value):
        return None
    return value.lstrip("/")


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "[::1]") or re.fullmatch(r"127(?:\.[0-9]+){3}", host) is not None


def _escape(user: str) -> str:
    """RFC 3261, 25.1: as it is what is unreserved there, and "+"; the rest in escapes, as both libraries write it."""
    return quote(user, safe="!*'()+")


_FIELDS: dict[str, tuple[str, Callable[[object], str | None]]] = {
    "SipUsername": ("sip_username", _digest_user),
    "SipPassword": ("sip_password", _text),
    "SipDomain": ("sip_domain", _host),
    "ContactUserName": ("contact_user_name", _user),
    "profileName": ("profile_name", _text),
    "SipJwt": ("sip_jwt", _token),
    "SipWssServer": ("sip_wss_server", _host),
    "SipWebsocketPort": ("sip_websocket_port", _port),
    "SipServerPath": ("sip_server_path", _path),
}
_OPTIONAL = {"profileName", "SipJwt"}
_PHONE = (
    "SipUsername",
    "SipPassword",
    "SipDomain",
    "ContactUserName",
    "profileName",
    "SipWssServer",
    "SipWebsocketPort",
    "SipServerPath",
    "SipJwt",
)
