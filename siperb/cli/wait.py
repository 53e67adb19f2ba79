"""What a command waits for, on the last line of a terminal on stderr; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from siperb.cli.terminal import Paint, columns, is_terminal, shortened, status_line, width_of

PATIENCE = 1.0  # seconds in which nobody asks what is going on
INTERVAL = 0.1  # seconds between two drawings
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PLAIN_SPINNER = "|/-\\"
WIDTH = 30  # columns of a bar, at most

_waits: list[Wait] = []  # those that go on; the last one is shown


class Wait:
    """``with Wait("Waiting for the keyring"):`` says it, with a spinner, once it has taken a second.

    text: what for; or what says it, called for each drawing. seconds: how long it takes, if that is known: it is shown
    at once, and counted down. Waits may be within others: the inner one is shown.
    """

    def __init__(self, text: str | Callable[[], str], *, seconds: float | None = None) -> None:
        self._text = text
        self._began = time.monotonic()
        self._ends = None if seconds is None else self._began + seconds
        self._patience = 0.0 if seconds and seconds >= PATIENCE else PATIENCE
        self._ended = threading.Event()

    def line(self) -> str:
        now = time.monotonic()
        letters = SPINNER if (sys.stderr.encoding or "").lower().startswith("utf") else PLAIN_SPINNER
        turned = letters[int((now - self._began) / INTERVAL) % len(letters)]
        text = self._text if isinstance(self._text, str) else self._text()
        time_left = "" if self._ends is None else f": {max(1, round(self._ends - now))} s left"
        return f"{turned} {text}{time_left}"

    def __enter__(self) -> Wait:
        self._began = time.monotonic()
        if is_terminal(sys.stderr):
            _waits.append(self)
            threading.Thread(target=self._draw, name="siperb-wait", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        if self in _waits:
            _waits.remove(self)
            status_line.erase()

    def _draw(self) -> None:
        pause = self._patience
        while not self._ended.wait(pause):
            with status_line.lock:
                if not self._ended.is_set() and _waits[-1:] == [self]:
                    status_line.draw(shortened(self.line(), (columns(sys.stderr) or 80) - 1))
            pause = INTERVAL


class Bar(Wait):
    """``with Bar("Provisioning") as bar``: ``bar(done, total)`` says how far it is; the end of the block wipes it out.

    It is an ``on_progress`` of the client's bulk calls. total None: nobody knows. failed: how many of those done, to be
    counted by the caller. held_until: when a pause ends that the API asked for, by `time.monotonic`.
    """

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self._label = label
        self._patience = INTERVAL
        self._done: int = 0
        self._total: int | None = None
        self.failed: int = 0
        self.held_until: float = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        self._done, self._total = done, total

    def __enter__(self) -> Bar:
        super().__enter__()
        return self

    def line(self) -> str:
        now = time.monotonic()
        rate = self._done / max(now - self._began, INTERVAL)
        facts = [f"{self._done}/{self._total}" if self._total else str(self._done), f"{self.failed} failed"]
        if self.held_until > now:
            facts.append(f"the API asked to wait: {max(1, round(self.held_until - now))} s left")
        elif self._done:
            facts.append(f"{rate:.1f}/s" if rate < 10 else f"{rate:.0f}/s")
            if self._total:
                facts.append(f"{(self._total - self._done) / rate:.0f} s left")
        text = ", ".join(facts)
        room = min(WIDTH, (columns(sys.stderr) or 80) - len(self._label) - width_of(text) - 3)
        if not self._total or room < 5:
            return f"{self._label} {text}"
        full = room * self._done // self._total
        paint = Paint(sys.stderr)
        return f"{self._label} {paint('━' * full, 'green')}{paint('─' * (room - full), 'dim')} {text}"
