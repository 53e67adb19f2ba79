"""What goes out, to a screen or to a pipe: data on stdout, talk on stderr, the status line, the library's log.

A screen gets lines that are wrapped at words and, where it wants them, colours; a pipe gets neither.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TextIO

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ERASE_LINE = "\r\x1b[K"


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


def can_ask() -> bool:
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def is_agreed(question: str) -> bool:
    """Ask at the terminal, on stderr: stdout may be a pipe."""
    sys.stderr.write(printable(f"{question} [y/N] "))
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def columns(stream: TextIO | None) -> int | None:
    """The width of the stream's terminal; None where it is none."""
    if stream is None or not is_terminal(stream):
        return None
    said = os.environ.get("COLUMNS", "")
    try:
        width = int(said) if said.isascii() and said.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    return width or 80


def show(text: str, *, prefix: str = "") -> None:
    """A line of data, on stdout; on a terminal it is wrapped, and the further lines stand below the end of `prefix`."""
    write(wrapped(text, columns(sys.stdout), prefix=prefix) + "\n")


def write(text: str) -> None:
    """Data as it is, on stdout."""
    _write(sys.stdout, text)


def say(text: str, *, prefix: str = "") -> None:
    """A line of talk, on stderr, wrapped on a terminal as `show` does it."""
    _write(sys.stderr, wrapped(text, columns(sys.stderr), prefix=prefix) + "\n")


def warn(text: str) -> None:
    """Say what does not stop the command."""
    say(f"siperb: {Paint(sys.stderr)('warning:', 'yellow')} {printable(text)}")


def write_json(document: Any) -> None:
    """A JSON document as data, on stdout."""
    write(json_text(document, indent=2))


def json_text(document: Any, *, indent: int | None = None, on_screen: bool | None = None) -> str:
    """JSON and a newline. A UTF-8 terminal gets its letters; everything else gets ASCII, which every encoding has.

    on_screen: whether it is for a terminal; None: where stdout is one.
    """
    if on_screen is None:
        on_screen = is_terminal(sys.stdout)
    readable = on_screen and re.sub(r"[^a-z0-9]", "", (sys.stdout.encoding or "").lower()) == "utf8"
    lines = json.dumps(document, indent=indent, ensure_ascii=not readable).split("\n")
    return "\n".join(map(printable, lines) if on_screen else lines) + "\n"


def printable(text: str) -> str:
    """Text of somebody else's without what would move the cursor or reorder the line."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "�", text)


def width_of(text: str) -> int:
    """Columns on the screen, colours not counted."""
    text = re.sub(r"\x1b\[[0-9]*m", "", text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def wrapped(text: str, width: int | None, *, prefix: str = "") -> str:
    """`prefix` and the text, in lines of `width` columns that break between words; None: as it is, in one line."""
    if width is None or width_of(prefix + text) <= width:
        return prefix + text
    indent = " " * (width_of(prefix) if prefix else len(text) - len(text.lstrip(" ")))
    if len(indent) > width // 2:
        indent = "  "
    first, *words = text.split(" ")
    lines = [prefix + first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if width_of(longer) <= width or lines[-1].strip() == prefix.strip() == "":
            lines[-1] = longer
        else:
            lines.append(indent + word)
    return "\n".join(lines)


def shortened(text: str, width: int) -> str:
    """The text in so many columns, with "…" for what has no room."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) >= width:
        text = text[:-1]
    return f"{text}…"


class StatusLine:
    """The last line of the terminal on stderr: drawn over itself, and out of the way of whatever is written."""

    def __init__(self) -> None:
        self.lock: threading.RLock = threading.RLock()
        self._is_drawn = False

    def draw(self, text: str) -> None:
        with self.lock:
            sys.stderr.write(_ERASE_LINE + text)
            sys.stderr.flush()
            self._is_drawn = True

    def erase(self) -> None:
        with self.lock:
            if self._is_drawn:
                self._is_drawn = False
                sys.stderr.write(_ERASE_LINE)
                sys.stderr.flush()


status_line: StatusLine = StatusLine()


@contextmanager
def library_log(verbose: bool, *, wants_keyring: bool) -> Generator[None, None, None]:
    """What the library logs, on stderr: its warnings, or all that it tells.

    wants_keyring: whether to warn that nothing is cached; who did not ask for a cache is told what fails, if it does.
    """
    import logging

    from siperb.errors import CacheError

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], CacheError):
                text = f"Nothing is cached. {record.args[0]} Or leave --cache out."
            if wants_keyring or verbose or not text.startswith("Nothing is cached"):
                tell = warn if record.levelno >= logging.WARNING else say
                tell(printable(text))

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
        with status_line.lock:
            status_line.erase()
            stream.write(text)
            stream.flush()
