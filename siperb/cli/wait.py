"""Waits: a command says on the last line of a terminal what it waits for. Nothing where stderr is no terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TypeVar

from siperb.cli.failures import Interrupted
from siperb.cli.terminal import columns, draw, is_terminal, lock, paint, shortened

PATIENCE = 1.0  # seconds in which nobody asks what is going on
INTERVAL = 0.1  # seconds between two drawings
SPINNERS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
WIDTH = 30  # columns of a bar, at most

W = TypeVar("W", bound="Wait")
_waits: list[Wait] = []  # those that go on; the last one is shown


class Wait:
    """``with Wait("Waiting for the keyring"):`` says so once it has taken a second.

    seconds: how long it takes, if that is known. It is shown at once, and counted down.
    """

    patience = PATIENCE

    def __init__(self, text: str, seconds: float | None = None) -> None:
        self._text, self._seconds, self._began = text, seconds, time.monotonic()
        self._ended = threading.Event()

    def line(self, seconds: float) -> str:
        """The text to show after so many seconds."""
        letters = SPINNERS[not (sys.stderr.encoding or "").lower().startswith("utf")]
        left = "" if self._seconds is None else f": {max(1, round(self._seconds - seconds))} s left"
        return shortened(f"{letters[int(seconds / INTERVAL) % len(letters)]} {self._text}{left}", columns() - 1)

    def __enter__(self: W) -> W:
        if is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb":
            _waits.append(self)
            threading.Thread(target=self._draw, name="siperb-wait", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self in _waits:
            _waits.remove(self)
            draw("")

    def _draw(self) -> None:
        pause = 0.0 if (self._seconds or 0) >= PATIENCE else self.patience
        while not self._ended.wait(pause):
            with lock:
                if not self._ended.is_set() and _waits[-1:] == [self]:
                    draw(self.line(time.monotonic() - self._began))
            pause = INTERVAL


class Bar(Wait):
    """An ``on_progress`` of the client's bulk calls: how far they are.

    failed: how many of those done; the caller counts. held_until: when a pause ends that the API asked for.
    """

    patience = INTERVAL

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self._done, self._total, self.failed, self.held_until = 0, 0, 0, 0.0

    def __call__(self, done: int, total: int | None) -> None:
        self._done, self._total = done, total or 0

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        if isinstance(raised[1], Interrupted):
            raised[1].detail = f" after {self._done}{f' of {self._total}' if self._total else ''}"

    def line(self, seconds: float) -> str:
        rate, held = self._done / max(seconds, INTERVAL), self.held_until - time.monotonic()
        text = f"{self._done}{f'/{self._total}' if self._total else ''}, {self.failed} failed"
        if held > 0:
            text += f", the API asked to wait: {max(1, round(held))} s left"
        elif self._done:
            left = f", {(self._total - self._done) / rate:.0f} s left" if self._total else ""
            text += f", {rate:.{1 if rate < 10 else 0}f}/s{left}"
        room = min(WIDTH, columns() - len(self._text) - len(text) - 3)
        if not self._total or room < 5:
            return shortened(f"{self._text} {text}", columns() - 1)
        full = room * self._done // self._total
        return f"{self._text} {paint('━' * full, 'green', sys.stderr)}{'─' * (room - full)} {text}"
