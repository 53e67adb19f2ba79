"""A `MemoryCache` that tells what happens to it, and the keys and contents of its records."""

from __future__ import annotations

import json
import threading
from typing import Any

from siperb import MemoryCache
from siperb.cache.records import Key, Record
from siperb.testing import Device, SiperbServer


class WatchedCache(MemoryCache):
    """A `MemoryCache` that tells a test when a record was stored or removed."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Semaphore(0)

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        result = super().save(key, record, owner=owner, expected=expected)
        self.changed.release()
        return result

    def evict(self, key: Key) -> bool:
        result = super().evict(key)
        self.changed.release()
        return result


def devices_key(server: SiperbServer, name: str = "SiperbDevices", user: Any = None) -> Key:
    return Key.of(server.base_url, (user or server.user).user_id, "devices", name)


def provisioning_key(server: SiperbServer, device: Device, name: str = "SiperbProvisioning") -> Key:
    return Key.of(server.base_url, device.user_id, "prov", name, device.token)


def descriptions(devices: Any) -> list[str | None]:
    return [device.description for device in devices]


def stored_descriptions(cache: MemoryCache, key: Key) -> list[str]:
    record = cache.load(key)
    assert record
    return [device["Description"] for device in json.loads(record.payload)]


def renamed(server: SiperbServer, description: str) -> Device:
    return server.change_device(server.user.devices[0], description=description)
