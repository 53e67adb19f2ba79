"""The command line: ``siperb`` and ``python -m siperb``. Data goes to stdout, talk to stderr.

Exit codes: 0 ok, 1 error, 2 usage, 4 credentials needed, 130 interrupted, 141 nobody reads the output, 128 and the
number of another signal that ended it.
No command loads more than it needs: ``siperb --help`` loads neither requests nor aiohttp nor keyring.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from siperb.cli import (
    account,
    api,
    completion,
    demo,
    devices,
    doctor,
    fleet,
    logs,
    pats,
    provision,
    serve,
    status,
    users,
)
from siperb.cli.failures import CommandError, Interrupted, report
from siperb.cli.parser import Parser, parse
from siperb.cli.terminal import library_log
from siperb.errors import SiperbError

__all__ = ["main"]

GROUPS = (demo, serve, account, status, devices, provision, users, fleet, logs, pats, api, doctor, completion)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (None: the process's own) and return its exit code."""
    as_json = False
    try:
        try:
            _never_fail_to_encode()
            arguments = parse(_parser(), argv)
            as_json = arguments.json
            with library_log(arguments.verbose, wants_keyring=arguments.cache):
                code: int = arguments.run(arguments)
        except SystemExit as stop:  # argparse's way to end
            code = stop.code if isinstance(stop.code, int) else 1
        if sys.stdout:
            sys.stdout.flush()
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
        return 141
    except (SiperbError, CommandError, OSError) as error:
        if isinstance(error, OSError):
            _discard_output()
        return report(error, as_json=as_json)
    return code


def _parser() -> Parser:
    parser = Parser.of_program()
    for group in GROUPS:
        group.add_to(parser)
    return parser


def _never_fail_to_encode() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """What could not be written is still buffered: before Python 3.11 the flush at the exit fails with code 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
