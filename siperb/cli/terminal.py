"""What a screen gets: colour where it is wanted, tables, text without control characters, the library's log."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Paint:
    """Colours text for a stream: only a terminal's, and only where NO_COLOR is not set (https://no-color.org)."""

    def __init__(self, stream: TextIO | None) -> None:
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        ansi = os.name != "nt" or "WT_SESSION" in os.environ or "TERM" in os.environ
        self._on = is_terminal(stream) and ansi and not plain

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._on and text else text


def is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def show(text: str) -> None:
    """A line of data, on stdout."""
    write(f"{text}\n")


def write(text: str) -> None:
    """Data as it is, on stdout."""
    _write(sys.stdout, text)


def say(text: str) -> None:
    """A line of talk, on stderr."""
    _write(sys.stderr, f"{text}\n")


def warn(text: str) -> None:
    """Say what does not stop the command."""
    say(f"siperb: {Paint(sys.stderr)('warning:', 'yellow')} {printable(text)}")


def write_json(document: Any) -> None:
    """Data, on stdout: ASCII, which every encoding has."""
    show(json.dumps(document, indent=2))


def printable(text: str) -> str:
    """Text of somebody else's without what would move the cursor or reorder the line."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "�", text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the columns side by side, the header first."""
    lines = [list(map(printable, row)) for row in (header, *rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


@contextmanager
def library_log(verbose: bool) -> Generator[None, None, None]:
    """What the library logs, on stderr: its warnings, or all that it tells."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell = warn if record.levelno >= logging.WARNING else say
            tell(printable(record.getMessage()))

    logger, handler, before = logging.getLogger("siperb"), Handler(), logging.getLogger("siperb").level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _write(stream: TextIO | None, text: str) -> None:
    if stream:  # there is none where the caller has closed it
        stream.write(text)
        stream.flush()


def _width(text: str) -> int:
    """Columns on the screen."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
