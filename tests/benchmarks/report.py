"""The tables, the bar chart, and their places in the page on performance."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

from tests.benchmarks.compare import FIRST, MANY, MEASURES, ONE, PEAK
from tests.benchmarks.figures import Measure, number, verdict
from tests.benchmarks.processes import ROOT
from tests.benchmarks.rows import ROWS, Rounds

PAGE = ROOT / "docs/performance.md"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CHART = f"pictures/performance-{PYTHON}.svg"
DISTRIBUTIONS = ("requests", "aiohttp", "attrs", "cattrs", "twilio", "stripe", "openai", "telnyx")


def peers(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[str]:
    """A row for each peer."""
    yield _row("", *(f"{what} ({MEASURES[what].unit})" for what in figures))
    yield _row(*("---" for _ in range(len(figures) + 1)))
    for name in figures[FIRST]:
        shown = "requests / aiohttp by hand" if name == "by hand" else name
        yield _row(shown, *(MEASURES[what].shown(by[name]) if name in by else "" for what, by in figures.items()))


def results(figures: Mapping[str, Mapping[str, Sequence[float]]], rows: Mapping[str, Rounds | None]) -> Iterator[str]:
    """A row for each measure: the limit, the goal, who is ahead."""
    yield _row("what", "the limit: by hand on", "by hand", "siperb", "siperb / by hand", "goal", "result")
    yield _row(*("---" for _ in range(7)))
    for what, by in figures.items():
        yield _result(MEASURES[what], by)
    for name, rounds in rows.items():
        row = ROWS[name]
        measure = Measure(row.what, row.unit, row.by_hand, row.goal, {"ms": 1e3}.get(row.unit, 1.0))
        if rounds is None:
            yield _row(row.what, row.by_hand, "", "", "", measure.at_most, "not run: see the note below")
        else:
            yield _result(measure, dict(zip(("siperb", "by hand"), rounds, strict=True)))


def _result(measure: Measure, by: Mapping[str, Sequence[float]]) -> str:
    ours, by_hand = by["siperb"], by["by hand"]
    shown = (f"{measure.shown(costs)} {measure.unit}" for costs in (by_hand, ours))
    return _row(
        measure.what,
        measure.by_hand,
        *shown,
        measure.ratio(ours, by_hand),
        measure.at_most,
        verdict(by, is_throughput=measure.is_throughput),
    )


def layers(title: str, unit: str, counts: Mapping[str, float]) -> Iterator[str]:
    yield _row(title, f"{unit} instructions so far", "of this layer")
    yield _row("---", "---:", "---:")
    before = 0.0
    for name, count in counts.items():
        is_apart = name.endswith("by hand")
        yield _row(name, f"{count:,.0f}", "" if is_apart else f"{count - before:,.0f}")
        before = count


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text() if cpuinfo.exists() else "")
    versions = ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS)
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} × "
        f"{model[1] if model else 'an unknown CPU'}; siperb {version('siperb')}, {versions}."
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


# The page.


def fill_page(lines: Iterable[str], figures: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Write the chart, and the tables in the place that the page has for this Python."""
    begin, end = f"<!-- benchmark {PYTHON} -->", f"<!-- end of {PYTHON} -->"
    before, found, rest = PAGE.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise SystemExit(f"{PAGE} has no place for Python {PYTHON}: write {begin} and {end} into it.")
    (PAGE.parent / CHART).write_text(chart(figures))
    picture = f"![Bars: what a first credential and warm calls cost, of siperb and its peers]({CHART})"
    PAGE.write_text("\n".join([f"{before}{begin}", "", picture, "", *lines, "", f"{end}{after}"]))


# The chart: an SVG that follows the reader's colours.

WIDTH, BAR, GAP, LABEL = 720, 18, 6, 90
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 }
.back { fill: #ffffff } .bar { fill: #aab4c0 } .ours { fill: #3257d6 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .back { fill: #14181f } .bar { fill: #56616e } .ours { fill: #7a9bff }
}
"""


def chart(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Four groups of bars, two beside two."""
    shown = [what for what in (FIRST, PEAK, ONE, MANY) if what in figures]
    height = 40 + len(figures[FIRST]) * (BAR + GAP)
    ordered = {what: {name: figures[what][name] for name in figures[FIRST] if name in figures[what]} for what in shown}
    parts = [part for place, what in enumerate(shown) for part in _bars(place, height, what, ordered[what])]
    size = f'viewBox="0 0 {WIDTH} {2 * height}" width="{WIDTH}" height="{2 * height}"'
    back = '<rect class="back" width="100%" height="100%" rx="6"/>'
    title = f"<title>siperb and its peers, Python {PYTHON}</title>"
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', title, f"<style>{STYLE}</style>", back]
    return "\n".join([*lines, *parts, "</svg>", ""])


def _bars(place: int, height: int, what: str, by: Mapping[str, Sequence[float]]) -> Iterator[str]:
    measure = MEASURES[what]
    left, top = 12 + place % 2 * WIDTH // 2, 24 + place // 2 * height
    better = "more is better" if measure.is_throughput else "less is better"
    yield f'<text class="title" x="{left}" y="{top}">{escape(what)} ({escape(measure.unit)}, {better})</text>'
    values = {name: 1 / median(costs) if measure.is_throughput else median(costs) for name, costs in by.items()}
    widest = WIDTH // 2 - LABEL - 80
    for line, (name, value) in enumerate(values.items()):
        y = top + 10 + line * (BAR + GAP)
        width = max(1, round(widest * value / max(values.values())))
        kind = "ours" if name == "siperb" else "bar"
        shown = number(value if measure.is_throughput else value * measure.scale)
        yield f'<text x="{left}" y="{y + 14}">{escape(name)}</text>'
        yield f'<rect class="{kind}" x="{left + LABEL}" y="{y}" width="{width}" height="{BAR}" rx="2"/>'
        yield f'<text x="{left + LABEL + width + 6}" y="{y + 14}">{shown}</text>'
