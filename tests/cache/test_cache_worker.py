"""The daemon thread, and the lock between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from siperb.cache.lockfile import exclusive, private_directory
from siperb.cache.workers import DaemonThread, DaemonThreads


def test_work_is_done_in_order_in_one_daemon_thread() -> None:
    thread, done = DaemonThread("test"), list[tuple[int, str, bool]]()

    def work(number: int) -> int:
        done.append((number, threading.current_thread().name, threading.current_thread().daemon))
        return number

    assert [future.result(30) for future in [thread.submit(work, number) for number in range(3)]] == [0, 1, 2]
    assert done == [(number, "test", True) for number in range(3)]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_error_reaches_the_future_and_the_thread_goes_on(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    thread = DaemonThread("test")
    assert isinstance(thread.submit(fail).exception(30), error)
    assert thread.submit(int).result(30) == 0


def test_no_thread_is_started_before_there_is_work() -> None:
    before = threading.active_count()
    thread = DaemonThread("test")
    assert threading.active_count() == before
    thread.submit(int).result(30)
    assert threading.active_count() == before + 1


def test_work_that_was_cancelled_is_skipped() -> None:
    thread, gate, done = DaemonThread("test"), threading.Event(), list[int]()
    waiting = thread.submit(gate.wait, 30)
    assert thread.submit(done.append, 1).cancel()
    gate.set()
    thread.submit(int).result(30)
    assert waiting.result(30)
    assert done == []


def test_what_was_done_is_not_kept_alive() -> None:
    class Work:
        def __call__(self) -> None: ...

    thread, gone = DaemonThread("test"), threading.Event()
    work = Work()
    weakref.finalize(work, gone.set)
    thread.submit(work).result(30)
    del work
    assert gone.wait(30)


def named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_there_are_as_many_threads_as_there_is_work() -> None:
    threads, together = DaemonThreads("test-many", kept=3), threading.Barrier(5)
    for _ in range(3):
        for future in [threads.submit(together.wait, 30) for _ in range(5)]:
            future.result(30)
    threads.end()
    for thread in named("test-many"):
        thread.join(30)
        assert not thread.is_alive()


def test_no_thread_is_left_with_work_that_was_cancelled() -> None:
    threads = DaemonThreads("test-cancelled", kept=2)
    for _ in range(300):
        threads.submit(int).cancel()
    threads.end()
    for thread in named("test-cancelled"):
        thread.join(30)
        assert not thread.is_alive()


def test_the_lock_keeps_another_process_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(private(tmp_path)))
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


def private(directory: Path) -> Path:
    directory.chmod(0o700)
    return directory


def test_the_lock_file_has_no_content_and_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(private(tmp_path)))
    with exclusive() as locked:
        assert locked
    [file] = tmp_path.iterdir()
    assert file.stat().st_size == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_runtime_directory_a_private_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("siperb.cache.lockfile.Path", lambda path: Path(str(path).replace("/run/user", "/missing")))
    directory = private_directory()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory == private_directory()


def test_a_directory_that_others_can_write_to_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / f"siperb-{os.getuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setattr("siperb.cache.lockfile.Path", lambda path: Path(str(path).replace("/run/user", str(tmp_path))))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with exclusive() as locked:
        assert not locked
    assert list(shared.iterdir()) == []


def test_a_link_in_place_of_the_lock_file_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(private(tmp_path)))
    (tmp_path / "siperb-keyring.lock").symlink_to(tmp_path / "elsewhere")
    with exclusive() as locked:
        assert not locked
    assert not (tmp_path / "elsewhere").exists()
