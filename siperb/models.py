"""The answers of the calls as models. Frozen; secrets are plain `str`, never in a repr."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

import attrs
from attrs import field, frozen

from siperb.errors import SiperbError

__all__ = [
    "AccessToken",
    "Answer",
    "BulkResult",
    "Device",
    "DomainUser",
    "NotProvisioned",
    "Provisioned",
    "Provisioning",
    "ProvisioningResult",
    "Session",
    "User",
]

Item = TypeVar("Item")
T = TypeVar("T")

_NOTHING: dict[str, Any] = {}  # for all that have no `raw`, as nobody can change it


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("`raw` is read-only: to_dict() makes a copy that can be changed.")


_refused: Any = _refuse


class _ReadOnlyDict(dict[str, Any]):
    """A copy of it is a plain dict. Its repr has no values, as they may be secrets."""

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refused

    def __repr__(self) -> str:
        return f"<read-only: {', '.join(map(repr, self))}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class _ReadOnlyList(list[Any]):
    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = _refused
    remove = reverse = sort = _refused

    def __repr__(self) -> str:
        return f"<read-only: {len(self)} items>"

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


def _copied(document: Mapping[str, Any], new_dict: type[dict[str, Any]], new_list: type[list[Any]]) -> dict[str, Any]:
    """All of it anew, of these types; of any depth, as the API may nest more deeply than Python calls."""
    todo: list[Any] = [new_dict(document)]
    for container in todo:
        is_list = issubclass(type(container), list)
        put: Any = list[Any].__setitem__ if is_list else dict[Any, Any].__setitem__
        items: Any = enumerate(container) if is_list else container.items()
        for place, value in items:
            new = new_dict if issubclass(type(value), dict) else new_list if issubclass(type(value), list) else None
            if new:
                todo.append(new(value))
                put(container, place, todo[-1])
    copy: dict[str, Any] = todo[0]
    return copy


@frozen
class Answer:
    """What all models of answers have."""

    _raw: dict[str, Any] = field(default=_NOTHING, repr=False, hash=False, kw_only=True, alias="raw")

    @property
    def raw(self) -> Mapping[str, Any]:
        """All that the API said, under the API's own names; read-only, and equal to what a plain dict holds."""
        if not isinstance(self._raw, _ReadOnlyDict):  # made when it is asked for: 100,000 devices share this class
            object.__setattr__(self, "_raw", _copied(self._raw, _ReadOnlyDict, _ReadOnlyList))
        return self._raw

    def to_dict(self) -> dict[str, Any]:
        """The attributes, and ``raw``, as a dict of your own that `json.dumps` takes. It holds the secrets."""
        fields = {attribute.alias: getattr(self, attribute.name) for attribute in attrs.fields(type(self))}
        return _copied(fields, dict, list)


@frozen
class Session(Answer):
    """A login. ``raw`` is the whole answer, fields unknown to this package included."""

    user_id: str
    """32 hex digits."""
    session_token: str = field(repr=False)
    """Goes into ``X-Api-Key``; the API takes it for 25 days at most. A secret."""


@frozen
class Device(Answer):
    """A device of the user, as the list of devices shows it."""

    device_token: str = field(repr=False)
    """What `get_provisioning` takes. A secret: it stands in the URL's path."""
    platform: str
    """Always "script" for what `get_devices` returns."""
    description: str | None = None
    """The name people gave it, or None."""


@frozen
class Provisioning(Answer):
    """What makes a softphone out of SIP.js, JsSIP or any SIP library.

    A field that the document lacks, or holds in an unusable form (a port that is no number), is None;
    ``raw``, the ``Settings_json`` document, still has it as it came.
    """

    sip_username: str | None = None
    """The user part of the SIP address, and the user of its digest authentication."""
    sip_password: str | None = field(default=None, repr=False)
    """A secret."""
    sip_domain: str | None = None
    """The host part of the SIP address."""
    sip_wss_server: str | None = None
    """The host of the registrar's WebSocket: `siperb.sip.websocket_url` makes its address of this, port and path."""
    sip_websocket_port: int | None = None
    """From 1 to 65535."""
    sip_server_path: str | None = None
    """With a slash before it, as in "/ws"."""
    contact_user_name: str | None = None
    """The user part of the ``Contact`` that the phone registers."""
    sip_jwt: str | None = field(default=None, repr=False)
    """For Siperb's own proxy, good for 24 hours: see `jwt_expires_at`. A secret."""
    registration_mode: str | None = None
    """Where the phone registers: "Proxy" is Siperb's own, "WebSocket" is any."""
    profile_name: str | None = None
    """The name to show for the phone's user."""

    @property
    def jwt_expires_at(self) -> datetime | None:
        """When `sip_jwt` expires, in UTC; None without a JWT or without a usable ``exp`` (RFC 7519, 4.1.4).

        The signature is not checked: the registrar does that.
        """
        try:
            payload = (self.sip_jwt or "").split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return datetime.fromtimestamp(float(claims["exp"]), timezone.utc)
        except (ArithmeticError, IndexError, KeyError, OSError, RecursionError, TypeError, ValueError):
            return None


@frozen
class User(Answer):
    """The user's profile. ``raw`` is the whole of it; none of its other fields is documented."""

    user_id: str
    """32 hex digits."""


@frozen
class DomainUser(Answer):
    """A user of the administrator's domain."""

    user_id: str
    """What `for_user` takes; a hash of the e-mail address, 32 hex digits."""
    email: str | None = None
    """The address, or None when the API does not say."""


@frozen
class AccessToken(Answer):
    """A personal access token (PAT), by its id and name; the API shows its value once, to who makes it."""

    pat_id: str
    """What `delete_pat` takes; "" where `create_pat` is not told it."""
    name: str | None = None
    """The name people gave it, or None."""
    token: str | None = field(default=None, repr=False)
    """Of `create_pat` the PAT itself, a secret; else None."""


@frozen
class Provisioned:
    """A device of `provision_all` with its provisioning."""

    device_token: str = field(repr=False)
    """Whose result it is. A secret."""
    provisioning: Provisioning
    """The SIP credentials and settings of the device."""
    user_id: str | None = None
    """Of the domain user whose device it is; None for one's own."""
    error: None = field(default=None, init=False)
    """None."""


@frozen
class NotProvisioned:
    """A device of `provision_all` with the error that it met."""

    device_token: str = field(repr=False)
    """Whose result it is. A secret. Empty when the devices of a domain user could not be listed."""
    error: SiperbError
    """What `get_provisioning` of a strict client would have raised."""
    user_id: str | None = None
    """Of the domain user whose device it is; None for one's own."""
    provisioning: None = field(default=None, init=False)
    """None."""


ProvisioningResult: TypeAlias = Provisioned | NotProvisioned
"""What `provision_all` got for one device: its ``provisioning`` or its ``error``, and None for the other.

A type checker knows that there is a `Provisioning` where ``result.error is None``, and the other way round.
"""


@frozen
class BulkResult(Generic[Item, T]):
    """What `bulk` got for one item. Its repr shows the error alone, as the others may be secrets."""

    item: Item = field(repr=False)
    """Whose result it is, one of `items`."""
    value: T | None = field(default=None, repr=False)
    """What `work` returned; None when it raised."""
    error: Exception | None = None
    """What `work` raised; None when it returned."""
