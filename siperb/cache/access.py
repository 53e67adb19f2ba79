"""Work in the keyring's thread: a deadline for whoever waits, and a pause after a keyring that hung or was locked."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from copy import copy
from typing import TypeVar

from siperb.cache.lockfile import exclusive
from siperb.cache.reasons import BUSY, FAILED, GIVEN_UP, NO_THREAD, NULL, SILENT, KeyringUnavailableError
from siperb.cache.store import CONNECTION, KeyringStore, choose
from siperb.errors import CacheError
from siperb.threads import Answer, Outcome, WorkerPool

T = TypeVar("T")


class KeyringThread(WorkerPool):
    """The one thread of the process that calls the keyring. calling_since: when the call under way began."""

    calling_since: float | None

    def _renew_after_fork(self) -> None:
        super()._renew_after_fork()
        self.calling_since = None

    def ending(self) -> None:
        CONNECTION.close()

    def hangs(self, seconds: float) -> bool:
        """Whether the call under way has taken so long; a keyring that is busy makes one call after the other."""
        since = self.calling_since
        return since is not None and time.monotonic() - since >= seconds


THREAD = KeyringThread("siperb-keyring", 1)  # two calls at a time would hang, or abort the keyring's daemon


class KeyringAccess:
    """What the callers of one `KeyringCache` share: which keyring, when to leave it alone, what was said about it.

    timeout: the seconds that a caller waits at most. clock: for the pauses; monotonic seconds.
    """

    def __init__(self, timeout: float, allow_plaintext: bool, clock: Callable[[], float]) -> None:
        self._timeout = timeout
        self._allow_plaintext = allow_plaintext
        self._clock = clock
        self._store: KeyringStore | None = None
        self._resting: tuple[KeyringUnavailableError, float] | None = None  # why it is left alone, and until when
        self._warned: dict[object, object] = {}

    def run(
        self,
        work: Callable[[KeyringStore], T],
        seconds: float = float("inf"),
        *,
        even_if_resting: bool = False,
        is_removal: bool = False,
    ) -> T:
        """Have `work` done in the keyring's thread, while no other process calls the keyring; return its answer.

        Work stops before its next call of the keyring when nobody waits for it any more, unless it is a removal.
        `CacheError` for a keyring that fails, or takes longer than `seconds`.
        """
        answer = Answer[Outcome["T | CacheError"]]()
        given_up: list[bool] = []

        def proceed() -> None:
            if given_up and not is_removal:
                raise KeyringUnavailableError.of(GIVEN_UP)
            THREAD.calling_since = time.monotonic()

        def do() -> T | CacheError:
            try:
                proceed()
                if not even_if_resting:
                    self._check_rest(is_removal)
                with exclusive() as is_alone:
                    self._store = choose(allow_plaintext=self._allow_plaintext, known=self._store)
                    self._store.is_alone, self._store.proceed = is_alone, proceed
                    return work(self._store)
            except KeyringUnavailableError as error:
                self._rest(error)
                return error.with_traceback(None)
            except CacheError as error:
                return error.with_traceback(None)
            except BaseException as error:
                return KeyringUnavailableError.of(FAILED, type(error).__name__)
            finally:
                THREAD.calling_since = None

        if not even_if_resting and self._check_rest(is_removal):
            seconds = 0.0
        result: T | CacheError
        try:
            self._submit(do, answer)
            if answer.wait(min(seconds, self._timeout)):
                result = answer.value.get()
            else:
                result = KeyringUnavailableError.of(SILENT if THREAD.hangs(self._timeout / 2) else BUSY)
                self._rest(result)
        finally:
            given_up.append(True)
        if isinstance(result, CacheError):
            raise result
        return result

    def warn(self, error: CacheError) -> None:
        """Log why nothing is cached, once for each reason."""
        cause = error.cause if isinstance(error, KeyringUnavailableError) else None
        token = object()
        first = self._warned.setdefault(cause, token) is token  # of several threads
        if first and cause is not NULL:  # the user's own choice
            import logging

            in_code = f" {cause.in_code}" if cause and cause.in_code else ""
            pause = f" The next try is in {cause.pause:.0f} seconds." if cause and cause.pause else ""
            logging.getLogger("siperb").warning("Nothing is cached. %s%s%s", error, in_code, pause)

    def _submit(self, work: Callable[[], T], answer: Answer[Outcome[T]]) -> None:
        try:
            return THREAD.submit(work, answer.give)
        except RuntimeError as error:
            if type(error) is not RuntimeError:  # a signal handler's own
                raise
        raise KeyringUnavailableError.of(NO_THREAD)

    def _check_rest(self, is_removal: bool) -> bool:
        """Whether a removal is to wait in line for a keyring that hangs; `KeyringUnavailableError` in a pause."""
        if self._resting is None:
            return False
        error, until = self._resting
        hangs = THREAD.hangs(self._timeout / 2)
        if is_removal and error.cause is SILENT:
            return hangs
        if self._clock() >= until:
            if not hangs:
                self._resting = None
                return False
            error = KeyringUnavailableError.of(SILENT)
            self._rest(error)
        raise copy(error)

    def _rest(self, error: KeyringUnavailableError) -> None:
        if error.cause.pause:
            self._resting = copy(error), self._clock() + error.cause.pause


def _close_at_exit() -> None:
    if THREAD.calling_since is None:
        CONNECTION.close()


atexit.register(_close_at_exit)
