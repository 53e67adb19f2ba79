"""The calls that fetch something for a session: how each is asked, understood and kept. One class a call."""

from __future__ import annotations

from typing import Protocol, TypeVar

from attrs import field, frozen

from siperb.core.records import Key
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
from siperb.models import Device, Provisioning, Session, User

__all__ = ["Call", "GetDevices", "GetProvisioning", "GetUser"]

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

    def build(self, session: Session) -> Request: ...

    def parse(self, response: Response) -> T_co: ...

    def key(self, origin: str, user_id: str) -> Key | None:
        """The record that holds the answer; None without a cache_key."""
        ...


@frozen(repr=False)
class GetDevices:
    cache_key: str | None = None
    is_list: bool = field(default=True, init=False)

    def build(self, session: Session) -> Request:
        return build_devices(session)

    def parse(self, response: Response) -> list[Device]:
        return parse_devices(response)

    def key(self, origin: str, user_id: str) -> Key | None:
        return Key.of(origin, user_id, "devices", self.cache_key) if self.cache_key is not None else None


@frozen(repr=False)
class GetProvisioning:
    device_token: str = field(validator=lambda call, attribute, value: path_part(attribute.name, value))
    cache_key: str | None = None
    is_list: bool = field(default=False, init=False)

    def build(self, session: Session) -> Request:
        return build_provisioning(session, self.device_token)

    def parse(self, response: Response) -> Provisioning:
        return parse_provisioning(response)

    def key(self, origin: str, user_id: str) -> Key | None:
        if self.cache_key is None:
            return None
        return Key.of(origin, user_id, "prov", self.cache_key, self.device_token)


@frozen(repr=False)
class GetUser:
    cache_key: str | None = field(default=None, init=False)
    is_list: bool = field(default=False, init=False)

    def build(self, session: Session) -> Request:
        return build_user(session)

    def parse(self, response: Response) -> User:
        return parse_user(response)

    def key(self, origin: str, user_id: str) -> Key | None:
        return None
