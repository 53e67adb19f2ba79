"""A bar on stderr for what takes long; nothing where stderr is no terminal."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType

from siperb.cli.terminal import Paint, is_terminal

WIDTH = 30  # columns of the bar itself
INTERVAL = 0.1  # seconds between two drawings


class Bar:
    """``with Bar("Provisioning") as bar``: ``bar(done, total)`` draws it, the end of the block wipes it out.

    It is an ``on_progress`` of `siperb.Siperb.provision_all`. total None: nobody knows. quiet: draw nothing.
    """

    def __init__(self, label: str, *, quiet: bool = False) -> None:
        self._label = label
        self._on = is_terminal(sys.stderr) and not quiet
        self._paint = Paint(sys.stderr)
        self._drawn_at = float("-inf")

    def __call__(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if self._on and (done == total or now - self._drawn_at >= INTERVAL):
            self._drawn_at = now
            full = WIDTH * done // total if total else 0
            bar = self._paint("━" * full, "green") + self._paint("─" * (WIDTH - full), "dim")
            count = f"{done}/{total}" if total else str(done)
            room = max(0, shutil.get_terminal_size().columns - WIDTH - len(count) - 3)
            sys.stderr.write(f"\r\x1b[K{self._label[:room]} {bar} {count}")
            sys.stderr.flush()

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._on and self._drawn_at > float("-inf"):
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
