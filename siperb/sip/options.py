"""From provisioning to the options of SIP.js and JsSIP: JSON-ready, in the libraries' own names.

Only what a document says is used: an address is never guessed. Every function raises
`IncompleteProvisioningError`, naming all the fields that are missing or unusable at once, for what is wrong with the
document, and `ConfigurationError` for what is wrong with the other arguments. Neither shows a value.

The forms are those that sip.js 0.21 and jssip 3.13 were measured to take.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from siperb.errors import ConfigurationError
from siperb.models import Provisioning, Session
from siperb.sip.fields import escape, is_loopback, read, usable_text

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
    username, password, domain, contact, name, *_ = read(provisioning, *_PHONE)
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
    username, password, _, _, name, *_ = read(provisioning, *_PHONE)
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
    host, port, path = read(provisioning, "SipWssServer", "SipWebsocketPort", "SipServerPath")
    if insecure and not is_loopback(host):
        raise ConfigurationError(
            "insecure=True is for a registrar on loopback alone, and SipWssServer is another host: leave it out."
        )
    return f"{'ws' if insecure else 'wss'}://{host}:{port}/{path}"


def sip_uri(provisioning: Provisioning) -> str:
    """The address of record, ``sip:user@domain``."""
    user, domain = read(provisioning, "SipUsername", "SipDomain")
    return f"sip:{escape(user)}@{domain}"


def contact_uri(provisioning: Provisioning) -> str:
    """Where the registrar reaches this device, ``sip:contact@domain;transport=ws`` (over wss too, RFC 7118, 5.2)."""
    contact, domain = read(provisioning, "ContactUserName", "SipDomain")
    return f"sip:{escape(contact)}@{domain};transport=ws"


def extra_headers(provisioning: Provisioning, session: Session | None = None) -> list[str]:
    """What Siperb's own proxy wants on REGISTER and INVITE, ``["Name: value", ...]``; empty for any other registrar.

    The proxy is where ``RegistrationMode`` is "Proxy" or ``SipWssServer`` ends in ``.siperb.com``.

    session: makes ``X-Siperb-Sid`` and ``X-Siperb-Uid``. The first is the API session token, a secret that the phone
        then holds. Without a session there is ``Authorization: Bearer`` alone, and that where there is a JWT.
    """
    host, jwt = read(provisioning, "SipWssServer", "SipJwt")
    if (provisioning.registration_mode or "").lower() != "proxy" and not host.endswith(".siperb.com"):
        return []
    headers = {}
    if session is not None:
        headers = {"X-Siperb-Sid": session.session_token, "X-Siperb-Uid": session.user_id}
    for name, value in headers.items():
        if not usable_text(value):
            raise ConfigurationError(f"The session has no usable value for {name}: log in again.")
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
    return [f"{name}: {value}" for name, value in headers.items()]


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
