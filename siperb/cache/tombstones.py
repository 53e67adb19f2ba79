"""Removals that a keyring has not confirmed, and writes of which nobody knows whether they will still be applied.

A hung keyring may apply a write long after its caller has given up. What is to be gone must not come back by that: it
is removed before it is read again. Everything but the making of a debt happens in the keyring's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from siperb.core import entries
from siperb.core.entries import Steps
from siperb.core.records import Key, Record

T = TypeVar("T")


class Driver(Protocol):
    """What performs steps on the entries of a keyring."""

    @property
    def limit(self) -> int: ...

    def run(self, steps: Steps[T]) -> T: ...


class Debts:
    """Loading, saving and removing that makes up first for what could not be removed.

    Each debt has a token, so that work that began before a removal was asked for does not cancel it.
    """

    def __init__(self) -> None:
        self._keys: dict[Key, object] = {}
        self._owners: dict[str, object] = {}
        self._unsure: set[tuple[Key, str, str]] = set()  # key, owner, generation of saves that ended in an error
        self._dead: set[str] = set()  # the generations among these that were to be removed since

    def owe(self, *, key: Key | None = None, owner: str | None = None) -> None:
        """Remember that a record, or all records of an owner, must not be seen again."""
        if key is not None:
            self._keys[key] = object()
        if owner is not None:
            self._owners[owner] = object()

    def load(self, driver: Driver, key: Key) -> Record | None:
        if not self._settle(driver, key):
            return None
        record = driver.run(entries.load(key))
        if record is None or record.generation not in self._dead:
            return record
        self.owe(key=key)
        self.evict(driver, key)
        return None

    def save(self, driver: Driver, key: Key, record: Record, owner: str, expected: str | None) -> bool:
        if not self._settle(driver, key) and expected is not None:
            return False
        debt, save = self._keys.get(key), (key, owner, record.generation)
        self._unsure.add(save)
        saved = driver.run(entries.save(key, record, owner=owner, expected=expected, limit=driver.limit))
        self._unsure.discard(save)
        if saved:
            self._paid(key, debt)
        return saved

    def evict(self, driver: Driver, key: Key) -> bool:
        debt = self._keys.get(key)
        self._bury(lambda unsure: unsure[0] == key)
        gone = driver.run(entries.evict(key))
        if gone:
            self._paid(key, debt)
        return gone

    def forget(self, driver: Driver, owner: str) -> bool:
        debt = self._owners.get(owner)
        self._bury(lambda unsure: unsure[1] == owner)
        kept = driver.run(entries.forget(owner))
        for key in kept:
            self.owe(key=key)
        if self._owners.get(owner) is debt:
            self._owners.pop(owner, None)
        return not kept

    def _settle(self, driver: Driver, key: Key) -> bool:
        """Whether nothing is owed any more that concerns `key`."""
        for owner in list(self._owners):
            self.forget(driver, owner)
        return key not in self._keys or self.evict(driver, key)

    def _bury(self, owed: Callable[[tuple[Key, str, str]], bool]) -> None:
        buried = {unsure for unsure in self._unsure if owed(unsure)}
        self._unsure -= buried
        self._dead |= {generation for _, _, generation in buried}

    def _paid(self, key: Key, debt: object) -> None:
        if self._keys.get(key) is debt:
            self._keys.pop(key, None)
