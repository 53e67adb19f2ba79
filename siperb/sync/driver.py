"""Drives flows with `requests` and threads: the half of `siperb.Siperb` that does the work."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb import facade, models
from siperb.core.effects import Auth, Effect, Evict, Forget, Later, Load, Result, Save, Send, Sleep, assert_never
from siperb.errors import SiperbError
from siperb.facade.caching import Answer, Question
from siperb.facade.calls import Calls
from siperb.facade.invocation import Invocation, bulk_run
from siperb.facade.refreshes import REFRESH_TIMEOUT, Refreshes
from siperb.facade.runtime import forget_locals, loading_libraries
from siperb.sync.singleflight import Singleflight
from siperb.threads import Outcome, WorkerPool, importing

if TYPE_CHECKING:
    from siperb.facade.bulk import Bulk, BulkRun
    from siperb.models import BulkResult
    from siperb.sync.transport import Transport

D = TypeVar("D", bound="Driver")
Item = TypeVar("Item")
R = TypeVar("R")
T = TypeVar("T")

REFRESHER = "siperb-refresh"
HEAD_START = 0.01  # seconds, for a caller to go on with what was stored before a refresh imports an HTTP library


class Driver(Calls):
    """A client that blocks, without its calls."""

    def renew_after_fork(self) -> None:
        self._singleflight = Singleflight()
        self._refreshes = Refreshes()
        self._refresher = WorkerPool(REFRESHER, 1, is_daemon=False, linger=0.0)
        self._transports: dict[None, Transport] = {}

    def close(self) -> None:
        """Wait up to 10 s for background refreshes to end, and close the connections; no call is possible after it.

        A view is closed with its client; this does nothing to it.
        """
        if self._domain_user is not None:
            return
        self._closed = True
        if self._refreshes and threading.current_thread().name != REFRESHER:
            ended: queue.SimpleQueue[object] = queue.SimpleQueue()
            with suppress(RuntimeError, queue.Empty):
                self._refresher.submit(int, ended.put)  # behind all that is due
                ended.get(timeout=REFRESH_TIMEOUT)
        self._drop_refreshes()
        for transport in self._transports.values():
            transport.close()

    def __enter__(self: D) -> D:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._warn_if_unclosed("`with Siperb(...)` or `client.close()`")

    def _drop_refreshes(self) -> None:
        self._refreshes.clear()

    def _is_under_way(self, identity: Hashable) -> bool:
        return self._singleflight.is_under_way(identity)

    def _run(self, invocation: Invocation[T]) -> T:
        return self._singleflight.join(invocation.identity, invocation.context, partial(self._drive, invocation))

    def _drive(self, invocation: Invocation[T]) -> T:
        flow = invocation.flow()
        try:
            effect = next(flow)
            while True:
                try:
                    result = self._perform(effect, invocation)
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

    def _perform(self, effect: Effect, invocation: Invocation[Any]) -> Result:
        match effect:
            case Send():
                origin = invocation.context.origin
                return self._transport().send(origin, effect.request, self._headers(effect.request), effect.deadline)
            case Auth():
                session = self._newer_session(invocation, effect)
                return session if session else self._run(self._renewal(invocation, effect))
            case Load() | Save() | Evict() | Forget():
                return self._ask_cache(effect, invocation)
            case Sleep():
                if invocation.stop is None:
                    time.sleep(effect.seconds)
                else:
                    with suppress(queue.Empty):
                        invocation.stop.put(invocation.stop.get(timeout=effect.seconds))
                        raise SiperbError("Nobody waits for this any more.")
                return None
            case Later():
                return self._refresh_later(effect, invocation)
            case _:
                assert_never(effect)

    def _transport(self) -> Transport:
        if not self._transports:
            with loading_libraries():
                from siperb.sync.transport import Transport

            self._transports.setdefault(None, Transport(self._http_session))
        return self._transports[None]

    def _ask_cache(self, effect: Question, invocation: Invocation[Any]) -> Result:
        until = invocation.context.deadline
        answer: queue.SimpleQueue[Outcome[Answer]] = queue.SimpleQueue()
        try:
            pool = self._cache.pool(effect, invocation.epoch)
            pool.submit(partial(self._cache.ask, effect, invocation.epoch, until), answer.put)
            outcome = answer.get(timeout=self._cache.patience(effect, until))
        except RuntimeError as error:  # no thread to be had
            return self._cache.pass_over(type(error).__name__, "Check the number of threads.")
        except queue.Empty:
            return self._cache.pass_over("no answer in time", "Ask for fewer at a time, or pass a faster one.")
        return outcome.get()

    def _refresh_later(self, later: Later, invocation: Invocation[Any]) -> bool:
        self._refreshes.add(later, invocation)
        try:
            self._refresher.submit(self._refresh_all, lambda outcome: outcome.get())
        except RuntimeError:  # no thread to be had, as at the interpreter's end
            self._refreshes.clear()
            return False
        return True

    def _refresh_all(self) -> None:
        """The interpreter waits at its exit for the thread that does this, which then takes no more than its time."""
        latest = float("inf")
        if not self._transports:
            time.sleep(HEAD_START)
        with importing:
            self._transport().isolate()
            "".encode("idna")  # as looking up a host does
        while (key := self._refreshes.first()) and (began := time.monotonic()) < latest:
            if refresh := self._refreshes.invocation(key, latest):
                with self._refreshes.doing(key):
                    self._drive(refresh)
            if latest == float("inf") and not threading.main_thread().is_alive():
                latest = began + REFRESH_TIMEOUT

    def _drive_bulk(self, bulk: Bulk[Item, R]) -> Iterator[R]:
        """The results as they come; no more is begun than is asked for."""
        self._transport()  # says what is wrong with a session of the user's
        run, pool = self._begin_bulk_run(), WorkerPool("siperb-bulk", bulk.concurrency)
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
            if under_way:
                run.stops[-1].put(None)
            pool.end()

    def _do(self, run: BulkRun, work: Callable[[Item], T], item: Item) -> BulkResult[Item, T]:
        """One item, in a thread that a session of the user's is not for."""
        self._transport().isolate()
        bulk_run.set(run)
        try:
            run.check()
            return models.BulkResult(item, work(item))
        except Exception as error:
            return facade.bulk.failure(item, error)


def _submit(pool: WorkerPool, work: Callable[[], T], deliver: Callable[[Outcome[T]], object]) -> None:
    try:
        return pool.submit(work, deliver)
    except RuntimeError:
        pass
    raise SiperbError("No thread can be started: raise the limit of threads, or make the calls in a loop.")
