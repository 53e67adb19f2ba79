"""Records in the OS keyring, through the `keyring` package."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from attrs import frozen

from siperb.cache import entries
from siperb.cache.backend import NULL, Backend, KeyringUnavailableError, choose
from siperb.cache.breaker import Attempt, Breaker
from siperb.cache.entries import Answer, Steps
from siperb.cache.records import Key, Record
from siperb.cache.tombstones import Tombstones
from siperb.core.wire import check_timeout
from siperb.errors import CacheError

T = TypeVar("T")
P = ParamSpec("P")


class KeyringCache:
    """The cache in the OS keyring: Keychain, Windows Credential Manager, Secret Service or KWallet.

    timeout: seconds, less than a day, that a call waits for the keyring at most, other threads' calls included.
    allow_plaintext: whether a keyring may be used that stores plain files (keyrings.alt). `ConfigurationError` for any
    other timeout.

    No method raises for what a keyring does: `load` answers None and the others False, and the logger ``siperb``
    gets one warning for each reason. After a call that got no answer the keyring is left alone for 60 s, after one
    that found it locked for 5 minutes; one that is only busy is asked again. Safe for threads, for several processes,
    and after a fork.

    A record that could not be replaced is removed. What the keyring did not confirm to be gone is not read again by
    this object. Another process cannot know of it: what a hung keyring writes after this process has ended is there
    until it is replaced, evicted or forgotten.
    """

    def __init__(
        self,
        *,
        timeout: float = 3.0,
        allow_plaintext: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keyring = _Keyring(check_timeout(timeout), allow_plaintext, clock)

    def load(self, key: Key) -> Record | None:
        """See `Cache.load`; None also when the keyring does not answer."""
        return _unless_unavailable(None, self.within().load, key)

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """See `Cache.save`; False also when the keyring does not answer."""
        return _unless_unavailable(False, self.within().save, key, record, owner=owner, expected=expected)

    def evict(self, key: Key) -> bool:
        """See `Cache.evict`; False also when the keyring does not answer."""
        return _unless_unavailable(False, self.within().evict, key)

    def forget(self, owner: str) -> bool:
        """See `Cache.forget`; False also when the keyring does not answer."""
        return _unless_unavailable(False, self.within().forget, owner)

    def stored(self, owner: str) -> list[Key]:
        """The keys of the owner's records, maybe with some that were evicted; [] when the keyring does not answer."""
        return _unless_unavailable([], self.within().stored, owner)

    def within(self, seconds: float = float("inf")) -> KeyringWithin:
        """The same cache, for a caller who waits no longer, and who is told when the keyring did not answer."""
        return KeyringWithin(self._keyring, seconds)

    def backend(self) -> str | None:
        """The class of the keyring in use, e.g. ``keyring.backends.SecretService.Keyring``; None when none can be."""
        try:
            return self._keyring.run(lambda driver: driver.name, even_if_open=True)
        except CacheError:
            return None

    def check(self) -> None:
        """Store, read and remove an entry; `CacheError`, with what to do, when the keyring does not do it."""
        try:
            works = self._keyring.run(_round_trip, even_if_open=True)
            problem = "" if works else "the keyring does not keep what it is given: see `keyring diagnose`"
        except CacheError as error:
            problem = str(error)
        if problem:
            raise CacheError(problem)

    def __repr__(self) -> str:
        return "<KeyringCache>"


@frozen
class KeyringWithin:
    """A `KeyringCache` for a caller who waits so many seconds at most.

    Each method is that of the cache, but raises `CacheError` when the keyring did not answer, of which it has warned.
    Where there is no keyring there is an answer: nothing is stored.
    """

    _keyring: _Keyring
    _seconds: float

    def load(self, key: Key) -> Record | None:
        return self._ask(lambda driver: self._keyring.tombstones.load(driver, key), None)

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        return self._ask(lambda driver: self._keyring.tombstones.save(driver, key, record, owner, expected), False)

    def evict(self, key: Key) -> bool:
        self._keyring.tombstones.bury(key)
        return self._remove(lambda driver: self._keyring.tombstones.evict(driver, key))

    def forget(self, owner: str) -> bool:
        self._keyring.tombstones.bury(owner)
        return self._remove(lambda driver: self._keyring.tombstones.forget(driver, owner))

    def stored(self, owner: str) -> list[Key]:
        return self._ask(lambda driver: driver.run(entries.stored(owner)), [])

    def accounts(self, origin: str) -> list[str]:
        """The owners at an API origin whose records are, or once were, stored."""
        return self._ask(lambda driver: driver.run(entries.accounts(origin)), [])

    def _remove(self, work: Callable[[Driver], bool]) -> bool:
        return self._ask(work, False, of_null=True)

    def _ask(self, work: Callable[[Driver], T], nothing: T, *, of_null: T | None = None) -> T:
        try:
            return self._keyring.run(work, self._seconds)
        except CacheError as error:
            self._keyring.warn(error)
            if not isinstance(error, KeyringUnavailableError) or not error.reason.is_none:
                raise
            return nothing if of_null is None or error.reason is not NULL else of_null


class _Keyring:
    """What the callers of one `KeyringCache` share."""

    def __init__(self, timeout: float, allow_plaintext: bool, clock: Callable[[], float]) -> None:
        self.tombstones = Tombstones()
        self._breaker = Breaker(timeout, clock)
        self._allow_plaintext = allow_plaintext
        self._known: Backend | None = None
        self._warned: dict[object, object] = {}

    def run(self, work: Callable[[Driver], T], seconds: float = float("inf"), *, even_if_open: bool = False) -> T:
        """What `work` answers, in the keyring's thread; `CacheError` for what goes wrong there, or takes too long."""
        return self._breaker.run(lambda attempt: work(self._driver(attempt)), seconds, even_if_open=even_if_open)

    def warn(self, error: CacheError) -> None:
        reason = error.reason if isinstance(error, KeyringUnavailableError) else type(error)
        token = object()
        first = self._warned.setdefault(reason, token) is token  # of several threads
        if first and reason is not NULL:  # the user's own choice
            import logging

            logging.getLogger("siperb").warning("Nothing is cached: %s.", error)

    def _driver(self, attempt: Attempt[Any]) -> Driver:
        self._known = choose(allow_plaintext=self._allow_plaintext, known=self._known)
        return Driver(self._known, attempt)


def _unless_unavailable(otherwise: T, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return method(*args, **kwargs)
    except CacheError:
        return otherwise


class Driver:
    """Performs steps on the entries of a backend, as long as somebody waits for them."""

    def __init__(self, backend: Backend, attempt: Attempt[Any]) -> None:
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
