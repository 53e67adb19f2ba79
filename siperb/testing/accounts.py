"""Who has an account at the loopback API, and with which devices."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from siperb.testing.data import DAY, Device, Missing, Settings, made_up, wire_settings
from siperb.testing.users import User, Users

GENERATED: Final[Settings] = MappingProxyType({})


class Accounts(Users):
    """The users of one API, and their devices: the first `users` have three each."""

    def __init__(
        self,
        *,
        users: int = 1,
        seed: object = "siperb",
        now: Callable[[], float] = time.time,
        jwt_lifetime: float = DAY,
        session_lifetime: float = 25 * DAY,
        seats: int | None = None,
        page_size: int | None = None,
    ) -> None:
        if users < 1:
            raise ValueError("users must be at least 1: `user` and `pat` are those of the first")
        super().__init__(seed, now, session_lifetime)
        self.jwt_lifetime = jwt_lifetime
        self.seats = seats
        self.page_size = page_size
        for _ in range(users):
            user = self.add_user()
            self.add_device(user, description="Front Desk")
            self.add_device(user, platform="ios", description="A phone")
            self.add_device(user, description="Door bell")

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
        with self.lock:
            number = next(self._numbers["device"])
            token = token or self._device_token(number)
            device = Device(owner.user_id, token, platform, description or f"Device {number}", settings)
            owner.devices.put([device])
            return device

    def add_devices(self, count: int, user: User | None = None, *, platform: str = "script") -> list[Device]:
        """`count` new devices, last in the user's list: 100,000 take about half a second."""
        owner = user or self.user
        with self.lock:
            devices = [
                Device(owner.user_id, self._device_token(number), platform, f"Device {number}")
                for number in itertools.islice(self._numbers["device"], count)
            ]
            owner.devices.put(devices)
            return devices

    def change_device(self, device: Device, *, platform: str | None = None, description: str | None = None) -> Device:
        """The device with another platform or description: same token, same place in the list."""
        with self.lock:
            current = self._find(device)
            platform, description = platform or current.platform, description or current.description
            return self._put(attrs.evolve(current, platform=platform, description=description))

    def set_settings(self, device: Device, settings: Settings | Missing | None) -> Device:
        """Lay `settings` over the device's provisioning document, and over what was laid there before.

        A name is either one of the wire (`"SipDomain"` sets that field alone) or one of `siperb.Provisioning`
        (`"sip_domain"` sets the field under each of its wire names); a value of `MISSING` takes the field away.
        Instead of a mapping: None for a null document, `MISSING` for none at all, a mapping after these starts afresh.
        """
        with self.lock:
            current = self._find(device)
            if isinstance(settings, Mapping) and isinstance(current.settings, Mapping):
                settings = {**wire_settings(current.settings), **wire_settings(settings)}
            return self._put(attrs.evolve(current, settings=settings))

    def remove_device(self, device: Device) -> None:
        """The device leaves the list, and asking for it gets 404. KeyError if there is none such."""
        with self.lock:
            self._owner(device).devices.remove(self._find(device))

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
        user = self._by_id.get(device.user_id)
        if user is None:
            raise KeyError("the device belongs to another server")
        return user
