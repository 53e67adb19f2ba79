"""Reads the fields that SIP needs from a provisioning. Each one is usable by a phone, or its name is in the error."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from siperb.errors import ConfigurationError, IncompleteProvisioningError, SiperbError
from siperb.models import Provisioning

P = ParamSpec("P")
T = TypeVar("T")
MAX_SHOWN = 300  # characters


def bare(function: Callable[P, T]) -> Callable[P, T]:
    """Raise the function's errors without its frames: error trackers send away local variables, passwords too."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except SiperbError as error:
            failure = error.with_traceback(None)
        del args, kwargs
        try:
            raise failure
        finally:
            del failure  # else it and its traceback would keep each other alive

    return call


def read(provisioning: object, *names: str) -> list[str]:
    """Return the values of the fields with these wire names; a missing optional field is "".

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable. It names all of them.
        ConfigurationError: The argument is no `Provisioning`.
    """
    if not isinstance(provisioning, Provisioning):
        raise ConfigurationError(
            "A Provisioning is needed: get_provisioning() answers None when it fails, and raises with strict=True."
        )
    values: dict[str, str] = {}
    missing: list[str] = []
    unusable: list[str] = []
    for name in names:
        attribute, usable = _FIELDS[name]
        value = getattr(provisioning, attribute)
        if value is None or value == "":
            values[name] = ""
            if name not in _OPTIONAL:
                missing.append(name)
        elif (text := usable(value)) is not None:
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


def usable_text(value: object) -> str | None:
    """Return the value; None if it has control characters (header injection) or half a surrogate pair (no UTF-8)."""
    return value if isinstance(value, str) and not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value) else None


def _user(value: object) -> str | None:
    """Both libraries unescape a user, and leave ``%`` and ``:`` as they are, which makes another user of it."""
    return None if (text := usable_text(value)) is None or set(text) & set("%:") else text


def _digest_user(value: object) -> str | None:
    """Both libraries put the user name between quotes without escaping, and hash it like that (RFC 7616, 3.4)."""
    return None if (text := _user(value)) is None or set(text) & set('"\\') else text


def _token(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) else None


def _host(value: object) -> str | None:
    """RFC 3261, 25.1: a hostname whose last label begins with a letter, an IPv4 address or a bracketed IPv6 one."""
    if not isinstance(value, str) or len(value) > 255:
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
    """A path and a query, as both libraries parse them, without the slashes in front."""
    if not isinstance(value, str) or not re.fullmatch(r"(?:[A-Za-z0-9_.!~*'()/:@&=+$,;?-]|%[0-9A-Fa-f]{2})+", value):
        return None
    return value.lstrip("/")


def is_loopback(host: str) -> bool:
    return host in ("localhost", "[::1]") or re.fullmatch(r"127(?:\.[0-9]+){3}", host) is not None


def escape(user: str) -> str:
    """Escape all but "+" and what RFC 3261, 25.1, calls unreserved, as both libraries do."""
    return quote(user, safe="!*'()+")


def printable(text: str) -> str:
    """Text of another side's for errors and logs: at most `MAX_SHOWN` characters, and none that moves a terminal."""
    return "".join(character if character.isprintable() else " " for character in text[:MAX_SHOWN])


_FIELDS: dict[str, tuple[str, Callable[[object], str | None]]] = {
    "SipUsername": ("sip_username", _digest_user),
    "SipPassword": ("sip_password", usable_text),
    "SipDomain": ("sip_domain", _host),
    "ContactUserName": ("contact_user_name", _user),
    "profileName": ("profile_name", usable_text),
    "SipWssServer": ("sip_wss_server", _host),
    "SipWebsocketPort": ("sip_websocket_port", _port),
    "SipServerPath": ("sip_server_path", _path),
    "SipJwt": ("sip_jwt", _token),
}
_OPTIONAL = {"profileName", "SipJwt"}
PHONE: tuple[str, ...] = tuple(_FIELDS)
