"""Drives flows with `aiohttp` and tasks: the half of `siperb.AsyncSiperb` that does the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from contextlib import suppress
from functools import partial
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb import facade, models
from siperb.aio.singleflight import Singleflight
from siperb.cache.records import Key
from siperb.core.effects import Auth, Effect, Evict, Forget, Later, Load, Result, Save, Send, Sleep, assert_never
from siperb.facade.caching import Answer, Question
from siperb.facade.calls import Calls
from siperb.facade.invocation import Invocation, bulk_run
from siperb.facade.refreshes import REFRESH_TIMEOUT, Refreshes
from siperb.facade.runtime import forget_locals, loading_libraries, running_loop
from siperb.threads import Outcome

if TYPE_CHECKING:
    import aiohttp

    from siperb.facade.bulk import Bulk, BulkRun
    from siperb.models import BulkResult

D = TypeVar("D", bound="Driver")
Item = TypeVar("Item")
R = TypeVar("R")
T = TypeVar("T")


class Driver(Calls):
    """A client for asyncio, without its calls."""

    def renew_after_fork(self) -> None:
        self._left_to_parent = getattr(self, "_loops", None)  # kept, lest the child close the parent's connections
        self._loops: dict[asyncio.AbstractEventLoop, _LoopResources] = {}
        self._overdue: set[Key] = set()  # what an event loop was to refresh that has ended since

    async def close(self) -> None:
        """Wait for calls under way, up to 10 s for background refreshes, and close the connections.

        No call is possible after it. A view is closed with its client; this does nothing to it.
        """
        if self._domain_user is not None:
            return
        self._closed = True
        if self._loops and (here := self._loops.get(loop := running_loop())):
            await here.close()
            self._loops.pop(loop, None)
        self._drop_refreshes()

    async def __aenter__(self: D) -> D:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        self._warn_if_unclosed("`async with AsyncSiperb(...)` or `await client.close()`")

    def _drop_refreshes(self) -> None:
        for resources in self._loops.values():
            resources.refreshes.clear()

    def _is_under_way(self, identity: Hashable) -> bool:
        return any(resources.singleflight.is_under_way(identity) for resources in self._loops.values())

    def _run(self, invocation: Invocation[T]) -> Coroutine[Any, Any, T]:
        return self._here().singleflight.join(invocation.identity, invocation.context, partial(self._drive, invocation))

    async def _drive(self, invocation: Invocation[T]) -> T:
        flow = invocation.flow()
        try:
            effect = next(flow)
            while True:
                try:
                    result = await self._perform(effect, invocation)
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value = cast(T, stop.value)
        except BaseException as error:
            forget_locals(error)
            raise
        finally:
            flow.close()
        return invocation.finish(value)

    async def _perform(self, effect: Effect, invocation: Invocation[Any]) -> Result:
        match effect:
            case Send():
                origin = invocation.context.origin
                return await self._here().transport.send(
                    origin, effect.request, self._headers(effect.request), effect.deadline
                )
            case Auth():
                session = self._newer_session(invocation, effect)
                if session is None:
                    session = await self._run(self._renewal(invocation, effect))
                return session
            case Load() | Save() | Evict() | Forget():
                return await self._ask_cache(effect, invocation)
            case Sleep():
                await asyncio.sleep(effect.seconds)
                return None
            case Later():
                return self._refresh_later(effect, invocation)
            case _:
                assert_never(effect)

    async def _ask_cache(self, effect: Question, invocation: Invocation[Any]) -> Result:
        loop, until = asyncio.get_running_loop(), invocation.context.deadline
        answer: asyncio.Future[Outcome[Answer] | None] = loop.create_future()

        def settle(outcome: Outcome[Answer] | None) -> None:
            if not answer.done():
                answer.set_result(outcome)

        def deliver(outcome: Outcome[Answer]) -> None:
            with suppress(RuntimeError):  # the event loop has ended meanwhile
                loop.call_soon_threadsafe(settle, outcome)

        try:
            pool = self._cache.pool(effect, invocation.epoch)
            pool.submit(partial(self._cache.ask, effect, invocation.epoch, until), deliver)
        except RuntimeError as error:  # no thread to be had
            return self._cache.pass_over(type(error).__name__, "Check the number of threads.")
        timer = loop.call_later(self._cache.patience(effect, until), settle, None)
        try:
            outcome = await answer
        finally:
            timer.cancel()
        if isinstance(effect, (Save, Evict)):
            self._overdue.discard(effect.key)
        if outcome is None:
            return self._cache.pass_over("no answer in time", "Ask for fewer at a time, or pass a faster one.")
        return outcome.get()

    def _refresh_later(self, later: Later, invocation: Invocation[Any]) -> bool:
        here = self._here()
        if later.key in self._overdue:
            return False
        here.refreshes.add(later, invocation)
        if here.refresher is None or here.refresher.done():
            here.refresher = asyncio.create_task(self._refresh_all(here.refreshes), name="siperb-refresh")
        return True

    async def _refresh_all(self, refreshes: Refreshes) -> None:
        while key := refreshes.first():
            if refresh := refreshes.invocation(key):
                with refreshes.doing(key):
                    await self._drive(refresh)

    async def _drive_bulk(self, bulk: Bulk[Item, R]) -> AsyncGenerator[R, None]:
        """The results as they come; no more is begun than is asked for."""
        do = partial(self._do, self._begin_bulk_run(), bulk.work)
        under_way: set[asyncio.Task[BulkResult[Item, Any]]] = set()
        done: set[asyncio.Task[BulkResult[Item, Any]]] = set()
        result = None
        try:
            while True:
                for item in islice(bulk.items, bulk.concurrency - len(under_way) - len(done)):
                    under_way.add(asyncio.create_task(do(item)))
                if result is not None:
                    yield result
                if not done and not under_way:
                    return
                if not done:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                result = bulk.finish(done.pop().result())
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, *done, return_exceptions=True)

    async def _do(self, run: BulkRun, work: Callable[[Item], Awaitable[T]], item: Item) -> BulkResult[Item, T]:
        bulk_run.set(run)
        try:
            run.check()
            return models.BulkResult(item, await work(item))
        except Exception as error:
            return facade.bulk.failure(item, error)

    def _here(self) -> _LoopResources:
        here = self._loops.get(cast(Any, asyncio._get_running_loop()))
        if here is None:
            loop = running_loop()
            self._refuse_if_closed()
            for ended in [known for known in self._loops if known.is_closed()]:
                self._overdue |= self._loops.pop(ended).refreshes.keys()
            here = self._loops[loop] = _LoopResources(self._http_session)
        return here


class _LoopResources:
    """What a client has in one event loop."""

    def __init__(self, http_session: aiohttp.ClientSession | None) -> None:
        with loading_libraries():
            from siperb.aio.transport import Transport

        self.singleflight = Singleflight()
        self.transport = Transport(http_session)
        self.refreshes = Refreshes()
        self.refresher: asyncio.Task[None] | None = None

    async def close(self) -> None:
        await self.singleflight.all_ended()
        if self.refresher:
            await asyncio.wait([self.refresher], timeout=REFRESH_TIMEOUT)
            self.refresher.cancel()
        await self.transport.close()
