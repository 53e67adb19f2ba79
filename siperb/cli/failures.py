"""Failures: a sentence (or a line of JSON) on stderr, and an exit code; and names that fit nothing, or too much."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from siperb import errors
from siperb.errors import APIError, APIStatusError

T = TypeVar("T")
ERROR, USAGE, CREDENTIALS = 1, 2, 4


class CommandError(Exception):
    """A command cannot do its work. The text says what to do instead."""

    def __init__(self, message: str, exit_code: int = ERROR) -> None:
        super().__init__(message)
        self.exit_code: int = exit_code


class Interrupted(KeyboardInterrupt):
    """A signal ends the command. detail: how far the command came."""

    def __init__(self, number: int, detail: str = "") -> None:
        super().__init__(number)
        self.exit_code: int = 128 + number
        self.detail: str = detail


KNOWN = (errors.SiperbError, CommandError, Interrupted, OSError, UnicodeEncodeError, RecursionError)


def exit_code_of(error: BaseException) -> int:
    if isinstance(error, (CommandError, Interrupted)):
        return error.exit_code
    if isinstance(error, (errors.MissingCredentialsError, errors.AuthenticationError)):
        return CREDENTIALS
    return USAGE if isinstance(error, errors.ConfigurationError) else ERROR


def sentence(error: BaseException) -> str:
    """The text to tell. Its letters may still be unprintable."""
    if isinstance(error, Interrupted):
        return f"Interrupted{error.detail}."
    if isinstance(error, OSError):
        file = f"{error.filename}: " if isinstance(error.filename, str) else ""
        return f"{file}{error.strerror or type(error).__name__}."
    if isinstance(error, UnicodeEncodeError):
        letter = f"U+{ord(error.object[error.start]):04X}"
        return f"The output's encoding, {sys.stdout.encoding}, has no {letter}: use -o FILE or --json."
    if isinstance(error, RecursionError):
        return "The JSON is nested too deeply to be shown."
    text = str(error).replace("base_url", "address")
    text = text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")
    if isinstance(error, errors.CacheError):
        text += " Without a keyring, set SIPERB_PAT or SIPERB_PAT_FILE."
    if isinstance(error, APIError) and error.maybe_done:
        text += " The API may have done it: check before you try again."
    return text


def as_document(error: BaseException) -> dict[str, object]:
    said: dict[str, object] = {"error": type(error).__name__, "message": sentence(error)}
    if isinstance(error, APIStatusError):
        said |= {"status_code": error.status_code, "retry_after": error.retry_after, "request_id": error.request_id}
    if isinstance(error, APIError) and error.maybe_done:
        said["maybe_done"] = True
    return said


def did_you_mean(said: str, known: Iterable[str]) -> str:
    """`: did you mean …?` for what is nearly one of the known, else nothing."""
    import difflib

    names = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(said.casefold()[:100], names, 1, 0.7)
    return f": did you mean {names[near[0]]}?" if near else ""


def choose(
    kind: str,
    wanted: str,
    known: Sequence[tuple[T, str, Sequence[str | None]]],
    *,
    may_begin: bool = False,
    exit_code: int = ERROR,
) -> T:
    """The one of that name, or whose first name alone begins so. known: each with a text to show, and its names."""
    folded = wanted.strip().casefold()
    named = [(one, label, [(name or "").casefold() for name in names]) for one, label, names in known if folded]
    meant = [each for each in named if folded in each[2]]
    meant = meant or [each for each in named if may_begin and each[2][0].startswith(folded)]
    if len(meant) == 1:
        return meant[0][0]
    labels = [each[1] for each in meant or known]
    listed = ", ".join([*labels[:5], *(["…"] if len(labels) > 5 else [])])
    if meant:
        raise CommandError(f"More than one {kind} fits: {listed}. Give its number, its id, or more of it.", exit_code)
    near = did_you_mean(wanted, filter(None, (each[2][0] for each in known)))
    raise CommandError(f"There is no such {kind}" + (near or f"; there is {listed or 'none'}."), exit_code)
