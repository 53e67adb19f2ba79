"""What goes wrong, as one sentence (or one line of JSON) on stderr and an exit code."""

from __future__ import annotations

import json
import sys

from siperb.cli.terminal import Paint, printable, say
from siperb.cli.wording import in_words_of_commands
from siperb.errors import (
    APIError,
    APIStatusError,
    AuthenticationError,
    CacheError,
    ConfigurationError,
    CredentialsUnavailableError,
    MissingCredentialsError,
)

ERROR, USAGE, CREDENTIALS = 1, 2, 4

EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (MissingCredentialsError, CREDENTIALS),
    (AuthenticationError, CREDENTIALS),
    (ConfigurationError, USAGE),
)


class CommandError(Exception):
    """A command cannot do what it was asked; the text says what to do instead."""

    def __init__(self, message: str, exit_code: int = ERROR) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Interrupted(KeyboardInterrupt):
    """A signal ends the command, as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_code_of(error: Exception) -> int:
    if isinstance(error, CommandError):
        return error.exit_code
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), ERROR)


def sentence(error: Exception) -> str:
    """What to tell about an error: that of the system's is without its number, with its file."""
    if isinstance(error, OSError):
        file = f"{error.filename}: " if isinstance(error.filename, str) else ""
        text = f"{file}{error.strerror or type(error).__name__}"
    else:
        text = str(error)
    if isinstance(error, (CacheError, CredentialsUnavailableError, MissingCredentialsError)):
        text = in_words_of_commands(text)
        text = text[:1].upper() + text[1:]
    if not text.endswith("."):
        text += "."
    if isinstance(error, APIError) and error.maybe_done:
        text += " It may have been done all the same: look before you try again."
    return printable(text)


def as_document(error: Exception) -> dict[str, object]:
    """An error as JSON has it."""
    said: dict[str, object] = {"error": type(error).__name__, "message": sentence(error)}
    if isinstance(error, APIStatusError):
        said |= {"status_code": error.status_code, "retry_after": error.retry_after, "request_id": error.request_id}
    if isinstance(error, APIError) and error.maybe_done:
        said["maybe_done"] = True
    return said


def report(error: Exception, *, as_json: bool = False) -> int:
    """Tell stderr about an error; the exit code."""
    code = exit_code_of(error)
    if as_json:
        say(json.dumps({**as_document(error), "exit_code": code}))
    else:
        say(f"{Paint(sys.stderr)('siperb:', 'red')} {sentence(error)}")
    return code
