"""The output: data on stdout, talk on stderr; tables, questions, secrets typed in. Text of others is made printable."""

from __future__ import annotations

import contextlib
import getpass
import json
import math
import os
import re
import shutil
import sys
import threading
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TextIO, cast

from siperb.cli.failures import CREDENTIALS, USAGE, CommandError, as_document, exit_code_of, sentence
from siperb.cli.options import Options

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
# Controls, marks of direction, and letters that nobody sees.
_UNSEEN = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BREAKS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")  # they would end a cell or a line of a table in a pipe
lock = threading.RLock()
_drawn = 0  # columns of the status line


def is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def columns() -> int:
    return shutil.get_terminal_size().columns


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


def warn(text: str) -> None:
    say(text, mark="siperb: warning: ", style="yellow")


def json_text(document: Any, *, is_line: bool = False, on_screen: bool | None = None) -> str:
    """JSON and a line break. A terminal in UTF-8 shows letters as they are; everything else gets ASCII.

    Infinity and NaN become null, as JavaScript writes them: JSON has neither.
    """
    on_screen = is_terminal(sys.stdout) if on_screen is None else on_screen
    is_utf8 = on_screen and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    options: dict[str, Any] = {"indent": None if is_line else 2, "ensure_ascii": not is_utf8, "allow_nan": False}
    try:
        text = json.dumps(document, **options)
    except ValueError:
        text = json.dumps(_finite(document), **options)
    return "\n".join(map(printable, text.split("\n")) if on_screen else (text,)) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in cast(Mapping[str, Any], value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in cast(list[Any], value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def printable(text: str) -> str:
    """The text with each letter that moves the cursor, turns the line or is not seen as its number: ``<U+200B>``."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def width_of(text: str) -> int:
    """Columns on the screen, colours not counted."""
    return sum(map(_width_of_letter, re.sub(r"\x1b\[[0-9]*m", "", text)))


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


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows: in columns that fit a terminal, below a header; in a pipe whole, with tabs, without a header.

    Without a header nothing is shortened: the rows are names and values.
    """
    if not is_terminal(sys.stdout):
        write("".join("\t".join(_BREAKS.sub("\ufffd", cell) for cell in row) + "\n" for row in rows))
        return
    room = columns() if header else sys.maxsize
    cells = [[shortened(printable(cell), room) for cell in row] for row in ([header] if header else []) + [*rows]]
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    while sum(widths) + 2 * len(widths) - 2 > room and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    for number, row in enumerate(cells):
        fitted = ((shortened(text, width), width) for text, width in zip(row, widths, strict=True))
        line = "  ".join(text + " " * (width - width_of(text)) for text, width in fitted).rstrip()
        write(f"{paint(line, 'bold') if header and not number else line}\n")


def can_ask(options: Options, question: str) -> bool:
    """False with --yes; `CommandError` without it where there is nobody to ask."""
    if not options.yes and not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise CommandError(f"{question} Nobody can be asked here: give --yes.", USAGE)
    return not options.yes


def ask(question: str) -> None:
    """Ask at the terminal, on stderr: stdout may be a pipe. `CommandError` unless the answer is yes."""
    try:
        write(f"{printable(question)} [y/N] ", sys.stderr)
        is_agreed = sys.stdin.readline().strip().casefold() in ("y", "yes")
    except KeyboardInterrupt:
        say("")
        raise
    if not is_agreed:
        raise CommandError("Nothing was done.")


def read_secret(prompt: str) -> str:
    """Return what is typed without echo, or the first line of what is piped in. `CommandError` when there is none."""
    from siperb.cli.session import LARGEST_PAT_FILE, decode_secret

    try:
        data = b"" if is_terminal(sys.stdin) or not sys.stdin else sys.stdin.buffer.read(LARGEST_PAT_FILE)
        text = _typed(prompt) if is_terminal(sys.stdin) else decode_secret(data)
    except UnicodeDecodeError:
        raise CommandError("The input is not text in UTF-8 or UTF-16: save it as plain text.", CREDENTIALS) from None
    if not text.strip():
        raise CommandError("Nothing was entered: paste it at the prompt, or pipe it in.", CREDENTIALS)
    return text.strip().splitlines()[0].strip()


def _typed(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt, stream=sys.stderr)
        except getpass.GetPassWarning:
            raise CommandError("This terminal would show what is typed: pipe it in.") from None
        except EOFError:
            return ""
        except KeyboardInterrupt:
            say("")
            raise


def report(error: BaseException, *, as_json: bool) -> None:
    with contextlib.suppress(OSError):  # the terminal may be what has gone
        if as_json:
            write(json_text({**as_document(error), "exit_code": exit_code_of(error)}, is_line=True), sys.stderr)
        else:
            say(sentence(error), mark="siperb: ", style="red")
