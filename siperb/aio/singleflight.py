"""Singleflight among the tasks of one event loop: a task of its own makes the run, and ends when all who wait do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from siperb.core.retry import Context
from siperb.errors import SiperbError
from siperb.facade.singleflight import Run, being_made, time_left

T = TypeVar("T")

GRACE = 1.0  # seconds beyond its deadline that a run has to end by itself, before its own call gives it up


class Singleflight:
    """The runs under way."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, _TaskRun[Any]] = {}

    async def join(self, identity: Hashable, context: Context, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work` returns or raises, in a run of this call or in one of the same identity that it waits for.

        It waits until the deadline of its context; then `APITimeoutError`.
        """
        while True:
            run: _TaskRun[T] | None = self._runs.get(identity)
            if run is not None and run.mark in being_made.get():
                return await work()
            is_own = run is None or not run.is_under_way
            if run is None or is_own:
                run = self._runs[identity] = _TaskRun(context)
                run.task = asyncio.get_running_loop().create_task(self._make(identity, run, work))
            await self._wait(identity, run, context, GRACE if is_own else 0.0)
            if is_own and not run.has_ended:
                run.task.result()  # raises what is nobody else's
            if is_own or run.is_for(context):
                return run.result(is_own=is_own)

    def is_under_way(self, identity: Hashable) -> bool:
        run = self._runs.get(identity)
        return run is not None and run.is_under_way

    async def all_ended(self) -> None:
        """Wait until all that is under way has ended."""
        if tasks := [run.task for run in self._runs.values() if run.is_under_way]:
            await asyncio.wait(tasks)

    async def _make(self, identity: Hashable, run: _TaskRun[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        being_made.set((*being_made.get(), run.mark))
        outcome: T | SiperbError
        try:
            outcome = await work()
        except SiperbError as error:
            outcome = error
        finally:
            self._remove(identity, run)
        run.end(outcome)

    async def _wait(self, identity: Hashable, run: _TaskRun[Any], context: Context, grace: float) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()  # one each: cancelling a task cancels what it awaits

        def wake(_: object = None) -> None:
            if not ended.done():
                ended.set_result(None)

        run.task.add_done_callback(wake)
        run.waiting += 1
        try:
            while not run.task.done():
                timer = loop.call_later(time_left(context, grace), wake)
                try:
                    await ended
                finally:
                    timer.cancel()
                ended = loop.create_future()
        finally:
            run.task.remove_done_callback(wake)
            run.waiting -= 1
            if not run.waiting and not run.task.done():
                self._remove(identity, run)
                run.task.cancel()

    def _remove(self, identity: Hashable, run: _TaskRun[T]) -> None:
        other = self._runs.pop(identity, run)
        if other is not run:
            self._runs[identity] = other


class _TaskRun(Run[T]):
    """waiting: how many calls wait for it."""

    task: asyncio.Task[None]
    waiting = 0

    @property
    def is_under_way(self) -> bool:
        return hasattr(self, "task") and not self.task.done()
