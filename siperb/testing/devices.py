"""A user's devices in the order of the list, with the list's JSON kept ready."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from siperb.testing.data import Device, list_entry, to_json


class DeviceList(Sequence[Device]):
    """Read by the server's thread while a test's changes it: a lock, briefly held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: dict[str, Device] = {}
        self._json: bytes | None = None

    def __repr__(self) -> str:
        return f"<{len(self)} devices>"

    def __len__(self) -> int:
        return len(self._devices)

    def __iter__(self) -> Iterator[Device]:
        with self._lock:
            return iter(list(self._devices.values()))

    @overload
    def __getitem__(self, index: int) -> Device: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Device]: ...
    def __getitem__(self, index: int | slice) -> Device | Sequence[Device]:
        return list(self)[index]

    def find(self, token: str) -> Device | None:
        return self._devices.get(token)

    def put(self, devices: Iterable[Device]) -> None:
        """Each in the place of the device that has its token, else last."""
        with self._lock:
            self._devices.update({device.token: device for device in devices})
            self._json = None

    def remove(self, device: Device) -> None:
        with self._lock:
            del self._devices[device.token]
            self._json = None

    def to_json(self) -> bytes:
        """The body of the API's answer, built once after each change."""
        with self._lock:
            if self._json is None:
                self._json = to_json([list_entry(device) for device in self._devices.values()])
            return self._json
