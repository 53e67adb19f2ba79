"""How `Siperb` waits: its ports block in `requests`, threads and queues, so its coroutines never suspend."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Iterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import partial
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb.client.accounts import run_under_way
from siperb.client.bulk import Bulk, BulkRuns, failure
from siperb.client.kept import REFRESH_TIMEOUT
from siperb.client.network import loading_libraries
from siperb.client.ports import Call, Run
from siperb.core.wire import Request, Response
from siperb.errors import APITimeoutError, SiperbError, bare
from siperb.models import BulkResult
from siperb.threads import Answer, Outcome, WorkerPool, importing

if TYPE_CHECKING:
    from siperb.cache import Key
    from siperb.sip.registration import Registration
    from siperb.sync.transport import Transport

Item = TypeVar("Item")
P = TypeVar("P", bound="Ports")
R = TypeVar("R")
T = TypeVar("T")

REFRESHER = "siperb-refresh"
HEAD_START = 0.01  # seconds, for a caller to go on with what was stored before a refresh imports an HTTP library
LOOK_AGAIN = 0.5  # seconds after which a waiting thread looks whether the one it waits for was interrupted

_driven: ContextVar[Coroutine[Any, Any, Any] | None] = ContextVar("driven", default=None)


class Ports(BulkRuns):
    """A client that blocks, without its calls."""

    _is_async = False

    def _renew_after_fork(self) -> None:
        self._transports: dict[None, Transport] = {}
        self._turns: dict[Hashable, _Turn] = {}
        self._refreshes: dict[Key, object] = {}
        self._refresher = WorkerPool(REFRESHER, 1, is_daemon=False, linger=0.0)
        self._latest = float("inf")  # when refreshes may hold the interpreter's exit no longer

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what the call returns. Of its failure only the error leaves."""
        reset = _driven.set(call)
        try:
            call.send(None)
        except StopIteration as done:
            return cast(T, done.value)
        except SiperbError as error:
            failed = error
        else:
            call.close()
            raise AssertionError("A port of Siperb has suspended.")
        finally:
            _driven.reset(reset)
        raise bare(failed)

    def _transport(self) -> Transport:
        if not self._transports:
            with loading_libraries():
                from siperb.sync.transport import Transport

            self._transports.setdefault(None, Transport(self._http_session, self._user_agent))
        return self._transports[None]

    async def _send(self, request: Request, origin: str, deadline: float) -> Response:
        return self._transport().send(request, origin, deadline)

    async def _sleep(self, seconds: float) -> None:
        run = run_under_way.get()
        (run.stopped if run else Answer[None]()).wait(seconds)

    async def _ask_cache(self, threads: WorkerPool, work: Callable[[], T], seconds: float) -> Outcome[T] | None:
        answer = Answer[Outcome[T]]()
        threads.submit(work, answer.give)
        return answer.value if answer.wait(seconds) else None

    @asynccontextmanager
    async def _alone(self, call: Call, name: Hashable = None) -> AsyncGenerator[None, None]:
        mine, name = _Turn(_driven.get()), name or call.account
        while (other := self._turns.setdefault(name, mine)) is not mine and not other.is_of_this_thread:
            if other.is_held:
                other.wait(min(_time_left(call), LOOK_AGAIN))
            elif self._turns.get(name) is other:
                del self._turns[name]
        try:
            yield
        finally:
            if self._turns.get(name) is mine:
                del self._turns[name]
            mine.ended.give(None)

    def _behind(self, key: Key, refresh: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        due = object()
        if self._refreshes.setdefault(key, due) is not due:
            return True
        try:
            self._writer.submit(int, bool)  # at the interpreter's end its thread could not be started any more
            self._refresher.submit(partial(self._refresh_one, key, refresh), lambda outcome: outcome.get())
        except RuntimeError:  # no thread to be had, as at the interpreter's end
            self._refreshes.clear()
            return False
        return True

    def _refresh_one(self, key: Key, refresh: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The interpreter waits at its exit for the thread that does this, which then takes no more than its time."""
        try:
            if not self._transports:
                time.sleep(HEAD_START)
            with importing:
                self._transport()
                "".encode("idna")  # as looking up a host does
            if time.monotonic() < self._latest:
                began = time.monotonic()
                self._run(refresh())
                if self._latest == float("inf") and not threading.main_thread().is_alive():
                    self._latest = began + REFRESH_TIMEOUT
        finally:
            self._refreshes.pop(key, None)

    async def _ask_registrar(self, *args: Any, **options: Any) -> Registration:
        from siperb.sip.registrar import ask, in_a_thread

        return in_a_thread(ask, *args, **options)

    def _side_by_side(self, bulk: Bulk[Item, R]) -> Iterator[R]:
        """The results as they come; no more is begun than is asked for."""
        self._transport()  # says what is wrong with a session of the user's
        run, pool = self._begin_run(), WorkerPool("siperb-bulk", bulk.concurrency)
        outcomes: queue.SimpleQueue[Outcome[BulkResult[Item, Any]]] = queue.SimpleQueue()
        under_way, result = 0, None
        try:
            while True:
                for item in islice(bulk.items, bulk.concurrency - under_way):
                    _submit(pool, partial(cast(Any, copy_context().run), self._do, run, bulk.work, item), outcomes.put)
                    under_way += 1
                if result is not None:
                    yield result
                if not under_way:
                    return
                outcome = outcomes.get()
                under_way -= 1
                result = bulk.finish(outcome.get())
        finally:
            run.stopped.give(None)
            pool.end()

    def _do(self, run: Run, work: Callable[[Item], T], item: Item) -> BulkResult[Item, T]:
        try:
            self._check_run(run)
            return BulkResult(item, work(item))
        except Exception as error:
            return failure(item, error)

    def close(self) -> None:
        """Close the connections. ``with`` does it for you.

        Background refreshes get up to 10 s. No call is possible afterwards. A view is closed with its client, not by
        itself.

        Example:
            ```python
            client = Siperb()
            try:
                client.login()
            finally:
                client.close()
            ```
        """
        if self._domain_user is not None:
            return
        self._closed = True
        if self._refreshes and threading.current_thread().name != REFRESHER:
            ended = Answer[object]()
            with suppress(RuntimeError):
                self._refresher.submit(int, ended.give)  # behind all that is due
                ended.wait(REFRESH_TIMEOUT)
        for transport in self._transports.values():
            transport.close()

    def __enter__(self: P) -> P:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._warn_if_unclosed("`with Siperb(...)` or `client.close()`")


class _Turn:
    """A thread's turn to log in. It lasts as long as the call runs: an interrupt, wherever it strikes, ends both."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._thread = threading.get_ident()
        self.ended = Answer[None]()

    @property
    def is_held(self) -> bool:
        return bool(self._call.cr_running)

    @property
    def is_of_this_thread(self) -> bool:
        """Whether a call from a hook or a signal handler would wait for the call that it is part of."""
        return self.is_held and self._thread == threading.get_ident()

    def wait(self, seconds: float) -> None:
        self.ended.wait(seconds)


def _time_left(call: Call) -> float:
    if call.left <= 0:
        raise APITimeoutError("The call got no answer in time: check the network or raise the timeout.")
    return call.left


def _submit(pool: WorkerPool, work: Callable[[], T], deliver: Callable[[Outcome[T]], object]) -> None:
    try:
        return pool.submit(work, deliver)
    except RuntimeError:
        pass
    raise SiperbError("No thread can be started: raise the limit of threads, or make the calls in a loop.")
