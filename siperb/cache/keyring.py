"""Records in the OS keyring, through the `keyring` package."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from siperb.cache.backend import FAILED, NULL, Backend, Trouble, choose
from siperb.cache.debts import Debts
from siperb.cache.guard import GIVEN_UP, PAUSED, Attempt, Guard
from siperb.core import entries
from siperb.core.entries import Answer, Steps
from siperb.core.records import Key, Record
from siperb.errors import CacheError, ConfigurationError

T = TypeVar("T")

QUIET = (NULL, PAUSED, GIVEN_UP)  # the user's own choice, or warned of already


class KeyringCache:
    """The cache in the OS keyring: Keychain, Windows Credential Manager, Secret Service or KWallet.

    timeout: seconds that a call waits for the keyring at most, other threads' calls included. allow_plaintext:
    whether a keyring may be used that stores plain files (keyrings.alt).

    No method raises for what a keyring does: `load` answers None and the others False, and the logger ``siperb``
    gets one warning for each cause. After a call that got no answer the keyring is left alone for 60 s, after one
    that found it locked for 5 minutes. Safe for threads, for several processes, and after a fork.

    A removal that the keyring did not confirm is made up for before this object reads that record again. Another
    process cannot know of it: what a hung keyring writes after this process has ended is there until it is replaced,
    evicted or forgotten.
    """

    def __init__(
        self,
        *,
        timeout: float = 3.0,
        allow_plaintext: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not timeout > 0:
            raise ConfigurationError(f"timeout must be a positive number of seconds, not {timeout!r}")
        self._allow_plaintext = allow_plaintext
        self._guard = Guard(timeout, clock)
        self._known: Backend | None = None
        self._warned: dict[object, object] = {}
        self._debts = Debts()

    def load(self, key: Key) -> Record | None:
        """See `Cache.load`; None also when the keyring does not answer."""
        return self._try(lambda driver: self._debts.load(driver, key), None)

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """See `Cache.save`; False also when the keyring does not answer."""
        return self._try(lambda driver: self._debts.save(driver, key, record, owner, expected), False)

    def evict(self, key: Key) -> bool:
        """See `Cache.evict`; False also when the keyring does not answer."""
        self._debts.owe(key=key)
        return self._remove(lambda driver: self._debts.evict(driver, key))

    def forget(self, owner: str) -> bool:
        """See `Cache.forget`; False also when the keyring does not answer."""
        self._debts.owe(owner=owner)
        return self._remove(lambda driver: self._debts.forget(driver, owner))

    def stored(self, owner: str) -> list[Key]:
        """The keys of the owner's records, maybe with some that were evicted; [] when the keyring does not answer."""
        return self._try(lambda driver: driver.run(entries.stored(owner)), [])

    def backend(self) -> str | None:
        """The class of the keyring in use, e.g. ``keyring.backends.SecretService.Keyring``; None when none can be."""
        try:
            return self._run(lambda driver: driver.name, even_if_paused=True)
        except CacheError:
            return None

    def check(self) -> None:
        """Store, read and remove an entry; `CacheError`, with what to do, when the keyring does not do it."""
        try:
            works = self._run(_round_trip, even_if_paused=True)
            problem = "" if works else "the keyring does not keep what it is given: see `keyring diagnose`"
        except CacheError as error:
            problem = str(error)
        if problem:
            raise CacheError(problem)

    def __repr__(self) -> str:
        return "<KeyringCache>"

    def _try(self, work: Callable[[Driver], T], miss: T) -> T:
        try:
            return self._run(work)
        except CacheError as error:
            self._warn(error)
            return miss

    def _remove(self, work: Callable[[Driver], bool]) -> bool:
        try:
            return self._run(work)
        except CacheError as error:
            self._warn(error)
            return isinstance(error, Trouble) and error.cause is NULL  # which holds nothing

    def _run(self, work: Callable[[Driver], T], *, even_if_paused: bool = False) -> T:
        """What `work` answers, in the keyring's thread; nothing but `CacheError` is raised."""
        try:
            return self._guard.run(lambda attempt: work(self._driver(attempt)), even_if_paused=even_if_paused)
        except CacheError:
            raise
        except Exception as error:
            trouble = Trouble(FAILED, type(error).__name__)
        raise trouble

    def _driver(self, attempt: Attempt) -> Driver:
        self._known = choose(allow_plaintext=self._allow_plaintext, known=self._known)
        return Driver(self._known, attempt)

    def _warn(self, error: CacheError) -> None:
        cause = error.cause if isinstance(error, Trouble) else type(error)
        token = object()
        first = self._warned.setdefault(cause, token) is token  # of several threads
        if first and cause not in QUIET:
            import logging

            logging.getLogger("siperb").warning("Nothing is cached: %s.", error)


class Driver:
    """Performs steps on the entries of a backend, as long as somebody waits for them."""

    def __init__(self, backend: Backend, attempt: Attempt) -> None:
        self.name: str = backend.name
        self.limit: int = backend.limit
        self._backend = backend
        self._attempt = attempt

    def run(self, steps: Steps[T]) -> T:
        answer: Answer = None
        try:
            operation = next(steps)
            while True:
                self._attempt.proceed()
                answer = self._backend.perform(operation)
                operation = steps.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()


def _round_trip(driver: Driver) -> bool:
    return driver.run(entries.round_trip(secrets.token_hex(10)))


DEFAULT = KeyringCache()
