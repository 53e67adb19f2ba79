"""Single-flight: calls of one identity at the same time share one run, between threads or between tasks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from copy import copy
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

A = TypeVar("A")
T = TypeVar("T")


class ThreadFlights:
    """The first thread runs, the others wait for what it gets."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[Hashable, _ThreadFlight] = {}

    def join(self, identity: Hashable, run: Callable[[A], T], argument: A) -> T:
        mine = _ThreadFlight()
        while True:
            with self._lock:
                flight = self._flights.setdefault(identity, mine)
            if flight is mine:
                return self._fly(identity, mine, run, argument)
            flight.landed.wait()
            if isinstance(flight.error, Exception):
                raise copy(flight.error)  # an instance each: raising adds to its traceback
            if flight.error is None:
                result: T = flight.result
                return result
            # The thread that ran it was interrupted: the next one takes its place.

    def _fly(self, identity: Hashable, flight: _ThreadFlight, run: Callable[[A], T], argument: A) -> T:
        try:
            flight.result = result = run(argument)
            return result
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[identity]
            flight.landed.set()


class _ThreadFlight:
    error: BaseException | None = None
    result: Any = None

    def __init__(self) -> None:
        self.landed = Event()


class TaskFlights:
    """A task runs, which is cancelled when all who wait for it are, and not before."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _TaskFlight] = {}

    async def join(self, identity: Hashable, run: Callable[[A], Coroutine[Any, Any, T]], argument: A) -> T:
        import asyncio

        loop = asyncio.get_running_loop()
        new = _TaskFlight(identity)
        flight = self._flights.setdefault(identity, new)
        if flight is new:
            flight.task = loop.create_task(self._fly(flight, run(argument)))
        waiter: asyncio.Future[T] = loop.create_future()  # one each: cancelling a task cancels what it awaits
        flight.waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            flight.waiters.remove(waiter)
            if not flight.waiters and not flight.task.done():
                self._end(flight)
                flight.task.cancel()
            raise

    async def landed(self) -> None:
        """Wait until all that is under way has ended."""
        import asyncio

        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()])

    async def _fly(self, flight: _TaskFlight, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            result = await coroutine
        except Exception as error:
            self._end(flight)
            for number, waiter in enumerate(flight.waiters):
                if not waiter.done():
                    waiter.set_exception(copy(error) if number else error)  # raising adds to a traceback
        except BaseException:
            self._end(flight)
            for waiter in flight.waiters:
                waiter.cancel()
            raise
        else:
            self._end(flight)
            for waiter in flight.waiters:
                if not waiter.done():
                    waiter.set_result(result)

    def _end(self, flight: _TaskFlight) -> None:
        if not flight.has_ended:
            flight.has_ended = True
            del self._flights[flight.identity]


class _TaskFlight:
    task: asyncio.Task[None]
    has_ended = False

    def __init__(self, identity: Hashable) -> None:
        self.identity = identity
        self.waiters: list[asyncio.Future[Any]] = []
