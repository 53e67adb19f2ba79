"""The worker pool, and the lock between processes."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from siperb.cache.lockfile import exclusive
from siperb.threads import Answer, Outcome, WorkerPool


def named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def done_by(pool: WorkerPool, work: Callable[[], Any]) -> Any:
    answer: queue.SimpleQueue[Outcome[Any]] = queue.SimpleQueue()
    pool.submit(work, answer.put)
    return answer.get(timeout=30).get()


def test_one_thread_does_its_work_in_order() -> None:
    pool, outcomes = WorkerPool("test-one", 1), queue.SimpleQueue[Outcome[tuple[int, str, bool]]]()

    def work(number: int) -> tuple[int, str, bool]:
        return number, threading.current_thread().name, threading.current_thread().daemon

    for number in range(3):
        pool.submit(partial(work, number), outcomes.put)
    assert [outcomes.get(timeout=30).get() for _ in range(3)] == [(number, "test-one", True) for number in range(3)]
    assert len(named("test-one")) == 1
    pool.end()


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_error_is_the_outcome_and_the_thread_goes_on(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    pool = WorkerPool("test-error", 1)
    with pytest.raises(error):
        done_by(pool, fail)
    assert done_by(pool, int) == 0
    pool.end()


def test_no_thread_is_started_before_there_is_work() -> None:
    pool = WorkerPool("test-none", 4)
    assert not named("test-none")
    for _ in range(20):
        done_by(pool, int)
    assert 1 <= len(named("test-none")) <= 4
    pool.end()


def test_what_was_done_is_not_kept_alive() -> None:
    class Work:
        def __call__(self) -> None: ...

    pool, gone = WorkerPool("test-gone", 1), threading.Event()
    work = Work()
    weakref.finalize(work, gone.set)
    done_by(pool, work)
    del work
    assert gone.wait(30)
    pool.end()


def test_there_are_as_many_threads_as_there_is_work_but_no_more_than_places() -> None:
    pool, together = WorkerPool("test-many", 5), threading.Barrier(5)
    outcomes: queue.SimpleQueue[Outcome[int]] = queue.SimpleQueue()
    for _ in range(15):
        pool.submit(partial(together.wait, 30), outcomes.put)
    assert sorted(outcomes.get(timeout=30).get() for _ in range(15)) == sorted([*range(5)] * 3)
    assert len(named("test-many")) == 5
    pool.end()
    for thread in named("test-many"):
        thread.join(30)
    assert not named("test-many")


def test_a_thread_that_had_nothing_to_do_has_ended_and_another_takes_its_place() -> None:
    pool = WorkerPool("test-linger", 1, linger=0.0)
    for _ in range(100):
        assert done_by(pool, int) == 0
    for thread in named("test-linger"):
        thread.join(30)
    assert done_by(pool, int) == 0


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_those_who_are_at_work_do_what_no_further_thread_can_be_had_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, begun, go_on = WorkerPool("test-refused", 3), threading.Event(), threading.Event()
    outcomes: queue.SimpleQueue[Outcome[Any]] = queue.SimpleQueue()

    def be_at_work() -> bool:
        begun.set()
        return go_on.wait(30)

    pool.submit(be_at_work, outcomes.put)
    assert begun.wait(30)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(5):
        pool.submit(int, outcomes.put)
    go_on.set()
    assert [outcomes.get(timeout=30).get() for _ in range(6)] == [True, 0, 0, 0, 0, 0]
    pool.end()


def test_what_no_thread_could_be_had_for_is_refused_and_not_done_later(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = WorkerPool("test-none-left", 1)
    outcomes: queue.SimpleQueue[Outcome[Any]] = queue.SimpleQueue()
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            pool.submit(int, outcomes.put)
    assert done_by(pool, lambda: "done") == "done"
    assert outcomes.empty()
    pool.end()


def test_a_thread_that_ends_tidies_up_before_another_takes_its_place() -> None:
    class Pool(WorkerPool):
        def ending(self) -> None:
            ending.set()
            assert go_on.wait(30)
            done.append("tidied up")

    ending, go_on, done = threading.Event(), threading.Event(), list[str]()
    pool = Pool("test-ending", 1, linger=0.0)
    done_by(pool, int)
    assert ending.wait(30)
    outcomes: queue.SimpleQueue[Outcome[None]] = queue.SimpleQueue()
    pool.submit(lambda: done.append("worked"), outcomes.put)
    go_on.set()
    outcomes.get(timeout=30)
    assert done[:2] == ["tidied up", "worked"]


def test_a_thread_too_many_tidies_nothing_up() -> None:
    class Pool(WorkerPool):
        def ending(self) -> None:
            tidied.append(threading.current_thread())

    tidied: list[threading.Thread] = []
    pool = Pool("test-too-many", 1)
    done_by(pool, int)
    too_many = threading.Thread(target=pool._serve)  # as two callers at the same time start them
    too_many.start()
    too_many.join(30)
    assert not too_many.is_alive()
    assert tidied == []
    assert done_by(pool, int) == 0
    pool.end()


# The lock


def test_the_lock_keeps_another_process_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    code = "from siperb.cache.lockfile import exclusive\nwith exclusive() as locked: print(locked, flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin
    assert other.stdout
    assert other.stdout.readline() == "True\n"
    entered = threading.Event()

    def enter() -> None:
        with exclusive():
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.2)
    other.kill()  # a process that dies holds nothing
    assert entered.wait(30)
    waiting.join()
    other.communicate()


def test_the_lock_file_has_no_content_and_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with exclusive() as locked:
        assert locked
    [file] = tmp_path.iterdir()
    assert file.stat().st_size == 0
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def only_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("siperb.cache.lockfile._directories", lambda: [str(tmp_path)])
    return tmp_path


def test_without_a_runtime_directory_the_lock_is_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: 4242)  # has no directory in /run/user
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result([0, 0, 0, 0, 4242, 0, 0, 0, 0, 0]))
    with exclusive() as locked:
        assert locked
    assert [file.name for file in tmp_path.iterdir()] == ["siperb-keyring-4242.lock"]


def test_a_lock_file_of_another_user_is_not_used(only_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result([0, 0, 0, 0, os.getuid() + 1, 0, 0, 0, 0, 0]))
    with exclusive() as locked:
        assert not locked


def test_a_link_in_place_of_the_lock_file_is_not_followed(only_directory: Path) -> None:
    elsewhere = only_directory / "elsewhere"
    (only_directory / f"siperb-keyring-{os.getuid()}.lock").symlink_to(elsewhere)
    with exclusive() as locked:
        assert not locked
    assert not elsewhere.exists()


def test_a_file_system_without_locks_is_one_without_a_lock(
    only_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("fcntl.lockf", refuse)
    with exclusive() as locked:
        assert not locked
    monkeypatch.undo()
    with exclusive() as locked:  # the file was closed
        assert locked


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 2e-7, 1e-6, 2e-6])
def test_a_short_wait_ends(seconds: float) -> None:
    """That of `SimpleQueue` did not, in one of some thousand."""
    assert not any(Answer[int]().wait(seconds) for _ in range(10_000))


def test_a_thread_that_does_not_linger_ends() -> None:
    threads: queue.SimpleQueue[Outcome[threading.Thread]] = queue.SimpleQueue()
    pool = WorkerPool("test-short", 1, linger=0.0)
    for _ in range(1_000):
        pool.submit(threading.current_thread, threads.put)
        thread = threads.get(timeout=30).get()
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_a_value_is_there_for_everybody_who_waits() -> None:
    answer, heard = Answer[int](), queue.SimpleQueue[Outcome[bool]]()
    pool = WorkerPool("test-answer", 3)
    for _ in range(3):
        pool.submit(partial(answer.wait, 30.0), heard.put)
    answer.give(7)
    answer.give(8)
    assert [heard.get(timeout=30).get() for _ in range(3)] == [True] * 3
    assert answer.value == 7
    pool.end()
