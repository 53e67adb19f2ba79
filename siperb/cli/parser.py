"""argparse, with one way to declare a command, and without a word of what might be a token in its errors."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from siperb._version import __version__
from siperb.cli.masking import LONG, mask

Run = Callable[[argparse.Namespace], int]

DESCRIPTION = """\
The Siperb SDK: a personal access token goes in, SIP credentials for a softphone come out.

Try it without an account:  siperb demo
"""

EPILOG = """\
environment:
  SIPERB_PAT       the personal access token; it comes before the one that `siperb login` stored
  SIPERB_BASE_URL  the API's address instead of https://api.siperb.com
  NO_COLOR         no colours

exit codes: 0 ok, 1 error, 2 usage, 4 credentials needed, 130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """A parser of the program or of one command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    @staticmethod
    def of_program() -> Parser:
        parser = Parser(prog="siperb", description=DESCRIPTION, epilog=EPILOG)
        parser.add_argument("--version", action="version", version=f"siperb {__version__}")
        parser.add_argument(*OPTIONS["base-url"][0], **OPTIONS["base-url"][1])
        parser.set_defaults(run=None, **dict.fromkeys(("json", "verbose", "cache", "reveal"), False), base_url=None)
        parser.commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
        return parser

    def add(
        self, name: str, run: Run, summary: str, about: str = "", *, examples: str = "", options: str = ""
    ) -> Parser:
        """A command. options: the names of those of `OPTIONS` that it has, besides --verbose."""
        text = f"{summary[0].upper()}{summary[1:]}.\n\n{about}".strip()
        epilog = f"examples:\n{examples}" if examples else None
        command: Parser = self.commands.add_parser(name, help=summary, description=text, epilog=epilog)
        command.set_defaults(run=run)
        for option in (*options.split(), "verbose"):
            names, settings = OPTIONS[option]
            command.add_argument(*names, **settings)
        return command

    def error(self, message: str) -> NoReturn:
        """Argparse repeats what it was given, and that may be a token."""
        message = re.sub(rf"[^\s'\"=]{{{LONG},}}", lambda long: mask(long[0]), message)
        self.exit(2, f"siperb: {message}; see `{self.prog} --help`\n")

    commands: argparse._SubParsersAction[Parser]  # pyright: ignore[reportPrivateUsage]


def _option(*names: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return names, {"default": argparse.SUPPRESS, **settings}  # the program's parser has the defaults


OPTIONS = {
    "base-url": _option(
        "--base-url", metavar="URL", help="the API's address (default: SIPERB_BASE_URL, then Siperb's)"
    ),
    "cache": _option("--cache", action="store_true", help="answer from the OS keyring, and refresh what it holds"),
    "json": _option("--json", action="store_true", help="JSON on stdout, errors as JSON on stderr"),
    "reveal": _option("--reveal", action="store_true", help="show secrets on a terminal too"),
    "verbose": _option("-v", "--verbose", action="store_true", help="tell what is done, on stderr"),
}


def count(text: str) -> int:
    """The type of an argument that is a whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("a whole number is needed, 0 or more")
    return int(text)


def parse(parser: Parser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; SystemExit for a usage error, and for --help and --version."""
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        parser.error(f"unknown option {options[0]}" if options else "too many arguments")
    if arguments.run is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    return arguments
