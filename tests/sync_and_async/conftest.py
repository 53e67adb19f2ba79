"""Calls that wait for another one's login: when they have come to it."""

from __future__ import annotations

import queue
from typing import Any

import pytest

from siperb.sync.ports import _Turn


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`waiting(n)` blocks until n threads wait for another one's login."""
    begun: queue.SimpleQueue[None] = queue.SimpleQueue()
    wait_for = _Turn.wait

    def wait(turn: Any, seconds: float) -> None:
        begun.put(None)
        wait_for(turn, seconds)

    monkeypatch.setattr(_Turn, "wait", wait)

    def wait_until(threads: int) -> None:
        for _ in range(threads):
            begun.get(timeout=30)

    return wait_until
