"""Who has an account at the loopback API: users, their PATs and sessions, their devices.

A test's thread changes them while the server's thread reads them: one lock, held briefly.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from siperb.testing.data import Device, Missing, Settings, made_up, made_up_session_token, wire_settings
from siperb.testing.devices import DeviceList

DAY: Final = 24 * 60 * 60.0
GENERATED: Final[Settings] = MappingProxyType({})


@attrs.define(eq=False)
class User:
    """One user. Read it freely; it is changed through the server."""

    user_id: str
    name: str
    email: str
    pat: str = attrs.field(repr=False)
    session_token: str = attrs.field(default="", init=False, repr=False)
    session_expires_at: float = attrs.field(default=0.0, init=False, repr=False)
    devices: DeviceList = attrs.field(factory=DeviceList, init=False)


class Accounts:
    """The users of one API, and how long its tokens live, in seconds.

    `now` is the API's clock (seconds since 1970): it dates sessions and JWTs.
    """

    def __init__(
        self,
        *,
        users: int = 1,
        seed: object = "siperb",
        now: Callable[[], float] = time.time,
        jwt_lifetime: float = DAY,
        session_lifetime: float = 25 * DAY,
    ) -> None:
        if users < 1:
            raise ValueError("users must be at least 1: `user` and `pat` are those of the first")
        self.users: list[User] = []
        self.now = now
        self.jwt_lifetime = jwt_lifetime
        self.session_lifetime = session_lifetime
        self._seed = seed
        self._device_numbers = itertools.count(1)
        self._session_numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._by_pat: dict[str, User] = {}
        self._by_session: dict[str, User] = {}
        for _ in range(users):
            user = self.add_user()
            self.add_device(user, description="Front Desk")
            self.add_device(user, platform="ios", description="A phone")
            self.add_device(user, description="Door bell")

    @property
    def user(self) -> User:
        """The first user: whose `pat` is the server's, and who is meant where a method is given none."""
        return self.users[0]

    @property
    def pat(self) -> str:
        """The first user's personal access token."""
        return self.user.pat

    def add_user(self, *, pat: str | None = None) -> User:
        """A new user, without devices. ValueError if another one has that `pat`."""
        with self._lock:
            number = len(self.users) + 1
            pat = pat or f"pat-{made_up(self._seed, 'pat', number)}"
            if pat in self._by_pat:
                raise ValueError("another user has this PAT: leave it out, or give one of its own")
            user_id = made_up(self._seed, "user", number)[:32]
            user = User(user_id, f"User {number}", f"user{number}@siperb.example", pat)
            self._renew_session(user)
            self._by_pat[pat] = user
            self.users.append(user)
            return user

    def revoke_pat(self, user: User | None = None) -> None:
        """From now on a login with the user's PAT gets 401. A session that it opened before stays good."""
        with self._lock:
            self._by_pat.pop((user or self.user).pat, None)

    def expire_sessions(self) -> None:
        """From now on every session token handed out so far gets 401; the next login gets another one."""
        with self._lock:
            for user in self.users:
                self._renew_session(user)

    def add_device(
        self,
        user: User | None = None,
        *,
        platform: str = "script",
        description: str | None = None,
        settings: Settings | Missing | None = GENERATED,
        token: str | None = None,
    ) -> Device:
        """A new device, last in the user's list; see `set_settings` for `settings`."""
        owner = user or self.user
        with self._lock:
            number = next(self._device_numbers)
            token = token or self._device_token(number)
            device = Device(owner.user_id, token, platform, description or f"Device {number}", settings)
            owner.devices.put([device])
            return device

    def add_devices(self, count: int, user: User | None = None, *, platform: str = "script") -> list[Device]:
        """`count` new devices, last in the user's list: 100,000 take about half a second."""
        owner = user or self.user
        with self._lock:
            devices = [
                Device(owner.user_id, self._device_token(number), platform, f"Device {number}")
                for number in itertools.islice(self._device_numbers, count)
            ]
            owner.devices.put(devices)
            return devices

    def change_device(self, device: Device, *, platform: str | None = None, description: str | None = None) -> Device:
        """The device with another platform or description: same token, same place in the list."""
        with self._lock:
            current = self._find(device)
            platform, description = platform or current.platform, description or current.description
            return self._put(attrs.evolve(current, platform=platform, description=description))

    def set_settings(self, device: Device, settings: Settings | Missing | None) -> Device:
        """Lay `settings` over the device's provisioning document, and over what was laid there before.

        A name is either one of the wire (`"SipDomain"` sets that field alone) or one of `siperb.Provisioning`
        (`"sip_domain"` sets the field under each of its wire names); a value of `MISSING` takes the field away.
        Instead of a mapping: None for a null document, `MISSING` for none at all, a mapping after these starts afresh.
        """
        with self._lock:
            current = self._find(device)
            if isinstance(settings, Mapping) and isinstance(current.settings, Mapping):
                settings = {**wire_settings(current.settings), **wire_settings(settings)}
            return self._put(attrs.evolve(current, settings=settings))

    def remove_device(self, device: Device) -> None:
        """The device leaves the list, and asking for it gets 404. KeyError if there is none such."""
        with self._lock:
            self._owner(device).devices.remove(self._find(device))

    def log_in(self, pat: str) -> User | None:
        """The user of a good PAT, with a session that is good now: the same one until it expires."""
        with self._lock:
            user = self._by_pat.get(pat)
            if user and user.session_expires_at <= self.now():
                self._renew_session(user)
            return user

    def session_user(self, session_token: str) -> User | None:
        """The user of a good session token."""
        user = self._by_session.get(session_token)
        return user if user and self.now() < user.session_expires_at else None

    def _renew_session(self, user: User) -> None:
        self._by_session.pop(user.session_token, None)
        user.session_token = made_up_session_token(self._seed, next(self._session_numbers))
        user.session_expires_at = self.now() + self.session_lifetime
        self._by_session[user.session_token] = user

    def _device_token(self, number: int) -> str:
        return f"t{made_up(self._seed, 'device', number)}"

    def _put(self, device: Device) -> Device:
        self._owner(device).devices.put([device])
        return device

    def _find(self, device: Device) -> Device:
        """The device as it is now."""
        found = self._owner(device).devices.find(device.token)
        if found is None:
            raise KeyError("this user has no such device any more: it was removed")
        return found

    def _owner(self, device: Device) -> User:
        for user in self.users:
            if user.user_id == device.user_id:
                return user
        raise KeyError("the device belongs to another server")
