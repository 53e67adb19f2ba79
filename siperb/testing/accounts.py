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
        """Add a device at the end of the user's list.

        Args:
            user: The user. None means the first user.
            platform: The platform.
            description: The name. None numbers it.
            settings: See `set_settings`.
            token: The device token. None makes one up.
        """
        owner = user or self.user
        with self.lock:
            number = next(self._numbers["device"])
            token = token or self._device_token(number)
            device = Device(owner.user_id, token, platform, description or f"Device {number}", settings)
            owner.devices.put([device])
            return device

    def add_devices(self, count: int, user: User | None = None, *, platform: str = "script") -> list[Device]:
        """Add many devices at the end of the user's list. 100,000 take about half a second.

        Args:
            count: The number of devices.
            user: The user. None means the first user.
            platform: The platform of all of them.
        """
        owner = user or self.user
        with self.lock:
            devices = [
                Device(owner.user_id, self._device_token(number), platform, f"Device {number}")
                for number in itertools.islice(self._numbers["device"], count)
            ]
            owner.devices.put(devices)
            return devices

    def change_device(self, device: Device, *, platform: str | None = None, description: str | None = None) -> Device:
        """Change a device. It keeps its token and its place in the list.

        Args:
            device: The device.
            platform: The new platform. None keeps the old one.
            description: The new name. None keeps the old one.

        Returns:
            The changed device.
        """
        with self.lock:
            current = self._find(device)
            platform, description = platform or current.platform, description or current.description
            return self._put(attrs.evolve(current, platform=platform, description=description))

    def set_settings(self, device: Device, settings: Settings | Missing | None) -> Device:
        """Change fields of a device's provisioning document.

        Args:
            device: The device.
            settings: The fields by their wire names (`"SipDomain"`), or by their names in `siperb.Provisioning`
                (`"sip_domain"` sets each of its wire names). The value `MISSING` removes a field. None instead of a
                mapping makes the document null, and `MISSING` removes it.

        Returns:
            The changed device.
        """
        with self.lock:
            current = self._find(device)
            if isinstance(settings, Mapping) and isinstance(current.settings, Mapping):
                settings = {**wire_settings(current.settings), **wire_settings(settings)}
            return self._put(attrs.evolve(current, settings=settings))

    def remove_device(self, device: Device) -> None:
        """Remove a device. A request for it gets 404.

        Args:
            device: The device.

        Raises:
            KeyError: The user has no such device.
        """
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
