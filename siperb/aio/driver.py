"""Drives flows with `aiohttp` and tasks: the half of `siperb.AsyncSiperb` that does the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb.cache.workers import DaemonThreads
from siperb.core.effects import Auth, Effect, Evict, Forget, Later, Load, Result, Save, Send, Sleep, assert_never
from siperb.facade.base import Facade
from siperb.facade.plan import REFRESH_TIMEOUT, Plan, RefreshQueue

if TYPE_CHECKING:
    import aiohttp

A = TypeVar("A")
T = TypeVar("T")


class TaskDriver(Facade):
    """A client for asyncio, without its calls."""

    def renew_after_fork(self) -> None:
        self._left_to_parent = getattr(self, "_loops", None)  # kept, lest the child close the parent's connections
        self._loops: dict[asyncio.AbstractEventLoop, _Stay] = {}

    async def _close(self) -> None:
        self._closed = True
        loop = asyncio.get_running_loop()
        if here := self._loops.get(loop):
            await here.close()
            self._loops.pop(loop, None)
        self._drop_refreshes()

    def _drop_refreshes(self) -> None:
        for stay in self._loops.values():
            stay.refreshes.clear()

    def _run(self, plan: Plan[T]) -> Coroutine[Any, Any, T]:
        return self._stay().flights.join(plan.identity, self._drive, plan)

    async def _drive(self, plan: Plan[T]) -> T:
        flow = plan.flow()
        try:
            effect = next(flow)
            while True:
                try:
                    result = await self._perform(effect, plan)
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value = cast(T, stop.value)
        finally:
            flow.close()
        return plan.finish(value)

    async def _perform(self, effect: Effect, plan: Plan[Any]) -> Result:
        match effect:
            case Send(request, deadline):
                transport = self._stay().transport
                return await transport.send(plan.context.origin, request, self._headers(request), deadline)
            case Auth():
                session = self._newer_session(plan, effect)
                if session is None:
                    session = await self._run(self._auth_plan(plan, effect))
                return session
            case Load() | Save() | Evict() | Forget():
                try:
                    answer = _cache_threads.submit(self._cache.ask, effect, plan.era)
                except RuntimeError as error:  # no thread to be had
                    self._cache.pass_over(type(error).__name__, "the number of threads")
                    return None
                return await asyncio.wrap_future(answer)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
                return None
            case Later():
                stay = self._stay()
                if stay.refreshes.add(effect, plan):
                    stay.worker = asyncio.create_task(self._refresh_all(stay.refreshes), name="siperb-refresh")
                return None
            case _:
                assert_never(effect)

    async def _refresh_all(self, refreshes: RefreshQueue) -> None:
        try:
            while refresh := refreshes.first():
                with refreshes.doing(refresh):
                    await self._drive(refresh)
        except BaseException:
            refreshes.stop()
            raise

    def _stay(self) -> _Stay:
        loop = asyncio.get_running_loop()
        stay = self._loops.get(loop)
        if stay is None:
            self._refuse_if_closed()
            self._loops = {known: stay for known, stay in self._loops.items() if not known.is_closed()}
            stay = self._loops[loop] = _Stay(self._http_session)
        return stay


class _Stay:
    """What a client has in one event loop."""

    def __init__(self, http_session: aiohttp.ClientSession | None) -> None:
        from siperb.aio.transport import AsyncTransport

        self.flights = TaskFlights()
        self.transport = AsyncTransport(http_session)
        self.refreshes = RefreshQueue()
        self.worker: asyncio.Task[None] | None = None

    async def close(self) -> None:
        await self.flights.landed()
        if self.worker:
            await asyncio.wait([self.worker], timeout=REFRESH_TIMEOUT)
            self.worker.cancel()
        await self.transport.close()


class TaskFlights:
    """Calls of one identity at the same time share one run, in a task that ends when all who wait for it do."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _TaskFlight] = {}

    async def join(self, identity: Hashable, run: Callable[[A], Coroutine[Any, Any, T]], argument: A) -> T:
        loop = asyncio.get_running_loop()
        new = _TaskFlight(identity)
        flight = self._flights.setdefault(identity, new)
        waiter: asyncio.Future[T] = loop.create_future()  # one each: cancelling a task cancels what it awaits
        flight.waiters.append(waiter)
        if flight is new:
            flight.task = loop.create_task(self._fly(flight, run, argument))
        try:
            return await waiter
        except asyncio.CancelledError:
            flight.waiters.remove(waiter)
            if not flight.waiters and not flight.has_ended:
                self._end(flight)
                flight.task.cancel()
            raise

    async def landed(self) -> None:
        """Wait until all that is under way has ended."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()])

    async def _fly(self, flight: _TaskFlight, run: Callable[[A], Coroutine[Any, Any, Any]], argument: A) -> None:
        try:
            result = await run(argument)
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


_cache_threads = DaemonThreads("siperb-cache", kept=4)  # each may have to wait for the keyring, one behind the other
