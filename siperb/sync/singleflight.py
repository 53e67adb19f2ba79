"""Singleflight among threads: the first one makes the run."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Hashable
from contextlib import suppress
from types import GeneratorType
from typing import Any, TypeVar, cast

from siperb.core.retry import Context
from siperb.errors import SiperbError
from siperb.facade.singleflight import Run, being_made, time_left

T = TypeVar("T")

LOOK_AGAIN = 0.25  # seconds after which a waiting thread looks for itself whether the run is still under way


class Singleflight:
    """The runs under way. What threads share is changed in single steps of the interpreter; no lock is taken."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, _ThreadRun[Any]] = {}

    def join(self, identity: Hashable, context: Context, work: Callable[[], T]) -> T:
        """What `work` returns or raises, in a run of this call or in one of the same identity that it waits for.

        It waits until the deadline of its context; then `APITimeoutError`.
        """
        while True:
            run: _ThreadRun[T] = _ThreadRun(context)
            run.steps = cast("GeneratorType[_ThreadRun[T], None, None]", self._make(identity, run, work))
            other = next(run.steps)
            run.steps.close()  # else it and its run would hold each other
            if other is run:
                return run.result(is_own=True)
            if other.mark in being_made.get():
                return work()
            other.wait(context)
            if other.is_for(context):
                return other.result(is_own=False)

    def is_under_way(self, identity: Hashable) -> bool:
        run = self._runs.get(identity)
        return run is not None and run.is_under_way

    def _make(
        self, identity: Hashable, run: _ThreadRun[T], work: Callable[[], T]
    ) -> Generator[_ThreadRun[T], None, None]:
        """Answer the run, made if it is this one, or another that is under way."""
        other = self._runs.setdefault(identity, run)
        while other is not run and not (other.is_under_way or other.has_ended):
            other = other.successor.setdefault(None, run)
        if other is not run:
            yield other
            return
        self._runs[identity] = run
        before = being_made.set((*being_made.get(), run.mark))
        try:
            outcome = _outcome(work)
        finally:
            self._runs.pop(identity, None)
            being_made.reset(before)
        run.end(outcome)
        run.ended.put(None)
        yield run


def _outcome(work: Callable[[], T]) -> T | SiperbError:
    """Apart, as a generator's frame must not stand in a traceback that outlives it: 3.13.0 crashes on its locals."""
    try:
        return work()
    except SiperbError as error:
        return error


class _ThreadRun(Run[T]):
    """successor: the run that took its place when it was interrupted; one place, which the first comer fills."""

    steps: GeneratorType[_ThreadRun[T], None, None]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.successor: dict[None, _ThreadRun[T]] = {}

    @property
    def is_under_way(self) -> bool:
        return self.steps.gi_running

    def wait(self, context: Context) -> None:
        while self.is_under_way and not self.has_ended:
            with suppress(queue.Empty):
                self.ended.get(timeout=min(time_left(context), LOOK_AGAIN))
                self.ended.put(None)  # for the next one who waits
