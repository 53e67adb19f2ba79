"""Worker threads: what hangs in one holds neither its caller nor the process's exit.

The standard library's pool will not do: its threads are joined at exit, and its locks stay locked when a caller is
interrupted at the wrong instruction. Here a caller takes no lock; whether a thread is at work follows from the thread.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
Work: TypeAlias = "tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]"

LINGER = 10.0  # seconds that an idle thread waits for more work


class Outcome(Generic[T]):
    """What became of a piece of work: a value, or what it raised."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._error: BaseException | None = None
        try:
            self._value = work()
        except BaseException as error:  # not even SystemExit may end the thread that others wait for
            self._error = error

    def get(self) -> T:
        """The value; raises what the work raised."""
        if self._error is not None:
            raise self._error
        return self._value


class WorkerPool:
    """At most `size` threads, which do what is submitted in the order of its submission.

    is_daemon: whether the process may end while they work. linger: seconds that one waits for more.
    """

    def __init__(self, name: str, size: int, *, is_daemon: bool = True, linger: float = LINGER) -> None:
        self._name = name
        self._size = size
        self._is_daemon = is_daemon
        self._linger = linger
        self._has_ended = False
        self.renew_after_fork()
        renewed_after_fork(self)

    def renew_after_fork(self) -> None:
        self._work: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()
        self._idle: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(self._size):
            self._places.put(None)

    def submit(self, work: Callable[[], T], deliver: Callable[[Outcome[T]], object]) -> None:
        """Have `work` done by a thread, which then calls `deliver`; RuntimeError when no thread can be started."""
        item: list[Any] = [work, deliver]
        self._work.put(item)
        if self._work.qsize() <= self._idle.qsize() or not self._places.qsize():
            return
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=self._is_daemon).start()
        except RuntimeError:
            if self._places.qsize() == self._size:  # else those that are at work will do it
                item.clear()
                raise

    def end(self) -> None:
        """Let the threads end when they have done what was submitted."""
        self._work.put(None)

    def _serve(self) -> None:
        places, work = self._places, self._work
        while True:
            try:
                places.get_nowait()
            except queue.Empty:
                return
            try:
                while self._do_next(work):
                    pass
            finally:
                places.put(None)
            if work.empty() or self._has_ended:  # what came while the place was taken has started no other thread
                return

    def _do_next(self, work: queue.SimpleQueue[list[Any] | None]) -> bool:
        idle = self._idle
        idle.put(None)
        try:
            item = work.get(timeout=self._linger)
        except queue.Empty:
            return False
        finally:
            idle.get()
        if item is None:
            self._has_ended = True
            work.put(None)  # for the next thread
            return False
        if item:
            outcome, deliver = Outcome(item[0]), item[1]
            item.clear()  # nothing that it was about is kept alive until the next one comes
            deliver(outcome)
        return True


class DaemonThread:
    """A thread started by the first `submit`; after a fork the child starts its own, with an empty queue."""

    _lock: threading.Lock
    _queue: queue.SimpleQueue[Work | None]
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
            self._queue = queue.SimpleQueue()
            self._thread = None

    def renew_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._queue = queue.SimpleQueue()
        self._thread = None


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
    """What holds locks or threads, which a forked child inherits in a state that nobody will change."""

    def renew_after_fork(self) -> None: ...


def renewed_after_fork(renewable: Renewable) -> None:
    """Have `renew_after_fork` called in every child that this process forks; holds no reference."""
    _renewable.add(renewable)


def _renew_all() -> None:
    for renewable in list(_renewable):
        renewable.renew_after_fork()


_renewable: WeakSet[Renewable] = WeakSet()

importing = threading.RLock()
"""Held by a thread of ours while it imports a library: a child forked meanwhile would wait for the module for ever."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release)
    os.register_at_fork(after_in_child=_renew_all)
