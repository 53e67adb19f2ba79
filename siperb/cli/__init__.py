"""The command line: ``siperb`` and ``python -m siperb``. Data goes to stdout, talk to stderr."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from siperb.cli.failures import KNOWN, exit_code_of
from siperb.cli.parser import Options, parse
from siperb.cli.secrets import ended_by_signals

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (None: the process's own) and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    options = Options(json="--json" in argv)
    try:
        with ended_by_signals():
            options = parse(argv)
            return _run(options)
    except SystemExit as stop:  # --help and --version end so
        return stop.code if isinstance(stop.code, int) else 1
    except BrokenPipeError:
        _discard_output()
        return 141
    except KNOWN as error:
        if isinstance(error, OSError):
            _discard_output()
        from siperb.cli.terminal import report

        report(error, as_json=options.json)
        return exit_code_of(error)


def _run(options: Options) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a screen may show "\u0141"; data must not be altered
            is_shown = stream is sys.stderr or (stream.isatty() and not options.reveal)
            stream.reconfigure(errors="backslashreplace" if is_shown else "strict")
    code: int = options.run(options) or 0
    if sys.stdout:
        sys.stdout.flush()
    return code


def _discard_output() -> None:
    """Drop the buffer that could not be written: before Python 3.11 its flush at the exit fails with code 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
