"""The peers, measured in turns: whole processes, warm calls, 64 calls at a time, and counted instructions."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.benchmarks.figures import Measure, take_turns
from tests.benchmarks.peers import PEERS
from tests.benchmarks.processes import Worker, code, cost, counted

HAS_VALGRIND = shutil.which("valgrind") is not None

By = dict[str, list[float]]  # the rounds of each peer

FIRST, PEAK = "first credential, CPU", "first credential, memory"
ONE, MANY = "one warm call", "async, 64 at a time"
COUNTED = "first credential, instructions", "one warm call, instructions", "one warm async call, instructions"
MEASURES = {
    FIRST: Measure(FIRST, "ms", "requests", 1.36, 1e3),
    PEAK: Measure(PEAK, "MB", "requests", None, 1.024e-3),
    COUNTED[0]: Measure(COUNTED[0], "million", "requests", 1.36, 1e-6),
    ONE: Measure(ONE, "µs", "requests", 1.0, 1e6),
    COUNTED[1]: Measure(COUNTED[1], "thousand", "requests", 1.0, 1e-3),
    MANY: Measure(MANY, "calls/s", "aiohttp", 1 / 0.76, is_throughput=True),
    COUNTED[2]: Measure(COUNTED[2], "thousand", "aiohttp", None, 1e-3),
}


def compared(rounds: int, seconds: float) -> dict[str, By]:
    """The figures of each measure. seconds: that a peer gets for its warm calls in each round."""
    figures = {FIRST: (cpu := By()), PEAK: (peak := By()), ONE: (one := By()), MANY: (many := By())}

    def first(name: str) -> float:
        seconds, kilobytes = cost(code("peers", f"first({name!r})"), os.environ)
        peak.setdefault(name, []).append(float(kilobytes))
        return seconds

    cpu |= _by_name(take_turns(rounds, *(partial(first, name) for name in PEERS)))
    for kilobytes in peak.values():
        del kilobytes[0]  # of the round that does not count
    workers = [Worker(code("worker", f"serve({name!r})"), os.environ) for name in PEERS]
    for line, of in (("one", one), ("many", many)):
        of |= _by_name(take_turns(rounds, *(partial(worker.ask, f"{line} {seconds}") for worker in workers)))
    for worker in workers:
        worker.end()
    if HAS_VALGRIND:
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # a count is the same on a machine that is busy
            for name, counts in zip(PEERS, pool.map(_counts, PEERS), strict=True):
                for what, count in zip(COUNTED, counts, strict=False):
                    figures.setdefault(what, {})[name] = [count]
    return {what: figures[what] for what in MEASURES if what in figures}


def _counts(name: str) -> tuple[float, ...]:
    """In the order of `COUNTED`; nothing for a peer that takes too long."""
    try:
        counts = counted(code("counting", f"peer({name!r})"), os.environ)
    except subprocess.TimeoutExpired:
        return ()
    return counts["first"], counts["one call"], counts["async call"]


def layers() -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """Title, unit, and the instructions up to and with each layer."""
    loaded = cost(code("counting", "loaded()"), os.environ)[1].split()
    yield (
        "a process up to its first credential",
        "million",
        {name: count / 1e6 for name, count in counted(code("counting", f"start(*{loaded})"), os.environ).items()},
    )
    yield (
        "one warm async call",
        "thousand",
        {name: count / 1e3 for name, count in counted(code("counting", "layers()"), os.environ).items()},
    )


def _by_name(figures: list[list[float]]) -> By:
    return dict(zip(PEERS, figures, strict=True))
