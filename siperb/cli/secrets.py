"""Secrets: masked on a screen, and in files that are whole or not there at all, and never for others to read."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Generator, Iterable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO, cast

from siperb.cli.failures import USAGE, CommandError, Interrupted

if TYPE_CHECKING:
    from siperb.cli.parser import Options

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")  # signals; they remove the unfinished
_unfinished: set[str] = set()
MASKED = "Secrets are masked on a terminal. --reveal shows them; a pipe gets them."

# Anywhere in a name, its words joined ("X-Api-Key" is "xapikey"); and the last word of one.
_ANYWHERE = re.compile("passw|passphrase|passcode|jwt|token|secret|credential|apikey|privatekey|accesskey|cookie")
_LAST = {"auth", "authorization", "bearer", "ha1", "pass", "pin", "pwd", "sid", "signature"}
_SECRET_TEXT = re.compile(
    r"\bt[0-9a-f]{64}\b|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=siperb-sid: )\S+|(?<=siperb-sid=)[^\s&]+", re.IGNORECASE
)
_DATES = {"at", "on", "date", "time", "ts", "issued", "created", "updated", "changed", "used", "seen"}  # last words
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z|[+-]\d\d:?\d\d)?)?")


def mask(secret: str) -> str:
    """Four characters of either end of a long secret, which tell it from another; nothing of a short one."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 32 else "•••"


def is_secret_name(name: object) -> bool:
    words = _words(name)
    return bool(words) and (words[-1] in _LAST or bool(_ANYWHERE.search("".join(words))))


def _words(name: object) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*", str(name)[:200])]


def mask_all(document: Any, secrets: Iterable[str | None] = ()) -> Any:
    """Return a JSON document with these secrets masked wherever they stand, and every value that its name calls one."""
    known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def masked(value: Any, named: bool) -> Any:
        if isinstance(value, Mapping):
            value = cast(Mapping[str, Any], value)
            is_secret = any(is_secret_name(value.get(key)) for key in ("Key", "Name"))  # of a setting, or of a header
            return {
                name: masked(inner, _is_hidden(name, inner, named or (is_secret and name in ("Value", "Default"))))
                for name, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [masked(inner, named) for inner in cast(list[Any], value)]
        if isinstance(value, str) and value:
            hidden = _SECRET_TEXT.sub(lambda found: mask(found[0]), value)
            for secret in known:
                hidden = hidden.replace(secret, mask(secret))
            return mask(value) if named and hidden == value else hidden
        return "•••" if named and isinstance(value, (int, float)) and not isinstance(value, bool) else value

    return masked(document, False)


def _is_hidden(name: object, value: Any, named: bool) -> bool:
    """Whether the name calls it a secret. A date, and called one, is none: a password may look like a date."""
    words = _words(name)
    is_date = 1e9 <= value < 1e13 if isinstance(value, (int, float)) else bool(_DATE.fullmatch(str(value)))
    is_called_so = any(word in _DATES for word in words[-1:]) or any(word.startswith("exp") for word in words)
    return (named or is_secret_name(name)) and not (is_date and is_called_so)


def checked(options: Options) -> str | None:
    """The file of -o, before anything is sent; None for stdout. A symbolic link is refused: others may have made it."""
    name: str | None = options.output
    if name is None or name == "-":
        return None
    if os.path.islink(name) or (os.path.exists(name) and not os.path.isfile(name)):
        raise CommandError(f"{name} is a symbolic link or no regular file: name another, or leave -o out and redirect.")
    if not name or not os.path.isdir(os.path.dirname(name) or "."):
        raise CommandError("-o needs the name of a file, in a directory that is there.", USAGE)
    return name


@contextlib.contextmanager
def opened(name: str | None) -> Generator[TextIO, None, None]:
    """A file in UTF-8 with mode 0600, which takes its place when the block ends well; stdout for None."""
    if name is None:
        yield sys.stdout
        return
    new = os.path.join(os.path.dirname(name), f".siperb-{os.urandom(8).hex()}")
    _unfinished.add(new)
    try:
        with open(new, "x", encoding="utf-8", newline="\n", opener=lambda n, flags: os.open(n, flags, 0o600)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, name)
    except Interrupted as interrupted:
        interrupted.detail += f": nothing was written to {name}"
        raise
    finally:
        _remove(new)
        _unfinished.discard(new)


def _remove(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


def _end(number: int, frame: FrameType | None) -> None:
    """Remove the files here: a second signal may cut short whatever the first one has begun to unwind."""
    for name in tuple(_unfinished):
        _remove(name)
    raise Interrupted(number)


@contextlib.contextmanager
def ended_by_signals() -> Generator[None, None, None]:
    """Have the signals that end a program raise `Interrupted`. Ignored ones stay ignored, as with `nohup`."""
    known = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    mine = [number for number in known if before[number] in (signal.SIG_DFL, signal.default_int_handler)]
    try:
        for number in mine:
            signal.signal(number, _end)
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])
