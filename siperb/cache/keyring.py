"""Records in the OS keyring, through the `keyring` package."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from typing import TypeVar

from siperb.cache import entries
from siperb.cache.access import KeyringAccess
from siperb.cache.reasons import KEEPS_NOTHING, NULL, KeyringUnavailableError
from siperb.cache.records import Key, Record
from siperb.cache.store import KeyringStore
from siperb.core.wire import check_timeout
from siperb.errors import CacheError

T = TypeVar("T")

MOST = 1000  # removals that are remembered


class KeyringCache:
    """The cache in the OS keyring: Keychain, Windows Credential Manager, Secret Service or KWallet.

    No method raises for a keyring that fails: `load` answers None and the others False, and the logger ``siperb`` gets
    one warning for each reason. After a call that got no answer the keyring is left alone for 60 seconds, and after one
    that found it locked for 5 minutes. It is safe for threads, for several processes, and after a fork.

    A record that cannot be replaced is removed. A removal that the keyring did not confirm is made up for: as soon as
    a hung keyring answers, else before the record is read again.

    Args:
        timeout: The seconds, less than a day, that a call waits for the keyring at most.
        allow_plaintext: Whether a keyring may be used that stores plain files (keyrings.alt).

    Raises:
        ConfigurationError: The timeout is no such number.
    """

    def __init__(
        self,
        *,
        timeout: float = 3.0,
        allow_plaintext: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = KeyringAccess(check_timeout(timeout), allow_plaintext, clock)
        self._owed: dict[Key | str, None] = {}  # records and owners whose removal the keyring has not confirmed
        self._seconds: float | None = None

    def within(self, seconds: float = float("inf")) -> KeyringCache:
        """Return the same cache for a caller who waits no longer than this.

        Its methods raise `CacheError` when the keyring gave no answer. Where there is no keyring there is an answer:
        nothing is stored.
        """
        same = copy(self)
        same._seconds = seconds
        return same

    def load(self, key: Key) -> Record | None:
        """See `Cache.load`; None also when the keyring does not answer. A missing token is no matter of caching."""

        def load(store: KeyringStore) -> Record | None:
            self._settle(store)
            if key not in self._owed:
                return entries.load(store, key)
            self._evict(store, key)
            return None

        return self._ask(None, load, warns=key.kind != "pat")

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """See `Cache.save`; False also when the keyring does not answer."""

        def save(store: KeyringStore) -> bool:
            self._settle(store)
            if expected is not None and key in self._owed:
                return False
            try:
                saved = entries.save(store, key, record, owner=owner, expected=expected)
            except CacheError as error:
                failure = error.with_traceback(None)
            else:
                if saved:
                    self._owed.pop(key, None)
                return saved
            with suppress(CacheError):
                self._evict(store, key)
            raise failure

        return self._ask(False, save)

    def evict(self, key: Key) -> bool:
        """See `Cache.evict`; False also when the keyring does not answer."""
        self._owe(key)
        return self._remove(lambda store: self._evict(store, key))

    def forget(self, owner: str) -> bool:
        """See `Cache.forget`; False also when the keyring does not answer."""
        self._owe(owner)
        return self._remove(lambda store: self._forget(store, owner))

    def forget_older(self, origin: str) -> bool:
        """Remove the entries of siperb 0.1.0 at an API origin, which are not read any more; whether all are gone."""
        from siperb.cache import older

        return self._remove(lambda store: older.forget(store, origin))

    def stored(self, owner: str) -> list[Key]:
        """The keys of the owner's records, maybe with some that were evicted; [] when the keyring does not answer."""
        return self._ask([], lambda store: entries.stored(store, owner), warns=False)

    def accounts(self, origin: str) -> list[str]:
        """The owners at an API origin whose records are, or once were, stored; [] when the keyring does not answer."""
        return self._ask([], lambda store: entries.accounts(store, origin), warns=False)

    def backend(self) -> str | None:
        """The class of the keyring in use, e.g. ``keyring.backends.SecretService.Keyring``; None when none can be."""
        try:
            return self._access.run(lambda store: store.name, even_if_resting=True)
        except CacheError:
            return None

    def check(self) -> None:
        """Store, read and remove an entry.

        Raises:
            CacheError: The keyring does not do it. The error says why, and what to do.
        """
        if not self._access.run(_round_trip, even_if_resting=True):
            raise KeyringUnavailableError.of(KEEPS_NOTHING)

    def __repr__(self) -> str:
        return "<KeyringCache>"

    def _remove(self, work: Callable[[KeyringStore], bool]) -> bool:
        return self._ask(False, work, of_null=True, is_removal=True)

    def _ask(
        self,
        nothing: T,
        work: Callable[[KeyringStore], T],
        *,
        of_null: T | None = None,
        is_removal: bool = False,
        warns: bool = True,
    ) -> T:
        try:
            seconds = float("inf") if self._seconds is None else self._seconds
            return self._access.run(work, seconds, is_removal=is_removal)
        except CacheError as error:
            if warns:
                self._access.warn(error)
            cause = error.cause if isinstance(error, KeyringUnavailableError) else None
            if self._seconds is not None and not (cause and cause.is_none):
                raise
            return of_null if cause is NULL and of_null is not None else nothing

    def _owe(self, removal: Key | str) -> None:
        self._owed[removal] = None
        while len(self._owed) > MOST and (oldest := next(iter([*self._owed]), None)):
            self._owed.pop(oldest, None)

    def _settle(self, store: KeyringStore) -> None:
        for owner in [owed for owed in self._owed.copy() if isinstance(owed, str)]:
            self._forget(store, owner)

    def _evict(self, store: KeyringStore, key: Key) -> bool:
        self._owe(key)
        gone = entries.evict(store, key)
        if gone:
            self._owed.pop(key, None)
        return gone

    def _forget(self, store: KeyringStore, owner: str) -> bool:
        kept = entries.forget(store, owner)
        for key in kept:
            self._owe(key)
        self._owed.pop(owner, None)
        return not kept


def _round_trip(store: KeyringStore) -> bool:
    name = Key(os.urandom(10).hex(), "check").service
    store.set(name, name)
    kept = store.get(name) == name
    return store.delete(name) and kept


DEFAULT = KeyringCache()
