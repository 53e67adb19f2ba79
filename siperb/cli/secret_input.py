"""Reading a secret: typed without echo, or piped in. It is never an argument, which `ps` and a history would show."""

from __future__ import annotations

import getpass
import sys
import warnings

from siperb.cli.failures import CREDENTIALS, CommandError
from siperb.cli.terminal import is_terminal


def read_secret(prompt: str, *, piped: bool = False) -> str:
    """One line, without spaces around it; `CommandError` when there is nothing.

    piped: take it from stdin, which is also done where stdin is no terminal.
    """
    secret = (_piped() if piped or not is_terminal(sys.stdin) else _typed(prompt)).strip()
    if not secret:
        raise CommandError("Nothing was entered: type or paste it at the prompt, or pipe it in.", CREDENTIALS)
    return secret


def _piped() -> str:
    try:
        return sys.stdin.readline() if sys.stdin else ""
    except UnicodeDecodeError:
        pass
    raise CommandError("What was piped in is no text in UTF-8: save it as plain UTF-8.", CREDENTIALS)


def _typed(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt, stream=sys.stderr)
        except getpass.GetPassWarning:
            pass
        except EOFError:
            return ""
    raise CommandError("This terminal would show what is typed: pipe it in, or use another terminal.")
