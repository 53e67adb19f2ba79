"""What a worker of a peer does: it measures warm calls, one after the other or 64 at a time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.peers import PEERS

if TYPE_CHECKING:
    from tests.benchmarks.peers import AsyncCall

AT_A_TIME = 64


def serve(name: str) -> None:
    """Answer each line of standard input, "one" or "many", with seconds a call."""
    loop = asyncio.new_event_loop()
    blocking, awaited = PEERS[name]
    call, async_call = blocking(), loop.run_until_complete(awaited())
    for line in sys.stdin:
        kind, seconds = line.split()
        until = time.perf_counter() + float(seconds)
        figure = _one_by_one(call, until) if kind == "one" else loop.run_until_complete(_many(async_call, until))
        print(figure, flush=True)
    os._exit(0)  # no peer's connections are to be closed


def _one_by_one(call: Callable[[int], object], until: float) -> float:
    took: list[float] = []
    while (began := time.perf_counter()) < until:
        assert call(len(took))
        took.append(time.perf_counter() - began)
    return median(took)


async def _many(call: AsyncCall, until: float) -> float:
    numbers = count()

    async def work() -> None:
        while time.perf_counter() < until:
            assert await call(next(numbers))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
    return (time.perf_counter() - began) / next(numbers)
