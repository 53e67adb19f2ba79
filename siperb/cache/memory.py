"""A cache in memory, for tests, and for services that want no keyring."""

from __future__ import annotations

import threading

from siperb.cache.records import Key, Record
from siperb.threads import renewed_after_fork


class MemoryCache:
    """A cache in the memory of this process. It lives as long as the object, and is safe for threads.

    Example:
        ```python
        with Siperb(cache=MemoryCache(), strict=True) as client:
            client.get_devices(enable_cache=True)
        ```
    """

    def __init__(self) -> None:
        self._records: dict[Key, tuple[Record, str]] = {}
        self._renew_after_fork()
        renewed_after_fork(self)

    def load(self, key: Key) -> Record | None:
        """See `Cache.load`."""
        stored = self._records.get(key)
        return stored[0] if stored else None

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """See `Cache.save`."""
        with self._lock:
            stored = self.load(key)
            if expected is not None and (stored is None or stored.generation != expected):
                return False
            self._records[key] = record, owner
            return True

    def evict(self, key: Key) -> bool:
        """See `Cache.evict`."""
        with self._lock:
            self._records.pop(key, None)
        return True

    def forget(self, owner: str) -> bool:
        """See `Cache.forget`."""
        with self._lock:
            self._records = {key: stored for key, stored in self._records.items() if stored[1] != owner}
        return True

    def __repr__(self) -> str:
        return f"<MemoryCache of {len(self._records)} records>"

    def _renew_after_fork(self) -> None:
        self._lock = threading.Lock()
