"""Work in the keyring's thread, with a deadline for whoever waits and a pause after what had better not be repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from siperb.cache.backend import SILENT, Cause, Trouble
from siperb.cache.lockfile import exclusive
from siperb.cache.workers import DaemonThread, renewed_after_fork

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

PAUSED = Cause("the keyring is left alone for a while, because it was locked or did not answer")
GIVEN_UP = Cause("the caller did not wait for the keyring any longer")


class KeyringThread(DaemonThread):
    """The one thread of the process that calls the keyring; `calls` counts what it has done so far."""

    calls = 0


THREAD = KeyringThread("siperb-keyring")  # two calls at a time would hang, or abort the keyring's daemon


class Attempt:
    """A piece of work that its caller may have given up."""

    def __init__(self) -> None:
        self.begun = False
        self.given_up = False

    def proceed(self) -> None:
        """To be called before each call of the keyring; `Trouble` when nobody waits any more."""
        if self.given_up:
            raise Trouble(GIVEN_UP)
        THREAD.calls += 1


class Guard:
    """timeout: seconds that `run` waits at most. clock: for the pauses; monotonic seconds."""

    def __init__(self, timeout: float, clock: Callable[[], float]) -> None:
        self._timeout = timeout
        self._clock = clock
        self._paused_until: float | None = None
        self._hung: Future[Any] | None = None
        renewed_after_fork(self)

    def run(self, work: Callable[[Attempt], T], *, even_if_paused: bool = False) -> T:
        """Have `work` done in the keyring's thread while no other process calls the keyring; else `Trouble`."""
        if not even_if_paused:
            self._stop_if_paused()
        from concurrent.futures import wait

        attempt, calls = Attempt(), THREAD.calls
        future: Future[T] = THREAD.submit(self._begin, attempt, work, even_if_paused)
        try:
            if wait([future], self._timeout).done:
                return future.result()
        finally:
            attempt.given_up = True
        only_busy = not attempt.begun and THREAD.calls > calls  # in line behind work that goes on
        if not only_busy:
            self._hung = future
            self._pause(SILENT)
        raise Trouble(SILENT)

    def renew_after_fork(self) -> None:
        self._hung = None

    def _begin(self, attempt: Attempt, work: Callable[[Attempt], T], even_if_paused: bool) -> T:
        attempt.proceed()
        if not even_if_paused:
            self._stop_if_paused()
        attempt.begun = True
        try:
            with exclusive():
                return work(attempt)
        except Trouble as trouble:
            self._pause(trouble.cause)
            raise

    def _stop_if_paused(self) -> None:
        if self._paused_until is None:
            return
        if self._clock() >= self._paused_until:
            if self._hung is None or self._hung.done():
                self._paused_until = None
                return
            self._pause(SILENT)
        raise Trouble(PAUSED)

    def _pause(self, cause: Cause) -> None:
        if cause.pause:
            self._paused_until = self._clock() + cause.pause
