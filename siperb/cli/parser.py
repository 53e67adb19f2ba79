"""argparse, told by the tables of `siperb.cli.options`. No message repeats a value: it may be a token."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from siperb._version import __version__
from siperb.cli.failures import USAGE, CommandError
from siperb.cli.options import ARGUMENTS, COMMANDS, OF_ALL, Options, did_you_mean

ABOUT = "A personal access token goes in, SIP credentials come out.\nTry it without an account: siperb demo"
EPILOG = """
`siperb COMMAND --help` says more.

environment:
  SIPERB_PAT       the token; it comes before the one that `siperb login` stored
  SIPERB_PAT_FILE  a file that holds the token
  SIPERB_BASE_URL  the API's address instead of https://api.siperb.com
  NO_COLOR         no colours

exit codes: 0 ok, 1 error, 2 usage, 4 credentials needed, 130 interrupted"""
TOO_MANY = "there are too many arguments"
ON_THE_COMMAND_LINE = (
    "a token does not belong on a command line, where `ps` and the shell's history show it; run `siperb login` and "
    "paste it at the prompt, or pipe it in"
)


class Parser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, prog: str, about: str, epilog: str = "", arguments: str = "API") -> None:
        settings: dict[str, Any] = {"allow_abbrev": False, "argument_default": argparse.SUPPRESS}
        super().__init__(prog, None, about, epilog, formatter_class=_formatter, **settings)
        self._given: Sequence[str] = ()
        known = {key.split()[0].rpartition("/")[2]: key for key in ARGUMENTS}
        for name in dict.fromkeys([*arguments.replace("API", OF_ALL).split(), "--verbose"]):
            names, _, metavar = known[name].partition(" ")
            text, settings = ARGUMENTS[known[name]]
            if not name.startswith("-"):
                metavar = name.strip("[]")
                names = metavar.partition("-")[0].lower()
            more: dict[str, Any] = {"metavar": metavar} if metavar else {}
            self.add_argument(*names.split("/"), help=text, **more, **settings)

    def parse(self, argv: Sequence[str]) -> Options:
        self._given = argv
        found, unknown = self.parse_known_intermixed_args(argv)
        if unknown:
            names = [word.partition("=")[0] for word in unknown if word.startswith("-") and word != "-"]
            known = [name for action in self._actions for name in action.option_strings if len(name) > 2]
            too_many = ON_THE_COMMAND_LINE if self.prog == "siperb login" else TOO_MANY
            self.error(f"there is no option {names[0]}{did_you_mean(names[0], known)}" if names else too_many)
        return Options(**vars(found))

    def complete_files(self, how: Any) -> None:
        """Tell shtab which values are names of files."""
        for action in self._actions:
            if action.metavar == "FILE":
                action.complete = how  # type: ignore[attr-defined]

    def error(self, message: str) -> NoReturn:
        for word in self._given:  # argparse quotes what it was given
            value = word.partition("=")[2] if word.startswith("-") else word
            message = message.replace(repr(value), "this value")
            message = message.replace(value, "…") if len(value) > 7 else message
        end = "" if message.endswith("?") else ":"
        raise CommandError(f"{message[:1].upper()}{message[1:]}{end} see `{self.prog} --help`.", USAGE)


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=79)


def parser_of(name: str) -> Parser:
    from inspect import cleandoc  # which --version does without

    module, summary, arguments = COMMANDS[name]
    run = getattr(importlib.import_module(f"siperb.cli.{module}"), name.replace(" ", "_"))
    parser = Parser(f"siperb {name}", cleandoc(run.__doc__ or summary), arguments=arguments)
    parser.set_defaults(run=run)
    return parser


def parse(argv: Sequence[str]) -> Options:
    before, words = _split(argv)
    name, group = words.pop(0) if words else "", ""
    if any(each.startswith(f"{name} ") for each in COMMANDS):
        group = f"{name} "
        more, words = _split(words)
        before, name = [*before, *more], f"{name} {words.pop(0)}" if words else ""
    if name in COMMANDS and "--version" not in before:
        return parser_of(name).parse([*before, *words])
    known = {each: about for each, (_, about, _) in COMMANDS.items() if each.startswith(group)}
    listed = "".join(f"  {each:<13}{about}\n" for each, about in known.items())
    program = Parser(f"siperb {group}".strip(), "" if group else ABOUT, f"commands:\n{listed}{'' if group else EPILOG}")
    program.usage = f"{program.prog} COMMAND [options]"
    program.add_argument("--version", action="version", version=f"siperb {__version__}")
    options = program.parse(before)
    if name or options.json:
        program.error(f"there is no such command{did_you_mean(name, known)}" if name else "a command is needed")
    program.print_help(sys.stderr)
    raise SystemExit(USAGE)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The shared options before a command, and the rest."""
    first = 0
    while first < len(argv) and argv[first].startswith("-"):
        first += 2 if argv[first] in ("--base-url", "--timeout", "--account") else 1
    return [*argv[:first]], [*argv[first:]]
