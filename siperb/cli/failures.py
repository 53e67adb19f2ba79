"""Failures: one sentence (or one line of JSON) on stderr, and an exit code."""

from __future__ import annotations

import sys

from siperb import errors
from siperb.errors import APIError, APIStatusError

ERROR, USAGE, CREDENTIALS = 1, 2, 4


class CommandError(Exception):
    """A command cannot do its work. The text says what to do instead."""

    def __init__(self, message: str, exit_code: int = ERROR) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Interrupted(KeyboardInterrupt):
    """A signal ends the command. detail: how far the command came."""

    def __init__(self, number: int, detail: str = "") -> None:
        super().__init__(number)
        self.exit_code, self.detail = 128 + number, detail


def is_expected(error: BaseException) -> bool:
    expected = (errors.SiperbError, CommandError, KeyboardInterrupt, OSError, UnicodeEncodeError, RecursionError)
    return isinstance(error, expected)


def exit_code_of(error: BaseException) -> int:
    if isinstance(error, (CommandError, Interrupted)):
        return error.exit_code
    if isinstance(error, (errors.MissingCredentialsError, errors.AuthenticationError)):
        return CREDENTIALS
    return (
        USAGE
        if isinstance(error, errors.ConfigurationError)
        else 130
        if isinstance(error, KeyboardInterrupt)
        else ERROR
    )


def sentence(error: BaseException) -> str:
    """The text to tell. Its letters may still be unprintable."""
    if isinstance(error, KeyboardInterrupt):
        return f"Interrupted{error.detail if isinstance(error, Interrupted) else ''}."
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
