"""Worker threads: what hangs in one holds neither its caller nor the process's exit.

The standard library's pool will not do: its threads are joined at exit, and its locks stay locked when a caller is
interrupted at the wrong instruction. Here a caller takes no lock; whether a thread is at work follows from the thread.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

T = TypeVar("T")

LINGER = 10.0  # seconds that an idle thread waits for more work
LONGEST_IMPORT = 5.0  # seconds


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


class Answer(Generic[T]):
    """A value that one thread gives, once, and others wait for.

    `SimpleQueue.get` will not do: in CPython up to 3.13 at least, one with a short time-out may never return.
    """

    def __init__(self) -> None:
        self._values: list[T] = []
        self._pending = threading.Lock()
        self._pending.acquire()

    @property
    def is_given(self) -> bool:
        return bool(self._values)

    @property
    def value(self) -> T:
        return self._values[0]

    def give(self, value: T) -> None:
        self._values.append(value)
        self._wake_one()

    def wait(self, seconds: float) -> bool:
        """Whether the value is there in time."""
        if not self.is_given and self._pending.acquire(timeout=max(seconds, 0.0)):
            self._wake_one()  # the next one who waits
        return self.is_given

    def _wake_one(self) -> None:
        with suppress(RuntimeError):  # it is given already
            self._pending.release()


class WorkerPool:
    """At most `size` threads, which do the work in the order in which it was submitted.

    is_daemon: whether the process may end while they work. linger: how many seconds a thread waits for more work.
    A thread counts itself, so an interrupted caller leaves nothing behind. A thread too many ends at once.
    """

    def __init__(self, name: str, size: int, *, is_daemon: bool = True, linger: float = LINGER) -> None:
        self._name = name
        self._size = size
        self._is_daemon = is_daemon
        self._linger = linger
        self._has_ended = False
        self._renew_after_fork()
        renewed_after_fork(self)

    def _renew_after_fork(self) -> None:
        self._work: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[[], T], deliver: Callable[[Outcome[T]], object]) -> None:
        """Have `work` done by a thread, which then calls `deliver`; RuntimeError when no thread can be started."""
        item: list[Any] = [work, deliver]
        self._work.put(item)
        try:
            self._start_one()
        except RuntimeError:
            if not self._threads:  # else those that are at work will do it
                item.clear()
                raise

    def end(self) -> None:
        """Let the threads end when they have done what was submitted."""
        self._work.put(None)

    def ending(self) -> None:
        """Called by a thread before it stops counting, while no other is started in its place."""

    def _start_one(self) -> None:
        if len(self._threads) < self._size:
            threading.Thread(target=self._serve, name=self._name, daemon=self._is_daemon).start()

    def _serve(self) -> None:
        work, threads, me = self._work, self._threads, threading.current_thread()
        threads.append(me)
        try:
            while (is_one_of_them := me in threads[: self._size]) and self._do_next(work):
                pass
            if is_one_of_them:
                self.ending()
        finally:
            threads.remove(me)
        if not work.empty() and not self._has_ended:  # submitted while this thread still counted: it started no other
            with suppress(RuntimeError):
                self._start_one()

    def _do_next(self, work: queue.SimpleQueue[list[Any] | None]) -> bool:
        try:
            item = work.get(self._linger > 0, self._linger)
        except queue.Empty:
            return False
        if item is None:
            self._has_ended = True
            work.put(None)  # for the next thread
            return False
        if item:
            outcome, deliver = Outcome(item[0]), item[1]
            item.clear()  # nothing that it was about is kept alive until the next one comes
            deliver(outcome)
        return True


def in_a_thread(name: str, work: Callable[[], T], seconds: float) -> T:
    """What `work` comes to in a thread of its own; TimeoutError when that takes longer, and it is left alone."""
    answer = Answer[Outcome[T]]()
    WorkerPool(name, 1, linger=0.0).submit(work, answer.give)
    if not answer.wait(seconds):
        raise TimeoutError
    return answer.value.get()


class Renewable(Protocol):
    """What holds locks or threads, which a forked child inherits in a state that nobody will change."""

    def _renew_after_fork(self) -> None: ...


def renewed_after_fork(renewable: Renewable) -> None:
    """Have `_renew_after_fork` called in every child that this process forks; holds no reference."""
    _renewable.add(renewable)


def _renew_all() -> None:
    for renewable in list(_renewable):
        renewable._renew_after_fork()  # pyright: ignore[reportPrivateUsage]


_renewable: WeakSet[Renewable] = WeakSet()


class Importing:
    """``with`` this a thread of ours imports a library: a fork waits for its end, up to `LONGEST_IMPORT`.

    A child forked in the middle would find the module's lock held by a thread that it does not have.
    """

    def __init__(self) -> None:
        self._renew_after_fork()
        renewed_after_fork(self)

    def _renew_after_fork(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        self._is_held = self._lock.acquire(timeout=LONGEST_IMPORT)

    def after_fork_in_parent(self) -> None:
        if self._is_held:
            self._lock.release()


importing: Importing = Importing()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.before_fork, after_in_parent=importing.after_fork_in_parent, after_in_child=_renew_all
    )
