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
    """A cache in the OS keyring: Keychain, Windows Credential Manager, Secret Service or KWallet.

    A keyring that fails raises nothing. `load` returns None, the other methods return False, and the logger ``siperb``
    gets one warning for each reason. A keyring that did not answer is left alone for 60 seconds, a locked one for 5
    minutes. The cache is safe for threads, for several processes, and after a fork.

    A record that cannot be replaced is removed. If the keyring does not confirm a removal, the cache repeats it before
    it reads the record again.

    Args:
        timeout: The most seconds that a call waits for the keyring. Less than a day.
        allow_plaintext: Use a keyring that stores plain files (keyrings.alt) too.
        clock: The clock for the pauses, in seconds. For tests.

    Raises:
        ConfigurationError: The timeout cannot be used.

    Example:
        ```python
        with Siperb(cache=KeyringCache(timeout=1.0), strict=True) as client:
            client.get_devices(enable_cache=True)
        ```
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
        """Return the same cache for a caller that waits no longer than this.

        Its methods raise `CacheError` if the keyring does not answer. Without a keyring they return: nothing is stored.

        Args:
            seconds: The most seconds that a call waits.

        Returns:
            A cache that shares everything else with this one.
        """
        same = copy(self)
        same._seconds = seconds
        return same

    def load(self, key: Key) -> Record | None:
        """See `Cache.load`. None also if the keyring does not answer."""

        def load(store: KeyringStore) -> Record | None:
            self._settle(store)
            if key not in self._owed:
                return entries.load(store, key)
            self._evict(store, key)
            return None

        return self._ask(None, load, warns=key.kind != "pat")

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """See `Cache.save`. False also if the keyring does not answer."""

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
        """See `Cache.evict`. False also if the keyring does not answer."""
        self._owe(key)
        return self._remove(lambda store: self._evict(store, key))

    def forget(self, owner: str) -> bool:
        """See `Cache.forget`. False also if the keyring does not answer."""
        self._owe(owner)
        return self._remove(lambda store: self._forget(store, owner))

    def forget_older(self, origin: str) -> bool:
        """Remove the entries of siperb 0.1.0, which are not read any more.

        Args:
            origin: The address of the API.

        Returns:
            Whether all of them are gone.
        """
        from siperb.cache import older

        return self._remove(lambda store: older.forget(store, origin))

    def stored(self, owner: str) -> list[Key]:
        """Return the keys of an owner's records. Some may be evicted already.

        Args:
            owner: The owner, see `Cache.save`.

        Returns:
            The keys. An empty list if the keyring does not answer.
        """
        return self._ask([], lambda store: entries.stored(store, owner), warns=False)

    def accounts(self, origin: str) -> list[str]:
        """Return the owners that have, or once had, records at an address of the API.

        Args:
            origin: The address of the API.

        Returns:
            The owners. An empty list if the keyring does not answer.
        """
        return self._ask([], lambda store: entries.accounts(store, origin), warns=False)

    def backend(self) -> str | None:
        """Return the class of the keyring in use, e.g. ``keyring.backends.SecretService.Keyring``. None without one."""
        try:
            return self._access.run(lambda store: store.name, even_if_resting=True)
        except CacheError:
            return None

    def check(self) -> None:
        """Check that the keyring stores, reads and removes an entry.

        Raises:
            CacheError: The keyring fails. The error says why, and what to do.

        Example:
            ```python
            try:
                KeyringCache().check()
            except CacheError as error:
                print(error.reason, error.advice)
            ```
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
