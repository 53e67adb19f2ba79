"""What must not be seen again, though the keyring may still hold it, or may yet apply a late write of it.

A hung keyring may apply a write long after its caller has given up, and one that is full keeps what is outdated. What
has a tombstone is removed before it is read again. Everything but `bury` happens in the keyring's thread.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from siperb.cache import entries
from siperb.cache.entries import Steps
from siperb.cache.records import Key, Record, RecordTooLargeError
from siperb.errors import CacheError

T = TypeVar("T")

MOST = 10_000  # some 3 MB


class Driver(Protocol):
    """What performs steps on the entries of a keyring."""

    @property
    def limit(self) -> int: ...

    def run(self, steps: Steps[T]) -> T: ...


class Tombstones:
    """Loading, saving and removing that removes first what has a tombstone: a record, or all records of an owner.

    Each tombstone is an object of its own, so that work that began before a removal was asked for does not lift it.
    """

    def __init__(self) -> None:
        self._of: dict[Key | str, object] = {}
        self._may_write_late = False

    def __len__(self) -> int:
        return len(self._of)

    def bury(self, what: Key | str) -> object:
        """From now on the record of a key, or all records of an owner, are not to be seen."""
        while len(self._of) >= MOST and (oldest := next(iter(list(self._of)), None)):
            self._of.pop(oldest, None)
        tombstone = self._of[what] = object()
        return tombstone

    def load(self, driver: Driver, key: Key) -> Record | None:
        self._forget_owners(driver)
        if key not in self._of:
            return driver.run(entries.load(key))
        self.evict(driver, key)
        return None

    def save(self, driver: Driver, key: Key, record: Record, owner: str, expected: str | None) -> bool:
        """What cannot be replaced is outdated: it goes, and has a tombstone until something is saved in its place."""
        self._forget_owners(driver)
        if key in self._of and not self.evict(driver, key) and expected is not None:
            return False
        before = self._of.get(key)
        tombstone = self.bury(key)
        try:
            saved = driver.run(entries.save(key, record, owner=owner, expected=expected, limit=driver.limit))
        except CacheError as error:
            self._may_write_late |= not isinstance(error, RecordTooLargeError)
            self.evict(driver, key)
            raise
        if saved or before is None:
            self._lift(key, tombstone)
        return saved

    def evict(self, driver: Driver, key: Key) -> bool:
        tombstone = self._of.get(key)
        gone = driver.run(entries.evict(key))
        if gone and not self._may_write_late:
            self._lift(key, tombstone)
        return gone

    def forget(self, driver: Driver, owner: str) -> bool:
        tombstone = self._of.get(owner)
        kept = driver.run(entries.forget(owner, limit=driver.limit))
        for key in kept:
            self.bury(key)
        self._lift(owner, tombstone)
        return not kept

    def _forget_owners(self, driver: Driver) -> None:
        for owner in list(self._of):
            if isinstance(owner, str):
                self.forget(driver, owner)

    def _lift(self, what: Key | str, tombstone: object) -> None:
        if self._of.get(what) is tombstone:
            self._of.pop(what, None)
