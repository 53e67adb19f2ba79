"""Caches: the `Cache` protocol, `KeyringCache` over the OS keyring, and `MemoryCache`, which stores nothing on disk.

Each is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siperb.cache.keyring import KeyringCache
    from siperb.cache.memory import MemoryCache
    from siperb.cache.protocol import Cache
    from siperb.cache.records import Key, Record

__all__ = ["Cache", "Key", "KeyringCache", "MemoryCache", "Record", "default_cache"]


def default_cache() -> KeyringCache:
    """Return the cache of all clients in this process that were given no cache."""
    from siperb.cache.keyring import DEFAULT

    return DEFAULT


_ROOMS = {
    "Cache": "protocol",
    "Key": "records",
    "KeyringCache": "keyring",
    "MemoryCache": "memory",
    "Record": "records",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
