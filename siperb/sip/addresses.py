"""The addresses in provisioning: of the registrar's WebSocket, of the account, of the device."""

from __future__ import annotations

from siperb.errors import ConfigurationError
from siperb.models import Provisioning
from siperb.sip.fields import PHONE, bare, escape, is_loopback, read

__all__ = ["check", "contact_uri", "sip_uri", "websocket_url"]


@bare
def check(provisioning: Provisioning) -> None:
    """Check that the document has every field that a phone needs, in a usable form.

    Args:
        provisioning: From `get_provisioning`.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable. The error names all of them.
        ConfigurationError: The argument is no `Provisioning`.

    Example:
        ```python
        siperb.sip.check(provisioning)
        ```
    """
    _ = read(provisioning, *PHONE)


@bare
def websocket_url(provisioning: Provisioning, *, insecure: bool = False) -> str:
    """Return the registrar's address, ``wss://host:port/path`` with exactly one slash before the path.

    Args:
        provisioning: From `get_provisioning`.
        insecure: Use ``ws`` instead of ``wss``. The registrar must be on 127.0.0.0/8, ::1 or localhost.

    Returns:
        The address.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable.
        ConfigurationError: Another argument cannot be used.

    Example:
        ```python
        print(siperb.sip.websocket_url(provisioning))
        ```
    """
    host, port, path = read(provisioning, "SipWssServer", "SipWebsocketPort", "SipServerPath")
    if insecure and not is_loopback(host):
        raise ConfigurationError(
            "insecure=True is for a registrar on loopback alone, and SipWssServer is another host: leave it out."
        )
    return f"{'ws' if insecure else 'wss'}://{host}:{port}/{path}"


@bare
def sip_uri(provisioning: Provisioning) -> str:
    """Return the address of record, ``sip:user@domain``.

    Args:
        provisioning: From `get_provisioning`.

    Returns:
        The address.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable.

    Example:
        ```python
        print(siperb.sip.sip_uri(provisioning))
        ```
    """
    user, domain = read(provisioning, "SipUsername", "SipDomain")
    return f"sip:{escape(user)}@{domain}"


@bare
def contact_uri(provisioning: Provisioning) -> str:
    """Return the device's contact, ``sip:contact@domain;transport=ws`` (over wss too, RFC 7118, 5.2).

    Args:
        provisioning: From `get_provisioning`.

    Returns:
        The contact.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable.

    Example:
        ```python
        print(siperb.sip.contact_uri(provisioning))
        ```
    """
    contact, domain = read(provisioning, "ContactUserName", "SipDomain")
    return f"sip:{escape(contact)}@{domain};transport=ws"
