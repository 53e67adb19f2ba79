"""``python -m tests.benchmarks``: the table. A row that misses its goal makes the exit code 1."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.benchmarks.measure import Figures
from tests.benchmarks.rows import ROWS, Row, measured

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
    for name in options.only or ROWS:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            figures = process.submit(measured, name, options.quick).result()
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
