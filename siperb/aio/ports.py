"""How `AsyncSiperb` waits: its ports are awaited in `aiohttp` and asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb.client.bulk import Bulk, BulkRuns, failure
from siperb.client.kept import REFRESH_TIMEOUT
from siperb.client.network import loading_libraries
from siperb.client.ports import Call, Run
from siperb.core.wire import Request, Response
from siperb.errors import APITimeoutError, ConfigurationError, SiperbError, bare
from siperb.models import BulkResult
from siperb.threads import Outcome, WorkerPool

if TYPE_CHECKING:
    import aiohttp

    from siperb.cache import Key
    from siperb.sip.registration import Registration

Item = TypeVar("Item")
P = TypeVar("P", bound="Ports")
R = TypeVar("R")
T = TypeVar("T")


class Ports(BulkRuns):
    """A client for asyncio, without its calls."""

    _is_async = True

    def _renew_after_fork(self) -> None:
        self._left_to_parent = getattr(self, "_loops", None)  # kept, lest the child close the parent's connections
        self._loops: dict[asyncio.AbstractEventLoop, _Here] = {}
        self._overdue: set[Key] = set()  # what an event loop was to refresh that has ended since

    async def _run(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what the call returns. Of its failure only the error leaves."""
        try:
            here = self._here()
        except BaseException:
            call.close()
            raise
        here.calls.add(call)
        try:
            return await call
        except SiperbError as error:
            failed = error
        finally:
            here.calls.discard(call)
            if self._closed:
                here.one_ended.set()
        raise bare(failed)

    def _here(self) -> _Here:
        """What the client has in the event loop that runs."""
        here = self._loops.get(cast(Any, asyncio._get_running_loop()))
        if here is None:
            loop = _running_loop()
            if self._closed:
                raise ConfigurationError("This client is closed: make a new one.")
            for ended in [known for known in self._loops if known.is_closed()]:
                self._overdue |= self._loops.pop(ended).refreshes.keys()
            here = self._loops[loop] = _Here(self._http_session, self._user_agent)
        return here

    def _send(self, request: Request, origin: str, deadline: float) -> Coroutine[Any, Any, Response]:
        return self._here().transport.send(request, origin, deadline)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _ask_cache(self, threads: WorkerPool, work: Callable[[], T], seconds: float) -> Outcome[T] | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome[T] | None] = loop.create_future()

        def settle(outcome: Outcome[T] | None) -> None:
            if not answer.done():
                answer.set_result(outcome)

        def deliver(outcome: Outcome[T]) -> None:
            with suppress(RuntimeError):  # the event loop has ended meanwhile
                loop.call_soon_threadsafe(settle, outcome)

        threads.submit(work, deliver)
        timer = loop.call_later(seconds, settle, None)
        try:
            return await answer
        finally:
            timer.cancel()

    @asynccontextmanager
    async def _alone(self, call: Call, name: Hashable = None) -> AsyncGenerator[None, None]:
        turns, name = self._here().turns, name or call.account
        task: asyncio.Task[Any] = cast(Any, asyncio.current_task())
        mine = task, asyncio.get_running_loop().create_future()
        while (other := turns.setdefault(name, mine)) is not mine and other[0] is not task:
            if not other[0].done():
                if call.left <= 0:
                    raise APITimeoutError("The call got no answer in time: check the network or raise the timeout.")
                await asyncio.wait(other, timeout=call.left, return_when=asyncio.FIRST_COMPLETED)
            if other[0].done() and turns.get(name) is other:  # it was interrupted
                del turns[name]
        try:
            yield
        finally:
            if turns.get(name) is mine:
                del turns[name]
            if not mine[1].done():
                mine[1].set_result(None)

    def _behind(self, key: Key, refresh: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        here = self._here()
        task = here.refreshes.get(key)
        if key in self._overdue or (task and task.done()):  # it was cancelled, as its event loop ended
            self._overdue.discard(key)
            here.refreshes.pop(key, None)
            return False
        if task is None:
            here.refreshes[key] = asyncio.create_task(_refresh_one(here, key, refresh), name="siperb-refresh")
        return True

    async def _ask_registrar(self, *args: Any, **options: Any) -> Registration:
        from siperb.sip.registrar import ask

        return await ask(*args, **options)

    async def _side_by_side(self, bulk: Bulk[Item, R]) -> AsyncGenerator[R, None]:
        """The results as they come; no more is begun than is asked for."""
        run = self._begin_run()
        under_way: set[asyncio.Task[BulkResult[Item, Any]]] = set()
        ended: asyncio.Queue[asyncio.Task[BulkResult[Item, Any]]] = asyncio.Queue()
        result = None
        try:
            while True:
                for item in islice(bulk.items, bulk.concurrency - len(under_way)):
                    task = asyncio.create_task(self._do(run, bulk.work, item))
                    under_way.add(task)
                    task.add_done_callback(ended.put_nowait)
                if result is not None:
                    yield result
                if not under_way:
                    return
                task = await ended.get()
                under_way.discard(task)
                result = bulk.finish(task.result())
        finally:
            run.stopped.give(None)
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _do(self, run: Run, work: Callable[[Item], Awaitable[T]], item: Item) -> BulkResult[Item, T]:
        try:
            self._check_run(run)
            return BulkResult(item, await work(item))
        except Exception as error:
            return failure(item, error)

    async def close(self) -> None:
        """Wait for calls under way, and close the connections. ``async with`` does it for you.

        Background refreshes get up to 10 s. No call is possible afterwards. A view is closed with its client, not by
        itself.

        Example:
            ```python
            client = AsyncSiperb()
            try:
                await client.login()
            finally:
                await client.close()
            ```
        """
        if self._domain_user is not None:
            return
        self._closed = True
        if self._loops and (here := self._loops.get(loop := _running_loop())):
            await here.close()
            self._loops.pop(loop, None)

    async def __aenter__(self: P) -> P:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        self._warn_if_unclosed("`async with AsyncSiperb(...)` or `await client.close()`")


class _Here:
    """What a client has in one event loop. calls: those under way."""

    def __init__(self, http_session: aiohttp.ClientSession | None, user_agent: str) -> None:
        with loading_libraries():
            from siperb.aio.transport import Transport

        self.transport = Transport(http_session, user_agent)
        self.turns: dict[Hashable, tuple[asyncio.Task[Any], asyncio.Future[None]]] = {}
        self.refreshes: dict[Key, asyncio.Task[None]] = {}
        self.one_refresh = asyncio.Lock()
        self.calls: set[Any] = set()
        self.one_ended = asyncio.Event()

    async def close(self) -> None:
        while any(call.cr_running or call.cr_await for call in self.calls):  # one that was interrupted does neither
            self.one_ended.clear()
            await self.one_ended.wait()
        if self.refreshes:
            _, late = await asyncio.wait(self.refreshes.values(), timeout=REFRESH_TIMEOUT)
            for task in late:
                task.cancel()
        await self.transport.close()


async def _refresh_one(here: _Here, key: Key, refresh: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with here.one_refresh:
        await refresh()
    here.refreshes.pop(key, None)


def _running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of asyncio; `ConfigurationError` where there is none, as under trio."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    raise ConfigurationError(
        "AsyncSiperb needs a running event loop of asyncio: under trio call Siperb in trio.to_thread.run_sync."
    )
