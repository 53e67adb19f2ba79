"""The calls that fetch something for a session: how each is asked, understood and kept. One class a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from siperb.cache.records import Key
from siperb.core.values import Value
from siperb.core.wire import (
    Request,
    Response,
    build_devices,
    build_provisioning,
    build_user,
    parse_devices,
    parse_provisioning,
    parse_user,
    path_part,
)

if TYPE_CHECKING:
    from siperb.models import Device, Provisioning, Session, User

__all__ = ["Call", "GetDevices", "GetProvisioning", "GetUser", "Uncached"]

T_co = TypeVar("T_co", covariant=True)


class Call(Protocol[T_co]):
    """A call by value: two that are equal ask for the same thing, and may share one request."""

    @property
    def cache_key(self) -> str | None:
        """The name of its record among those of its kind; None when the answer is not to be cached."""
        ...

    @property
    def is_list(self) -> bool:
        """Whether the answer may come in pages, which are all asked for."""
        ...

    def build(self, session: Session, domain_user: str | None = None) -> Request:
        """domain_user: whose it is, if not the session's user's."""
        ...

    def parse(self, response: Response) -> T_co: ...

    def key(self, origin: str, user_id: str, domain_user: str | None = None) -> Key | None:
        """The record that holds the answer; None without a cache_key."""
        ...


class Uncached:
    """What calls have in common whose answers are not kept."""

    __slots__ = ()
    cache_key = None

    def key(self, origin: str, user_id: str, domain_user: str | None = None) -> Key | None:
        return None


def _whose(domain_user: str | None) -> list[str]:
    return [] if domain_user is None else [domain_user]


class GetDevices(Value):
    """platform None: every one; what is cached is all of them."""

    __slots__ = ("cache_key", "platform")
    is_list = True

    def __init__(self, cache_key: str | None = None, platform: str | None = "script") -> None:
        self.cache_key: str | None = cache_key
        self.platform: str | None = platform

    def build(self, session: Session, domain_user: str | None = None) -> Request:
        return build_devices(session, domain_user)

    def parse(self, response: Response) -> list[Device]:
        return parse_devices(response, self.platform)

    def key(self, origin: str, user_id: str, domain_user: str | None = None) -> Key | None:
        if self.cache_key is None:
            return None
        return Key.of(origin, user_id, "devices", self.cache_key, *_whose(domain_user))


class GetProvisioning(Value):
    __slots__ = ("cache_key", "device_token")
    is_list = False

    def __init__(self, device_token: str, cache_key: str | None = None) -> None:
        path_part("device_token", device_token)
        self.device_token: str = device_token
        self.cache_key: str | None = cache_key

    def build(self, session: Session, domain_user: str | None = None) -> Request:
        return build_provisioning(session, self.device_token, domain_user)

    def parse(self, response: Response) -> Provisioning:
        return parse_provisioning(response)

    def key(self, origin: str, user_id: str, domain_user: str | None = None) -> Key | None:
        if self.cache_key is None:
            return None
        return Key.of(origin, user_id, "prov", self.cache_key, self.device_token, *_whose(domain_user))


class GetUser(Uncached, Value):
    __slots__ = ()
    is_list = False

    def build(self, session: Session, domain_user: str | None = None) -> Request:
        return build_user(session, domain_user)

    def parse(self, response: Response) -> User:
        return parse_user(response)
