"""Drives flows with `requests` and threads: the half of `siperb.Siperb` that does the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from copy import copy
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb.core.effects import Auth, Effect, Evict, Forget, Later, Load, Result, Save, Send, Sleep, assert_never
from siperb.errors import SiperbError
from siperb.facade.base import Facade
from siperb.facade.plan import REFRESH_TIMEOUT, Plan, RefreshQueue

if TYPE_CHECKING:
    from siperb.sync.transport import Transport

A = TypeVar("A")
T = TypeVar("T")

HEAD_START = 0.01  # seconds, for a caller to go on with what was stored before a refresh imports an HTTP library


class ThreadDriver(Facade):
    """A client that blocks, without its calls."""

    def renew_after_fork(self) -> None:
        self._flights = ThreadFlights()
        self._refreshes = RefreshQueue()
        self._lock = Lock()
        self._worker: threading.Thread | None = None
        self._transport: Transport | None = None

    def _close(self) -> None:
        self._closed = True
        if self._worker and self._worker is not threading.current_thread():
            self._worker.join(REFRESH_TIMEOUT)
        self._drop_refreshes()
        if self._transport:
            self._transport.close()

    def _drop_refreshes(self) -> None:
        self._refreshes.clear()

    def _run(self, plan: Plan[T]) -> T:
        return self._flights.join(plan.identity, self._drive, plan)

    def _drive(self, plan: Plan[T]) -> T:
        flow = plan.flow()
        try:
            effect = next(flow)
            while True:
                try:
                    result = self._perform(effect, plan)
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value = cast(T, stop.value)
        finally:
            flow.close()
        return plan.finish(value)

    def _drive_apart(self, plan: Plan[T]) -> T:
        """`_drive`, in a thread that a session of the user's is not for."""
        self._http().isolate()
        return self._drive(plan)

    def _perform(self, effect: Effect, plan: Plan[Any]) -> Result:
        match effect:
            case Send(request, deadline):
                return self._http().send(plan.context.origin, request, self._headers(request), deadline)
            case Auth():
                session = self._newer_session(plan, effect)
                if session is None:
                    session = self._run(self._auth_plan(plan, effect))
                return session
            case Load() | Save() | Evict() | Forget():
                return self._cache.ask(effect, plan.era)
            case Sleep(seconds):
                if plan.stop is None:
                    time.sleep(seconds)
                elif plan.stop.wait(seconds):
                    raise SiperbError("Nobody waits for this any more.")
                return None
            case Later():
                if self._refreshes.add(effect, plan):
                    self._start_worker()
                return None
            case _:
                assert_never(effect)

    def _http(self) -> Transport:
        from siperb.sync.transport import Transport

        with self._lock:
            if self._transport is None:
                self._transport = Transport(self._http_session)
            return self._transport

    def _start_worker(self) -> None:
        worker = threading.Thread(target=self._refresh_all, name="siperb-refresh", daemon=False)
        try:
            worker.start()
        except RuntimeError:  # no thread to be had, as at the interpreter's end: the next call tries again
            self._refreshes.stop()
        else:
            self._worker = worker

    def _refresh_all(self) -> None:
        """The worker: the interpreter waits at its exit for this thread, which then takes no more than its time."""
        latest = float("inf")
        time.sleep(HEAD_START)
        try:
            self._http().isolate()
            while (began := time.monotonic()) < latest and (refresh := self._refreshes.first(latest)):
                with self._refreshes.doing(refresh):
                    self._drive(refresh)
                if latest == float("inf") and not threading.main_thread().is_alive():
                    latest = began + REFRESH_TIMEOUT
        except BaseException:
            self._refreshes.stop()
            raise


class ThreadFlights:
    """Calls of one identity at the same time share one run, which the first thread does."""

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
