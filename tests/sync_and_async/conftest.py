"""Calls that share a run: when the others have come to wait for it."""

from __future__ import annotations

import queue
from typing import Any

import pytest

from siperb.sync.singleflight import _ThreadRun


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`waiting(n)` blocks until n threads wait for another one's call."""
    begun: queue.SimpleQueue[None] = queue.SimpleQueue()
    wait_for = _ThreadRun.wait

    def wait(run: Any, context: Any) -> None:
        begun.put(None)
        wait_for(run, context)

    monkeypatch.setattr(_ThreadRun, "wait", wait)

    def wait_until(threads: int) -> None:
        for _ in range(threads):
            begun.get(timeout=30)

    return wait_until
