"""Where answers are kept: the `Cache` protocol, the OS keyring behind it, and one that leaves nothing at rest.

Each is loaded when it is first used, and `keyring` by its first operation, in the keyring's own thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siperb.cache.records import Key, Record

if TYPE_CHECKING:
    from siperb.cache.keyring import KeyringCache
    from siperb.cache.memory import MemoryCache
    from siperb.cache.protocol import Cache

__all__ = ["Cache", "Key", "KeyringCache", "MemoryCache", "Record", "default_cache"]


def default_cache() -> KeyringCache:
    """The one of the process, for every client that was given no cache: its pauses and warnings are shared."""
    from siperb.cache.keyring import DEFAULT

    return DEFAULT


_ROOMS = {"Cache": "protocol", "KeyringCache": "keyring", "MemoryCache": "memory"}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
