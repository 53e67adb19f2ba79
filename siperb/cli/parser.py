"""argparse, with one way to declare a command, and without a word of what might be a token in its errors."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from siperb._version import __version__
from siperb.cli.masking import LONG, mask
from siperb.cli.terminal import columns, wrapped

Run = Callable[[argparse.Namespace], int]

DESCRIPTION = """\
The Siperb SDK: a personal access token goes in, SIP credentials for a softphone come out.

Try it without an account:  siperb demo
"""

EPILOG = """\
environment:
  SIPERB_PAT       the personal access token; it comes before the one that `siperb login` stored
  SIPERB_PAT_FILE  a file that holds it, as containers have secrets
  SIPERB_BASE_URL  the API's address instead of https://api.siperb.com
  NO_COLOR         no colours

exit codes: 0 ok, 1 error, 2 usage, 4 credentials needed, 130 interrupted
"""


class _Formatter(argparse.HelpFormatter):
    """Paragraphs are wrapped at words; lines that are indented stay lines, and keep their columns."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = re.sub(r"(?<=\S)\n(?=\S)", " ", text).splitlines()
        return "".join(self._wrapped(line, width) + "\n" for line in lines)

    @staticmethod
    def _wrapped(line: str, width: int) -> str:
        column = re.match(r" +\S+ {2,}(?=\S)", line)
        prefix = column[0] if column else ""
        return wrapped(line[len(prefix) :], width, prefix=prefix)


class Parser(argparse.ArgumentParser):
    """A parser of the program or of one command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=_Formatter)

    @staticmethod
    def of_program() -> Parser:
        parser = Parser(prog="siperb", description=DESCRIPTION, epilog=EPILOG)
        parser.add_argument("--version", action="version", version=f"siperb {__version__}")
        for option in CONNECTION:
            names, settings = OPTIONS[option]
            parser.add_argument(*names, **settings)
        parser.set_defaults(run=None, **dict.fromkeys(("json", "verbose", "cache", "reveal"), False))
        parser.set_defaults(**dict.fromkeys(("account", "base_url", "timeout")))
        parser.commands = parser.add_subparsers(
            title="commands", dest="command", metavar="COMMAND", parser_class=Parser
        )
        return parser

    def add(
        self, name: str, run: Run, summary: str, about: str = "", *, examples: str = "", options: str = ""
    ) -> Parser:
        """A command. options: the names of those of `OPTIONS` that it has, besides --verbose.

        "connection" stands for all that say which API is asked, for whom, and for how long.
        """
        text = f"{summary[0].upper()}{summary[1:]}.\n\n{about}".strip()
        epilog = f"examples:\n{examples}" if examples else None
        command: Parser = self.commands.add_parser(name, help=summary, description=text, epilog=epilog)
        command.set_defaults(run=run)
        command.summary = summary
        for option in (*options.replace("connection", " ".join(CONNECTION)).split(), "verbose"):
            names, settings = OPTIONS[option]
            command.add_argument(*names, **settings)
        return command

    def error(self, message: str) -> NoReturn:
        """Argparse repeats what it was given, and that may be a token."""
        if choice := re.fullmatch(r"(?:argument (\S+): )?invalid choice: '(.*?)' \(choose from (.*)\)", message):
            what, said, choices = choice.groups()
            choices = choices.replace("'", "")
            problem = f"there is no such {'command' if what in (None, 'COMMAND') else what}"
            message = problem + (did_you_mean(said, choices.split(", ")) or f"; there are {choices}")
        message = re.sub(rf"[^\s'\"=]{{{LONG},}}", lambda long: mask(long[0]), message)
        text = f"siperb: {message}; see `{self.prog} --help`"
        self.exit(2, wrapped(text, columns(sys.stderr)) + "\n")

    def options(self) -> list[str]:
        """The long names of its options."""
        return [name for action in self.listed() for name in action.option_strings if name.startswith("--")]

    def listed(self) -> list[argparse.Action]:
        """What its help lists: options and arguments."""
        return [action for action in self._actions if action.help != argparse.SUPPRESS]

    summary: str
    commands: argparse._SubParsersAction[Parser]  # pyright: ignore[reportPrivateUsage]


def _option(*names: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return names, {"default": argparse.SUPPRESS, **settings}  # the program's parser has the defaults


def did_you_mean(said: str, known: Iterable[str]) -> str:
    """ ": did you mean …?" for what is nearly one of the known; else nothing. What was said is not repeated."""
    names = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(said.casefold(), names, 1, 0.7)
    return f": did you mean {names[near[0]]}?" if near else ""


def seconds(text: str) -> float:
    """The type of an argument that is a time."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError("a number of seconds is needed, more than 0 and less than 86400")
    return value


CONNECTION = ("account", "base-url", "timeout")
OPTIONS = {
    "account": _option("--account", metavar="WHO", help="e-mail address or user id of an account that is logged in"),
    "base-url": _option(
        "--base-url", metavar="URL", help="the API's address (default: SIPERB_BASE_URL, then Siperb's)"
    ),
    "cache": _option("--cache", action="store_true", help="answer from the OS keyring, and refresh what it holds"),
    "json": _option("--json", action="store_true", help="JSON on stdout, errors as JSON on stderr"),
    "reveal": _option("--reveal", action="store_true", help="show secrets on a terminal too"),
    "timeout": _option(
        "--timeout", type=seconds, metavar="SECONDS", help="for each call of the API, retries included (30)"
    ),
    "user": _option("--user", metavar="EMAIL", default=None, help="for that user of your domain, instead of yourself"),
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
        if not options:
            parser.error("too many arguments")
        command = parser.commands.choices[arguments.command] if arguments.command else parser
        command.error(f"unknown option {options[0]}{did_you_mean(options[0], command.options())}")
    if arguments.run is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    return arguments
