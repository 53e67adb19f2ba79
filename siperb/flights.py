"""Single-flight: calls of one identity at the same time share one run, between threads or between tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Hashable
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

T = TypeVar("T")


class ThreadFlights:
    """The first thread runs, the others wait for what it gets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Future[Any]] = {}

    def join(self, identity: Hashable, run: Callable[[], T]) -> T:
        from concurrent.futures import CancelledError, Future

        while True:
            with self._lock:
                flight = self._flights.get(identity)
                if flight is None:
                    mine: Future[T] = Future()
                    self._flights[identity] = mine
                    break
            try:
                error = flight.exception()
            except CancelledError:
                continue  # the thread that ran it was interrupted
            if error is None:
                result: T = flight.result()
                return result
            raise copy(error)  # an instance each: raising adds to its traceback

        try:
            result = run()
        except BaseException as error:
            self._end(identity)
            if isinstance(error, Exception):
                mine.set_exception(error)
            else:
                mine.cancel()
            raise
        self._end(identity)
        mine.set_result(result)
        return result

    def _end(self, identity: Hashable) -> None:
        with self._lock:
            del self._flights[identity]


class TaskFlights:
    """A task runs, which is cancelled when all who wait for it are, and not before."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _TaskFlight] = {}

    async def join(self, identity: Hashable, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
        import asyncio

        flight = self._flights.get(identity)
        first = flight is None
        if flight is None:
            flight = self._flights[identity] = _TaskFlight(asyncio.create_task(run()))
            flight.task.add_done_callback(lambda task: self._end(identity, flight, task))
        flight.waiting += 1
        try:
            result: T = await asyncio.shield(flight.task)
            return result
        except Exception as error:
            if first:
                raise
            failure = copy(error)  # an instance each: raising adds to its traceback
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._end(identity, flight)
                flight.task.cancel()
        raise failure

    async def landed(self) -> None:
        """Wait until all that is under way has ended."""
        import asyncio

        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()])

    def _end(self, identity: Hashable, flight: _TaskFlight, ended: asyncio.Task[Any] | None = None) -> None:
        if ended and not ended.cancelled():
            ended.exception()  # else asyncio reports it as never retrieved when all who waited have been cancelled
        if self._flights.get(identity) is flight:
            del self._flights[identity]


class _TaskFlight:
    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.waiting = 0
