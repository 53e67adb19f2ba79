"""``python -m tests.benchmarks``: the tables. With ``--docs`` they are written into docs/performance.md, too."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.benchmarks import compare, report
from tests.benchmarks.rows import ROWS, Rounds, measured
from tests.benchmarks.server import running_server

NOTE = (
    "All took turns. Figures are medians, with the quartiles of the rounds in brackets; a ratio is the median of the "
    "rounds' own. The code by hand is the limit: it does the same requests, and nothing else. `tests/secret_service.sh "
    "tox -e bench` runs the row of the keyring too; instructions are counted where valgrind is."
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    parser.add_argument("--docs", action="store_true", help="write the results into docs/performance.md")
    options = parser.parse_args()
    if sys.flags.dev_mode:
        raise SystemExit("Python's development mode (PYTHONDEVMODE) slows down each peer by another factor: unset it.")
    rounds, seconds = (3, 0.2) if options.quick else (11, 0.3)
    lines: list[str] = []

    def say(*more: str) -> None:
        lines.extend(more)
        print(*more, sep="\n", flush=True)

    with running_server() as environment:
        os.environ.update(environment)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        figures = compare.compared(rounds, seconds)
        say(*report.peers(figures), "")
        rows: dict[str, Rounds | None] = {}
        for name in ROWS:
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                rows[name] = process.submit(measured, name, rounds).result()
        say(*report.results(figures, rows), "")
        if compare.HAS_VALGRIND:
            for table in compare.layers():
                say(*report.layers(*table), "")
    say(report.machine(), "", NOTE)
    if options.docs:
        report.fill_page(lines, figures)


if __name__ == "__main__":
    main()
