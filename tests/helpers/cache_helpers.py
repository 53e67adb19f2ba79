"""What the tests of `KeyringCache` share, beside the fixtures in cache_fixtures.py."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from typing import Any

import pytest
from cache_contract import KEY, OWNER, record

from siperb.cache import KeyringCache
from siperb.cache.access import THREAD

PASSES = 1.0  # seconds, in which a busy machine can do what does not hang
Use = Callable[[Any], KeyringCache]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def try_all(cache: KeyringCache, *, holds_nothing: bool = False) -> None:
    """Every method, twice: each misses; of a keyring that holds nothing all is removed."""
    for _ in range(2):
        assert cache.load(KEY) is None
        assert cache.save(KEY, record("a secret"), owner=OWNER) is False
        assert cache.evict(KEY) is holds_nothing
        assert cache.forget(OWNER) is holds_nothing
        assert cache.stored(OWNER) == []


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert all(entry.levelno == logging.WARNING and entry.name == "siperb" for entry in caplog.records)
    assert "a secret" not in caplog.text
    return [entry.getMessage() for entry in caplog.records]


def settle() -> None:
    """Wait until the keyring's thread has done all that it was given."""
    done: queue.SimpleQueue[object] = queue.SimpleQueue()
    THREAD.submit(int, done.put)
    done.get(timeout=30)
