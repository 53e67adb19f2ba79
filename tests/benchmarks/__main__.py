"""``python -m tests.benchmarks``: the table. A row that misses its goal makes the exit code 1."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterator

from attrs import frozen

from tests.benchmarks import bulk, calls, documents, startup
from tests.benchmarks.api import Api, running_api
from tests.benchmarks.measure import Figures, Goal


@frozen
class Row:
    what: str
    peer: str
    goal: Goal
    measure: Callable[[Api, bool], Figures | None]


ROWS = {
    "import": Row("`import siperb`, a whole process", "`import attrs`", Goal(0.5), startup.importing),
    "client": Row("import and `Siperb()`, a whole process", "`import requests`", Goal(1.0), startup.constructing),
    "first": Row("first credential, CPU of the process", "by hand on requests", Goal(1.33), startup.first),
    "first-counted": Row("the same, in instructions", "by hand on requests", Goal(1.33), startup.first_counted),
    "first-wall": Row(
        "the same, in time, with an API that takes 50 ms", "by hand on requests", Goal(1.15), startup.first_wall
    ),
    "first-memory": Row("the same, most memory", "by hand on requests", Goal(1.13), startup.first_memory),
    "first-async": Row("the same, async", "by hand on aiohttp", Goal(1.3), startup.first_async),
    "cached": Row(
        "cached credential, process to value", "`import keyring`, two `get_password`", Goal(1.27), startup.cached
    ),
    "call": Row("one warm call", "requests.Session and json", Goal(1.1), calls.one_sync),
    "cached-call": Row("one warm cached call", "one `keyring.get_password`", Goal(1.3), calls.one_cached),
    "async-64": Row("async, 64 at a time: throughput", "aiohttp and json", Goal(0.78, True), calls.async_64),
    "async-8": Row("async, 8 at a time: throughput", "httpx and json", Goal(1.5, True), calls.async_8),
    "devices": Row("10,000 devices, fetched and parsed", "requests and json", Goal(1.6), documents.fetched),
    "growth": Row(
        "growth of a device's cost, 100 to 100,000 parsed", "that of json.loads", Goal(1.1), documents.growth
    ),
    "memory": Row("memory of 100,000 devices", "the parsed JSON", Goal(1.5), documents.memory),
    "bulk": Row("10,000 devices provisioned, 16 at a time, async", "aiohttp and json", Goal(1.2), bulk.by_tasks),
    "bulk-sync": Row("3,000 devices provisioned, 16 at a time", "16 threads with requests", Goal(1.1), bulk.by_threads),
    "alike": Row("requests of 200 identical calls at once", "one call", Goal(1.0), calls.alike),
}

HEAD = ("what", "against", "goal", "ratio", "quartiles", "peer against itself", "ours / peer", "")


def main() -> int:
    options = _options()
    if sys.flags.dev_mode:
        raise SystemExit(
            "Python's development mode (PYTHONDEVMODE) slows ours and the peers by different factors: unset it."
        )
    missed = False
    _line(*HEAD)
    _line(*("---" for _ in HEAD))
    with running_api() as api:
        for name in options.only or ROWS:
            figures = ROWS[name].measure(api, options.quick)
            _line(*_cells(ROWS[name], figures))
            missed |= figures is not None and not _is_met(ROWS[name], figures)
    sys.stdout.write(f"\nPython {platform.python_version()}, {platform.system()} {platform.machine()}. {_LEGEND}\n")
    return 1 if missed else 0


_LEGEND = (
    "Ours and the peer took turns; the ratio is the median of the rounds' own, the quartiles are theirs too, beside "
    "the peer's against itself, one round by the next: the noise of the machine. Ours / peer: medians of each."
)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=ROWS, metavar="ROW", help=f"one of {', '.join(ROWS)}; repeat"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a first look")
    return parser.parse_args()


def _is_met(row: Row, figures: Figures) -> bool:
    return row.goal.is_met(figures.ratio) and not figures.broken


def _cells(row: Row, figures: Figures | None) -> Iterator[str]:
    yield from (row.what, row.peer, str(row.goal))
    if figures is None:
        yield from ("", "", "", "", "left out: it needs Linux, valgrind, or to run under tests/secret_service.sh")
        return
    yield f"**{figures.ratio:.2f}**"
    yield "–".join(f"{quartile:.2f}" for quartile in figures.rounds)
    yield "–".join(f"{quartile:.2f}" for quartile in figures.noise)
    yield figures.medians
    met = "met" if row.goal.is_met(figures.ratio) else "missed"
    yield "; ".join([met, *figures.broken, *([figures.note] if figures.note else [])])


def _line(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
