"""Daemon threads that take work: a call that hangs in one holds neither its caller nor the process's exit.

The standard library's pool will not do: the threads of `concurrent.futures` and `asyncio.to_thread` are joined at exit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
Work: TypeAlias = "tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]"


class DaemonThread:
    """A thread started by the first `submit`; after a fork the child starts its own, with an empty queue."""

    _lock: threading.Lock
    _queue: SimpleQueue[Work | None]
    _thread: threading.Thread | None

    def __init__(self, name: str) -> None:
        self._name = name
        self.renew_after_fork()
        renewed_after_fork(self)

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have `function` called after all that was submitted before; RuntimeError when no thread can be started."""
        from concurrent.futures import Future

        future: Future[T] = Future()
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=_work, args=(self._queue,), name=self._name, daemon=True)
                thread.start()
                self._thread = thread
            self._queue.put((future, function, args))
        return future

    def end(self) -> None:
        """Let the thread end when all is done that was submitted; the next `submit` starts another one."""
        with self._lock:
            self._queue.put(None)
            self._queue = SimpleQueue()
            self._thread = None

    def renew_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._queue = SimpleQueue()
        self._thread = None


class DaemonThreads:
    """As many threads as there is work at a time. kept: how many wait for what comes next."""

    _lock: threading.Lock
    _idle: list[DaemonThread]

    def __init__(self, name: str, *, kept: int) -> None:
        self._name = name
        self._kept = kept
        self.renew_after_fork()
        renewed_after_fork(self)

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have `function` called at once; RuntimeError when no thread can be started."""
        with self._lock:
            thread = self._idle.pop() if self._idle else DaemonThread(self._name)
        future = thread.submit(self._call, thread, function, args)
        future.add_done_callback(lambda ended: self._release(thread) if ended.cancelled() else None)
        return future

    def end(self) -> None:
        """Keep no thread any more: each ends with what it does."""
        with self._lock:
            self._kept = 0
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.end()

    def _call(self, thread: DaemonThread, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        try:
            return function(*args)
        finally:
            self._release(thread)  # before anybody hears of the end, who may have more work for it

    def _release(self, thread: DaemonThread) -> None:
        with self._lock:
            is_kept = len(self._idle) < self._kept
            if is_kept:
                self._idle.append(thread)
        if not is_kept:
            thread.end()

    def renew_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._idle = []


def _work(queue: SimpleQueue[Work | None]) -> None:
    while work := queue.get():
        _run(*work)
        del work  # or it would keep what it was about alive until the next one comes


def _run(future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function(*args)
    except BaseException as error:  # not even SystemExit may end the thread that others wait for
        future.set_exception(error)
    else:
        future.set_result(result)


class Renewable(Protocol):
    """What holds locks or a thread, which a forked child inherits in a state that nobody will change."""

    def renew_after_fork(self) -> None: ...


def renewed_after_fork(renewable: Renewable) -> None:
    """Have `renew_after_fork` called in every child that this process forks; holds no reference."""
    _renewable.add(renewable)


def _renew_all() -> None:
    for renewable in list(_renewable):
        renewable.renew_after_fork()


_renewable: WeakSet[Renewable] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
