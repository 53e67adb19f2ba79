"""Turns, and what their figures say: medians, spread, ratios, who is ahead."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles

from attrs import frozen


def take_turns(rounds: int, *runs: Callable[[], float]) -> list[list[float]]:
    """The figures of each run; another one begins each round. One round before is not counted."""
    figures: list[list[float]] = [[] for _ in runs]
    for number in range(-1, rounds):
        for turn in range(len(runs)):
            which = (number + turn) % len(runs)
            gc.collect()
            figure = runs[which]()
            if number >= 0:
                figures[which].append(figure)
    return figures


def ratio(ours: Sequence[float], other: Sequence[float]) -> float:
    """The median of the rounds' own: a machine that is slow for a while meets both sides of a round."""
    return median(mine / theirs for mine, theirs in zip(ours, other, strict=True))


@frozen
class Measure:
    """A column of the table of peers. scale: from what is measured to the unit. goal: against the code by hand.

    What is measured is a cost; of throughput it is the seconds of a call, and shown is its inverse.
    """

    what: str
    unit: str
    by_hand: str
    goal: float | None = None
    scale: float = 1.0
    is_throughput: bool = False

    @property
    def at_most(self) -> str:
        if self.goal is None:
            return ""
        return f"≥ {1 / self.goal:.2f}" if self.is_throughput else f"≤ {self.goal:.2f}"

    def shown(self, costs: Sequence[float]) -> str:
        """The median with the quartiles."""
        values = sorted(1 / cost if self.is_throughput else cost * self.scale for cost in costs)
        text = number(median(values))
        if len(values) < 3:
            return text
        first, _, third = quantiles(values, n=4, method="inclusive")
        return f"{text} ({number(first)}–{number(third)})"

    def ratio(self, ours: Sequence[float], other: Sequence[float]) -> str:
        cost = ratio(ours, other)
        return f"{1 / cost if self.is_throughput else cost:.2f}"


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(figures: Mapping[str, Sequence[float]], *, is_throughput: bool = False) -> str:
    """Who is ahead: of the code by hand, and of the other SDKs. A loss names the winner, and by how much."""
    ours = figures["siperb"]
    more = {name: ratio(ours, costs) for name, costs in figures.items() if name != "siperb"}
    ahead = {name: cost for name, cost in more.items() if cost > 1.005}
    level = [name for name, cost in more.items() if 0.995 <= cost <= 1.005]
    behind = {name: 1 / cost for name, cost in more.items() if cost < 0.995}
    sentences = [
        f"lost to {_named(name)} by {_percent(1 - 1 / cost if is_throughput else cost - 1)}"
        for name, cost in ahead.items()
    ]
    sentences += [f"level with {_named(name)}" for name in level]
    if "by hand" in behind:
        sentences.append(f"ahead of the code by hand by {_percent(behind.pop('by hand') - 1)}")
    if behind:
        whom = "the other SDKs" if {*ahead, *level} - {"by hand"} else "every SDK"
        nearest = min(behind, key=lambda name: behind[name])
        sentences.append(f"ahead of {whom} (of {nearest}, the nearest, by {_percent(behind[nearest] - 1)})")
    return "; ".join(sentences)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _named(name: str) -> str:
    return "the code by hand" if name == "by hand" else name
