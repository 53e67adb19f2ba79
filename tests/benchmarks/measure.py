"""Turns, medians, ratios and the machine's noise."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median, quantiles

from attrs import field, frozen


def take_turns(rounds: int, *runs: Callable[[], float]) -> list[list[float]]:
    """What each run returns in each round; who begins changes from round to round. One round before is not counted."""
    for run in runs:
        run()
    figures: list[list[float]] = [[] for _ in runs]
    for number in range(rounds):
        for turn in range(len(runs)):
            which = (number + turn) % len(runs)
            gc.collect()
            figures[which].append(runs[which]())
    return figures


@frozen
class Goal:
    limit: float
    at_least: bool = False

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:.2f}"


@frozen
class Figures:
    """Ours and the peer's, round by round, in seconds or bytes; as ratios, of the one or the other sense.

    inverse: the ratio is the peer's by ours: of throughputs, where seconds are measured. broken: promises of the row
    that did not hold. note: what else is to be known.
    """

    ours: list[float]
    peer: list[float]
    unit: str = "ms"
    inverse: bool = False
    broken: list[str] = field(factory=list)
    note: str = ""

    @property
    def ratio(self) -> float:
        """The median of the rounds' own: what slows down the machine for a while meets both sides of a round."""
        return median(self._ratios)

    @property
    def rounds(self) -> tuple[float, float]:
        """The quartiles of the rounds' own ratios."""
        return _quartiles(self._ratios)

    @property
    def noise(self) -> tuple[float, float]:
        """The quartiles of the peer against itself, one round against the next."""
        return _quartiles([first / second for first, second in zip(self.peer, self.peer[1:], strict=False)])

    @property
    def medians(self) -> str:
        scale, form = _UNITS[self.unit]
        return f"{median(self.ours) * scale:{form}} / {median(self.peer) * scale:{form}} {self.unit}"

    @property
    def _ratios(self) -> list[float]:
        pairs = zip(self.ours, self.peer, strict=True)
        return [peer / ours if self.inverse else ours / peer for ours, peer in pairs]


_UNITS = {
    "ms": (1e3, ".1f"),
    "µs": (1e6, ".3g"),
    "MB": (1e-6, ".1f"),
    "requests": (1, ".0f"),
    "million": (1e-6, ".1f"),
    "times": (1, ".2f"),
}


def _quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0] if values else 1.0, values[-1] if values else 1.0
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third
