"""The output: data on stdout, talk on stderr; tables, questions, secrets typed in. Text of others is made printable."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import shutil
import sys
import threading
import time
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from siperb.cli.failures import CREDENTIALS, USAGE, CommandError, Interrupted, as_document, exit_code_of, sentence
from siperb.cli.parser import Options
from siperb.cli.secrets import MASKED, mask_all

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
# Controls, marks of direction, and letters that nobody sees.
_UNSEEN = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BREAKS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")  # they would end a cell or a line of a table in a pipe
lock: contextlib.AbstractContextManager[bool] = threading.RLock()
_drawn = 0  # columns of the status line
WARNING: dict[str, Any] = {"mark": "siperb: warning: ", "style": "yellow"}


def is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def paint(text: str, style: str, stream: TextIO | None = None) -> str:
    """Colour for a terminal that wants it (https://no-color.org)."""
    is_plain = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
    is_plain = is_plain or (os.name == "nt" and "WT_SESSION" not in os.environ)
    is_on = text and style and not is_plain and is_terminal(stream or sys.stdout)
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if is_on else text


def draw(text: str) -> None:
    """Draw the status line, the last line on stderr, over itself. "" erases it."""
    global _drawn
    with lock:
        if text or _drawn:
            width = width_of(text)
            sys.stderr.write(f"\r{text}{' ' * (_drawn - width)}" + ("" if text else "\r"))
            sys.stderr.flush()
            _drawn = width


def write(text: str, stream: TextIO | None = None) -> None:
    """Write data as it is, on stdout."""
    if stream := stream or sys.stdout:  # there is none where the caller has closed it
        with lock:
            draw("")
            stream.write(text)
            stream.flush()


def say(text: str, *, mark: str = "", style: str = "", stream: TextIO | None = None) -> None:
    """Write a line of talk, on stderr. It is not wrapped: what stands in it can be copied."""
    if stream := stream or sys.stderr:
        write(f"{paint(mark, style, stream)}{printable(text)}\n", stream)


def json_text(document: Any, *, is_line: bool = False, on_screen: bool | None = None) -> str:
    """JSON and a line break. A terminal in UTF-8 shows letters as they are; everything else gets ASCII."""
    on_screen = is_terminal(sys.stdout) if on_screen is None else on_screen
    is_utf8 = on_screen and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    options: dict[str, Any] = {"indent": None if is_line else 2, "ensure_ascii": not is_utf8, "allow_nan": False}
    try:
        text = json.dumps(document, **options)
    except ValueError:  # Infinity and NaN become null, as in JavaScript: JSON has neither
        finite = json.loads(json.dumps(document), parse_constant=lambda _: None)
        text = json.dumps(finite, **options)
    return "\n".join(map(printable, text.split("\n")) if on_screen else (text,)) + "\n"


def printable(text: str) -> str:
    """The text with each letter that moves the cursor, turns the line or is not seen as its number: ``<U+200B>``."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def width_of(text: str) -> int:
    """Columns on the screen."""
    return sum(map(_width_of_letter, text))


def _width_of_letter(letter: str) -> int:
    if letter.isascii():
        return 1
    return 0 if unicodedata.category(letter) in ("Mn", "Me") else 1 + (unicodedata.east_asian_width(letter) in "WF")


def shortened(text: str, width: int) -> str:
    """The text in so many columns, with "…" for what has no room. It looks at no more of a long text than it shows."""
    seen = fits = 0
    for number, letter in enumerate(text, 1):
        seen += _width_of_letter(letter)
        if seen > width or number > 20 * width:
            return f"{text[:fits]}…"
        fits = number if seen < width else fits
    return text


def show_list(rows: Sequence[Mapping[str, object]], header: Mapping[str, str], empty: str, *, as_json: bool) -> None:
    """Rows as JSON or as a table. header: the columns of the table. empty: what to say when there is no row."""
    if as_json:
        write(json_text(rows))
    elif rows:
        show_table([*header.values()], [[str(row[name] or "") for name in header] for row in rows])
    else:
        say(empty)


def show_masked(document: Any, options: Options, *, as_lines: bool = False) -> None:
    """Write JSON. A terminal gets its secrets masked, without --reveal."""
    shown = mask_all(document) if is_terminal(sys.stdout) and not options.reveal else document
    write("".join(json_text(one, is_line=True) for one in shown) if as_lines else json_text(shown))
    if shown != document:
        say(MASKED)


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """In columns that fit a terminal, or, without a header, are whole; in a pipe whole, with tabs, without a header."""
    if not is_terminal(sys.stdout):
        write("".join("\t".join(_BREAKS.sub("\ufffd", cell) for cell in row) + "\n" for row in rows))
        return
    room = shutil.get_terminal_size().columns if header else sys.maxsize
    cells = [[shortened(printable(cell), room) for cell in row] for row in ([header] if header else []) + [*rows]]
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    while sum(widths) + 2 * len(widths) - 2 > room and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    for number, row in enumerate(cells):
        fitted = ((shortened(text, width), width) for text, width in zip(row, widths, strict=True))
        line = "  ".join(text + " " * (width - width_of(text)) for text, width in fitted).rstrip()
        write(f"{paint(line, 'bold') if header and not number else line}\n")


class Bar:
    """An ``on_progress`` of the client's bulk calls: how far they are, on the last line of a terminal."""

    failed: int = 0  # of those done; the caller counts

    def __init__(self, text: str) -> None:
        self._text, self._began, self._done, self._total = text, time.monotonic(), 0, 0
        self._next = self._began + 1  # a short run draws nothing

    def __call__(self, done: int, total: int | None) -> None:
        self._done, self._total, now = done, total or 0, time.monotonic()
        if now > self._next and is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb":
            self._next = now + 0.2
            draw(shortened(self.line(now - self._began), shutil.get_terminal_size().columns - 1))

    def line(self, seconds: float) -> str:
        left = seconds / max(self._done, 1) * (self._total - self._done)
        text = f"{self._text} {self._done}{f'/{self._total}' if self._total else ''}, {self.failed} failed"
        return f"{text}, {max(1, round(left))} s left" if self._done and self._total else text

    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: object) -> None:
        draw("")
        if isinstance(raised[1], Interrupted):
            raised[1].detail = f" after {self._done}{f' of {self._total}' if self._total else ''}"


def ask(question: str, options: Options) -> None:
    """Ask at the terminal, on stderr: stdout may be a pipe. `CommandError` unless the answer, or --yes, is yes."""
    if options.yes:
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise CommandError(f"{question} Nobody can be asked here: give --yes.", USAGE)
    write(f"{printable(question)} [y/N] ", sys.stderr)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise CommandError("Nothing was done.")


def read_secret(prompt: str) -> str:
    """Return what is typed without echo, or the first line of what is piped in. `CommandError` when there is none."""
    from siperb.cli.session import LARGEST_PAT_FILE, decode_secret

    text = ""
    try:
        if is_terminal(sys.stdin):
            with warnings.catch_warnings(), contextlib.suppress(EOFError):
                warnings.simplefilter("error", getpass.GetPassWarning)
                text = getpass.getpass(prompt, stream=sys.stderr)
        elif sys.stdin:
            text = decode_secret(sys.stdin.buffer.read(LARGEST_PAT_FILE))
    except getpass.GetPassWarning:
        raise CommandError("This terminal would show what is typed: pipe it in.") from None
    except UnicodeDecodeError:
        raise CommandError("The input is not text in UTF-8 or UTF-16: save it as plain text.", CREDENTIALS) from None
    if not text.strip():
        raise CommandError("Nothing was entered: paste it at the prompt, or pipe it in.", CREDENTIALS)
    return text.strip().splitlines()[0].strip()


def report(error: BaseException, *, as_json: bool) -> None:
    with contextlib.suppress(OSError):  # the terminal may be what has gone
        if isinstance(error, Interrupted) and is_terminal(sys.stderr):
            write("\n", sys.stderr)  # the line has a prompt, or ^C
        if as_json:
            write(json_text({**as_document(error), "exit_code": exit_code_of(error)}, is_line=True), sys.stderr)
        else:
            say(sentence(error), mark="siperb: ", style="red")
