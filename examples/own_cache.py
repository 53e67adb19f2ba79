"""A cache of your own: any object with these four methods. This one is a dictionary; yours may be Redis or a vault."""

from siperb import Siperb
from siperb.cache import Key, Record


class DictCache:
    def __init__(self) -> None:
        self.records: dict[Key, tuple[Record, str]] = {}

    def load(self, key: Key) -> Record | None:
        record, _ = self.records.get(key, (None, ""))
        return record

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        stored = self.load(key)
        if expected is not None and (stored is None or stored.generation != expected):
            return False  # evicted or replaced meanwhile: a late answer must not bring it back
        self.records[key] = record, owner
        return True

    def evict(self, key: Key) -> bool:
        self.records.pop(key, None)
        return True

    def forget(self, owner: str) -> bool:
        self.records = {key: entry for key, entry in self.records.items() if entry[1] != owner}
        return True


with Siperb(cache=DictCache(), strict=True) as client:
    for _ in range(2):  # the second time from the cache
        print(len(client.get_devices(enable_cache=True)), "devices")
