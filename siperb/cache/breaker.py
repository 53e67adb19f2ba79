"""The circuit breaker: work in the keyring's thread, with a deadline for whoever waits, and a pause after what hung."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

from siperb.cache.backend import BUSY, FAILED, SILENT, KeyringUnavailableError, Reason
from siperb.cache.lockfile import exclusive
from siperb.errors import CacheError
from siperb.threads import WorkerPool

T = TypeVar("T")

GIVEN_UP = Reason("the caller did not wait for the keyring any longer")


class KeyringThread(WorkerPool):
    """The one thread of the process that calls the keyring. calling_since: when the call under way began."""

    calling_since: float | None

    def renew_after_fork(self) -> None:
        super().renew_after_fork()
        self.calling_since = None

    def hangs(self, seconds: float) -> bool:
        """Whether the call under way has taken so long; a keyring that is busy makes one call after the other."""
        since = self.calling_since
        return since is not None and time.monotonic() - since >= seconds


THREAD = KeyringThread("siperb-keyring", 1)  # two calls at a time would hang, or abort the keyring's daemon


class Attempt(Generic[T]):
    """A piece of work that its caller may have given up.

    Its end is told by a plain lock: what an interrupted wait leaves behind must not hold the keyring's thread.
    """

    answer: T
    error: CacheError | None = None
    given_up = False

    def __init__(self, work: Callable[[Attempt[Any]], T]) -> None:
        self._work = work
        self._running = Lock()
        self._running.acquire()

    def proceed(self) -> None:
        """To be called before each call of the keyring; `KeyringUnavailableError` when nobody waits any more."""
        if self.given_up:
            raise KeyringUnavailableError(GIVEN_UP)
        THREAD.calling_since = time.monotonic()

    def run(self) -> None:
        try:
            self.proceed()
            with exclusive():
                self.answer = self._work(self)
        except CacheError as error:
            self.error = error.with_traceback(None)
        except BaseException as error:
            self.error = KeyringUnavailableError(FAILED, type(error).__name__)
        finally:
            THREAD.calling_since = None
            self._running.release()

    def ends(self, seconds: float) -> bool:
        """Wait for its end, so long at most; whether it came."""
        return self._running.acquire(timeout=max(seconds, 0.0))


class Breaker:
    """timeout: seconds after which a call of the keyring hangs. clock: for the pauses; monotonic seconds."""

    def __init__(self, timeout: float, clock: Callable[[], float]) -> None:
        self._timeout = timeout
        self._clock = clock
        self._open: tuple[Reason, float] | None = None  # why the keyring is left alone, and until when

    def run(self, work: Callable[[Attempt[Any]], T], seconds: float, *, even_if_open: bool = False) -> T:
        """Have `work` done while no other process calls the keyring, within `seconds`; else `CacheError`."""

        def unless_open(attempt: Attempt[Any]) -> T:
            if not even_if_open:
                self._refuse_if_open()
            try:
                return work(attempt)
            except KeyringUnavailableError as error:
                self._pause(error.reason)
                raise

        if not even_if_open:
            self._refuse_if_open()
        attempt = Attempt(unless_open)
        try:
            THREAD.submit(attempt.run, _ignore)
            has_ended = attempt.ends(min(seconds, self._timeout))
        except RuntimeError as error:
            if type(error) is RuntimeError:  # and no signal handler's own
                raise KeyringUnavailableError(FAILED, "no thread can be started") from None
            raise
        finally:
            attempt.given_up = True
        if has_ended:
            if attempt.error:
                raise attempt.error
            return attempt.answer
        reason = SILENT if THREAD.hangs(self._timeout / 2) else BUSY
        self._pause(reason)
        raise KeyringUnavailableError(reason)

    def _refuse_if_open(self) -> None:
        if self._open is None:
            return
        reason, until = self._open
        if self._clock() >= until:
            if not THREAD.hangs(self._timeout / 2):
                self._open = None
                return
            self._pause(SILENT)
        raise KeyringUnavailableError(reason)

    def _pause(self, reason: Reason) -> None:
        if reason.pause:
            self._open = reason, self._clock() + reason.pause


def _ignore(_: object) -> None: ...
