"""One daemon thread that takes work: a call that hangs in it holds neither its caller nor the process's exit.

A pool will not do: the threads of `concurrent.futures` and of `asyncio.to_thread` are joined at exit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class DaemonThread:
    """A thread started by the first `submit`; after a fork the child starts its own, with an empty queue."""

    _lock: threading.Lock
    _queue: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]]
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

    def renew_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._queue = SimpleQueue()
        self._thread = None


def _work(queue: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]]) -> None:
    while True:
        _run(*queue.get())


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
