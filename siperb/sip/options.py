"""Turns provisioning into the options of SIP.js and JsSIP, ready for JSON, under the libraries' own names.

Every value comes from the document. No error shows a value. The forms were measured with sip.js 0.21 and jssip 3.13.
"""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from siperb.errors import ConfigurationError, IncompleteProvisioningError
from siperb.models import Provisioning, Session
from siperb.sip.addresses import contact_uri, sip_uri, websocket_url
from siperb.sip.fields import PHONE, bare, is_loopback, read, usable_text

__all__ = ["extra_headers", "jssip", "sipjs"]

# The API's own domain, and that of the loopback API, which resolves nowhere (RFC 2606).
_SIPERBS_DOMAINS = (".siperb.com", ".siperb.example")


@bare
def sipjs(provisioning: Provisioning, session: Session | None = None, *, insecure: bool = False) -> dict[str, Any]:
    """Return the options of a SIP.js ``UserAgent``, and ``extraHeaders`` for its ``Registerer`` and ``Inviter``.

    JSON carries no ``URI`` object, so the page makes it:

    ```javascript
    const { extraHeaders, ...options } = configuration;
    const userAgent = new UserAgent({ ...options, uri: UserAgent.makeURI(options.uri) });
    await userAgent.start();
    await new Registerer(userAgent, { extraHeaders }).register();
    ```

    Unregistering needs the headers again: ``unregister({ requestOptions: { extraHeaders } })``.

    ``traceSip`` and ``logConfiguration`` are off: SIP.js would write every header, tokens included, to the console.
    ``viaHost`` is fixed: a random one leaves another binding at the registrar with every start.

    Args:
        provisioning: From `get_provisioning`.
        session: See `extra_headers`.
        insecure: See `websocket_url`.

    Returns:
        The options, ready for `json.dumps`. They hold secrets.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable, or Siperb's proxy wants a session.
        ConfigurationError: Another argument cannot be used.

    Example:
        ```python
        configuration = siperb.sip.sipjs(provisioning, client.session)
        ```
    """
    username, password, domain, contact, name, *_ = read(provisioning, *PHONE)
    return {
        "uri": sip_uri(provisioning),
        "transportOptions": {"server": websocket_url(provisioning, insecure=insecure), "traceSip": False},
        "authorizationUsername": username,
        "authorizationPassword": password,
        "contactName": contact,
        "viaHost": domain,
        "displayName": re.sub(r'(["\\])', r"\\\1", name),  # SIP.js puts it between quotes without escaping
        "logConfiguration": False,
        "extraHeaders": extra_headers(provisioning, session, insecure=insecure),
    }


@bare
def jssip(provisioning: Provisioning, session: Session | None = None, *, insecure: bool = False) -> dict[str, Any]:
    """Return the options of a JsSIP ``UA``, and ``extraHeaders`` for its registrator and its calls.

    JSON carries no ``WebSocketInterface``, so the page makes it:

    ```javascript
    const { extraHeaders, ...options } = configuration;
    const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
    const ua = new JsSIP.UA({ ...options, sockets });
    ua.registrator().setExtraHeaders(extraHeaders);
    ua.start();
    ua.call(target, { extraHeaders });
    ```

    ``instance_id`` belongs to the device (RFC 5626, 4.1): a random one leaves another binding with every start.
    Two options of JsSIP are left out. ``authorization_jwt`` overwrites the digest answer; ``extra_headers`` goes on
    every request and response.

    Args:
        provisioning: From `get_provisioning`.
        session: See `extra_headers`.
        insecure: See `websocket_url`.

    Returns:
        The options, ready for `json.dumps`. They hold secrets.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable, or Siperb's proxy wants a session.
        ConfigurationError: Another argument cannot be used.

    Example:
        ```python
        configuration = siperb.sip.jssip(provisioning, client.session)
        ```
    """
    username, password, _, _, name, *_ = read(provisioning, *PHONE)
    return {
        "sockets": [websocket_url(provisioning, insecure=insecure)],
        "uri": sip_uri(provisioning),
        "authorization_user": username,
        "password": password,
        "contact_uri": contact_uri(provisioning),
        "instance_id": str(uuid5(NAMESPACE_URL, contact_uri(provisioning))),
        "display_name": name,
        "extraHeaders": extra_headers(provisioning, session, insecure=insecure),
    }


@bare
def extra_headers(provisioning: Provisioning, session: Session | None = None, *, insecure: bool = False) -> list[str]:
    """Return the headers that Siperb's own proxy wants on REGISTER and INVITE, as ``["Name: value", ...]``.

    Any other registrar gets none: the list is empty. Siperb's own proxy is a host under ``siperb.com``, the domain of
    the API. The loopback API of `siperb.testing` names hosts under ``siperb.example``, which count too.

    The headers are ``X-Siperb-Sid`` (the API session token), ``X-Siperb-Uid`` and, if the document has a JWT,
    ``Authorization: Bearer``. A phone that gets them holds the session token, a secret.

    Args:
        provisioning: From `get_provisioning`. Its ``user_id`` says whose document it is. A `Provisioning` that you
            made yourself has none: you vouch that it belongs to the session's user.
        session: The login of the document's own user. The session of another user, an administrator's for example,
            is left out.
        insecure: Let a proxy on loopback have the headers too, if ``RegistrationMode`` is "Proxy".

    Returns:
        The headers. They hold secrets.

    Raises:
        IncompleteProvisioningError: ``RegistrationMode`` is "Proxy", and the host is not Siperb's (``missing`` has
            "SipWssServer") or there is no session of the document's user ("X-Siperb-Sid").
        ConfigurationError: The session cannot be sent.

    Example:
        ```python
        headers = siperb.sip.extra_headers(provisioning, client.session)
        ```
    """
    host, jwt = read(provisioning, "SipWssServer", "SipJwt")
    is_proxy = (provisioning.registration_mode or "").lower() == "proxy"
    is_siperbs = host.endswith(_SIPERBS_DOMAINS)
    if is_proxy and not is_siperbs and not (insecure and is_loopback(host)):
        raise IncompleteProvisioningError(
            "The RegistrationMode is Proxy, and SipWssServer is no host of Siperb's, which gets no token: correct one "
            "of them in the device's settings at Siperb.",
            missing=["SipWssServer"],
        )
    if not is_proxy and not is_siperbs:
        return []
    headers: dict[str, str] = {}
    if session is not None and not isinstance(cast(object, session), Session):
        raise ConfigurationError("The session must be a Session, as login() returns it, or None.")
    if session is not None and provisioning.user_id in (None, session.user_id):
        headers = {"X-Siperb-Sid": session.session_token, "X-Siperb-Uid": session.user_id}
    elif is_proxy:
        raise IncompleteProvisioningError(
            "The phone registers at Siperb's proxy, which wants X-Siperb-Sid, the session of the device's own user: "
            "log in as that user and pass that session.",
            missing=["X-Siperb-Sid"],
        )
    for name, value in headers.items():
        if not usable_text(value):
            raise ConfigurationError(f"The session has no usable value for {name}: log in again.")
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
    return [f"{name}: {value}" for name, value in headers.items()]
