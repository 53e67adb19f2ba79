"""The deadline, and the pauses after a keyring that was locked or silent."""

from __future__ import annotations

import threading

import keyring.errors
import pytest
from backends import FailingKeyring, HangingKeyring, MemoryKeyring
from cache_contract import KEY, OWNER, record
from cache_helpers import PASSES, Clock, Use, settle, try_all, warnings

from siperb.cache.access import THREAD
from siperb.errors import CacheError

pytest_plugins = ["cache_fixtures"]


@pytest.mark.parametrize(
    "error", [keyring.errors.KeyringLocked("a secret"), keyring.errors.InitError("Failed to create the collection")]
)
def test_a_locked_keyring_is_left_alone_for_five_minutes(
    error: Exception, use: Use, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    backend = FailingKeyring(error)
    cache = use(backend)
    try_all(cache)
    assert len(backend.calls) == 1
    clock.now += 299
    try_all(cache)
    assert len(backend.calls) == 1
    clock.now += 2
    assert cache.load(KEY) is None
    assert len(backend.calls) == 2
    [warning] = warnings(caplog)
    assert "The next try is in 300 seconds." in warning


def test_of_many_threads_that_find_it_locked_one_asks(use: Use) -> None:
    backend = FailingKeyring(keyring.errors.KeyringLocked())
    cache = use(backend, timeout=30)
    threads = [threading.Thread(target=cache.load, args=(KEY,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(backend.calls) == 1


def test_a_hung_keyring_is_given_up_and_left_alone_for_a_minute(
    use: Use, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    backend = HangingKeyring()
    cache = use(backend)
    try_all(cache)
    assert backend.calls == ["get"]
    [warning] = warnings(caplog)
    assert "did not answer in time" in warning
    backend.release.set()
    settle()
    backend.calls.clear()  # of the removals that stood in line
    assert cache.load(KEY) is None  # still paused
    assert backend.calls == []
    clock.now += 61
    assert cache.save(KEY, record(), owner=OWNER)


def test_a_keyring_that_still_hangs_after_the_pause_is_not_waited_for_again(
    use: Use, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = HangingKeyring()
    cache = use(backend)
    assert cache.load(KEY) is None
    clock.now += 61
    with monkeypatch.context() as without_submit:
        without_submit.setattr(THREAD, "submit", None)
        assert cache.load(KEY) is None
    backend.release.set()
    settle()
    clock.now += 59
    assert cache.save(KEY, record(), owner=OWNER) is False
    clock.now += 2
    assert cache.save(KEY, record(), owner=OWNER) is True


def test_what_was_given_up_before_it_began_is_skipped(use: Use) -> None:
    backend = HangingKeyring()
    first, second = use(backend), use(backend)
    assert first.load(KEY) is None
    assert second.save(KEY, record(), owner=OWNER) is False  # in line behind the hung call
    backend.release.set()
    settle()
    assert backend.calls == ["get"]


def test_what_was_given_up_under_way_stops_before_its_next_call(use: Use) -> None:
    backend = HangingKeyring(hang_in="set")
    assert use(backend).save(KEY, record("x" * 5000), owner=OWNER) is False
    backend.release.set()
    settle()
    assert backend.calls.count("set") == 1
    assert backend.calls[-1] == "set"


class SteppingKeyring(MemoryKeyring):
    """Makes one call for each `gate.release()`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.entered = threading.Event()

    def called(self, call: str) -> None:
        self.entered.set()
        assert self.gate.acquire(timeout=60)


def test_to_wait_in_line_for_a_busy_keyring_opens_no_pause(use: Use) -> None:
    backend = SteppingKeyring()
    slow, hasty = use(backend), use(backend, timeout=PASSES)
    saved = record("x" * 50_000)
    saving = threading.Thread(target=slow.save, args=(KEY, saved), kwargs={"owner": OWNER})
    saving.start()
    assert backend.entered.wait(30)
    loading = threading.Thread(target=hasty.load, args=(KEY,))
    loading.start()
    while loading.is_alive():
        backend.gate.release()
        loading.join(PASSES / 4)
    assert saving.is_alive()
    backend.gate.release(1000)
    saving.join()
    assert hasty.load(KEY) == saved


def test_calls_from_many_threads_are_made_one_at_a_time(use: Use) -> None:
    backend = MemoryKeyring()
    caches = [use(backend, timeout=30) for _ in range(4)]
    work = [lambda cache=cache: cache.save(KEY, record("x" * 3000), owner=OWNER) for cache in caches * 2]
    threads = [threading.Thread(target=job) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend.most_at_once == 1


def test_a_keyring_that_is_busy_is_said_to_be_busy(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    backend = SteppingKeyring()
    slow, hasty = use(backend, timeout=30), use(backend, timeout=30)
    saving = threading.Thread(target=slow.save, args=(KEY, record("x" * 50_000)), kwargs={"owner": OWNER})
    saving.start()
    assert backend.entered.wait(30)
    with pytest.raises(CacheError, match="busy"):
        hasty.within(0.01).load(KEY)
    backend.gate.release(1000)
    saving.join()
    [warning] = warnings(caplog)
    assert "ask for fewer at a time" in warning
    assert hasty.load(KEY)


def test_a_caller_who_waits_for_less_time_opens_no_pause(use: Use) -> None:
    backend = HangingKeyring()
    cache = use(backend, timeout=60)
    with pytest.raises(CacheError, match="too slow for the time that the call has"):
        cache.within(0.05).load(KEY)
    backend.release.set()
    assert cache.save(KEY, record(), owner=OWNER)


def test_without_a_thread_there_is_a_warning(
    use: Use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(THREAD, "submit", refuse)
    try_all(use(MemoryKeyring()))
    [warning] = warnings(caplog)
    assert "No thread can be started" in warning
