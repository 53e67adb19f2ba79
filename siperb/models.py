"""The answers of the calls as models. Models are frozen. Secrets are plain `str` and never in a repr."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Generic, TypeAlias, TypeVar

import attrs
from attrs import field, frozen

from siperb._readonly import ReadOnlyDict, ReadOnlyList, copied
from siperb.errors import SiperbError

__all__ = [
    "AccessToken",
    "Answer",
    "BulkResult",
    "Device",
    "DomainUser",
    "NewAccessToken",
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


@frozen
class Answer:
    """The base of all models of answers."""

    _raw: dict[str, Any] = field(default=_NOTHING, repr=False, hash=False, kw_only=True, alias="raw")

    @property
    def raw(self) -> Mapping[str, Any]:
        """The whole answer of the API, under the API's own names. Read-only."""
        if not isinstance(self._raw, ReadOnlyDict):  # made when it is asked for: 100,000 devices share this class
            object.__setattr__(self, "_raw", copied(self._raw, ReadOnlyDict, ReadOnlyList))
        return self._raw

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes and ``raw`` as a dict for `json.dumps`. It holds the secrets."""
        fields = {attribute.alias: getattr(self, attribute.name) for attribute in attrs.fields(type(self))}
        return copied(fields, dict, list)


@frozen
class Session(Answer):
    """A login, as `login` returns it."""

    user_id: str
    """32 hex digits."""
    session_token: str = field(repr=False)
    """The key of later calls, good for 25 days at most. A secret."""


@frozen
class Device(Answer):
    """A device of the user, as `get_devices` lists it."""

    device_token: str = field(repr=False)
    """The token that `get_provisioning` takes. A secret."""
    platform: str
    """"script" unless `get_devices` was asked for another platform."""
    description: str | None = None
    """The name that people gave it, or None."""


@frozen
class Provisioning(Answer):
    """The SIP credentials and settings of a device, for SIP.js, JsSIP or any SIP library.

    A missing or unusable field (a port that is no number) is None. ``raw`` is the ``Settings_json`` document, and has
    every field as it came.
    """

    sip_username: str | None = None
    """The user part of the SIP address, and the user of its digest authentication."""
    sip_password: str | None = field(default=None, repr=False)
    """The password of the digest authentication. A secret."""
    sip_domain: str | None = None
    """The host part of the SIP address."""
    sip_wss_server: str | None = None
    """The host of the registrar's WebSocket. `siperb.sip.websocket_url` returns the whole address."""
    sip_websocket_port: int | None = None
    """The port of the WebSocket, from 1 to 65535."""
    sip_server_path: str | None = None
    """The path of the WebSocket, with its slash, as in "/ws"."""
    contact_user_name: str | None = None
    """The user part of the ``Contact`` that the phone registers."""
    sip_jwt: str | None = field(default=None, repr=False)
    """The token for Siperb's own proxy, good for 24 hours: see `jwt_expires_at`. A secret."""
    registration_mode: str | None = None
    """The kind of registrar: "Proxy" is Siperb's own, "WebSocket" is any other."""
    profile_name: str | None = None
    """The name to show for the phone's user."""
    user_id: str | None = field(default=None, eq=False, kw_only=True)
    """The user that the device belongs to, as the client knows it. None if you made the object yourself."""

    @property
    def jwt_expires_at(self) -> datetime | None:
        """The end of `sip_jwt` in UTC. None without a JWT, or without a usable ``exp`` (RFC 7519, 4.1.4).

        The registrar checks the signature; this does not.
        """
        try:
            payload = (self.sip_jwt or "").split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return datetime.fromtimestamp(float(claims["exp"]), timezone.utc)
        except (ArithmeticError, IndexError, KeyError, OSError, RecursionError, TypeError, ValueError):
            return None


@frozen
class User(Answer):
    """The profile of a user. The API documents no field but the id; ``raw`` has all of them."""

    user_id: str
    """32 hex digits."""


@frozen
class DomainUser(Answer):
    """A user of the administrator's domain."""

    user_id: str
    """The id that `for_user` takes: a hash of the e-mail address, 32 hex digits."""
    email: str | None = None
    """The e-mail address, or None if the API does not say."""


@frozen
class AccessToken(Answer):
    """A personal access token (PAT) by its id and name, as `get_pats` lists it."""

    pat_id: str
    """The id that `delete_pat` takes. "" if the API did not tell it to `create_pat`."""
    name: str | None = None
    """The name that people gave it, or None."""
    token: str | None = field(default=None, repr=False)
    """The value, which only a `NewAccessToken` has. Else None. A secret."""


@frozen
class NewAccessToken(AccessToken):
    """A new personal access token (PAT) with its value, as `create_pat` returns it."""

    token: str = field(repr=False, kw_only=True)
    """The value. The API shows it this once. A secret."""


def _masked(token: str) -> str:
    """Four characters of either end of a long token, as the command line has it; nothing of a short one."""
    return f"{token[:4]}…{token[-4:]}" if len(token) >= 32 else "•••"


def _shown(item: object) -> str:
    return repr(item) if isinstance(item, Answer) else f"<{type(item).__name__}>"


@frozen
class Provisioned:
    """A result of `provision_all`: a device with its provisioning."""

    device_token: str = field(repr=_masked)
    """The token of the device. A secret: the repr has only its ends."""
    provisioning: Provisioning
    """The SIP credentials and settings of the device."""
    user_id: str | None = None
    """The domain user that the device belongs to. None for the user's own."""
    error: None = field(default=None, init=False)
    """Always None."""


@frozen
class NotProvisioned:
    """A result of `provision_all`: a device with its error."""

    device_token: str = field(repr=_masked)
    """The token of the device. "" if the devices of a domain user could not be listed. A secret: the repr has only its
    ends."""
    error: SiperbError
    """The error that `get_provisioning` of a strict client raises."""
    user_id: str | None = None
    """The domain user that the device belongs to. None for the user's own."""
    provisioning: None = field(default=None, init=False)
    """Always None."""


ProvisioningResult: TypeAlias = Provisioned | NotProvisioned
"""A result of `provision_all`: a device with its ``provisioning`` or its ``error``. The other one is None.

After ``if result.error is None``, a type checker knows that there is a `Provisioning`.
"""


@frozen
class BulkResult(Generic[Item, T]):
    """A result of `bulk`: an item with the value that `work` returned, or the error that it raised.

    The repr shows an item that is a model. It shows no other item and no value, as these may be secrets.
    """

    item: Item = field(repr=_shown)
    """The item that this result belongs to."""
    value: T | None = field(default=None, repr=False)
    """The value that `work` returned. None if it raised."""
    error: Exception | None = None
    """The error that `work` raised. None if it returned."""
