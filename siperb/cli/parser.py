"""Every command and option in two tables, for argparse. A command's docstring continues its help."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from siperb._version import __version__
from siperb.cli.failures import USAGE, CommandError, did_you_mean


class Options(argparse.Namespace):
    """The options of a command. One that was not given, or that the command does not have, is None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)


def _one_of(*known: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """The help and the settings of an argument that is one of these words, in upper or lower case."""

    def convert(said: str) -> str:
        if found := [word for word in known if word.casefold() == said.casefold()]:
            return found[0]
        near = did_you_mean(said, known) or f": use {', '.join(known)}"
        raise argparse.ArgumentTypeError(f"there is no such value{near}")

    text = ", ".join(known) + (f" (default: {known[0]})" if more else "")
    return text, {"type": convert, "choices": known, **more}


def _kind(pattern: str, convert: Callable[[str], Any], wanted: str) -> dict[str, Any]:
    """The settings of an argument of this form."""

    def checked(said: str) -> Any:
        try:
            if re.fullmatch(pattern, said, re.DOTALL):
                return convert(said)
        except (ValueError, RecursionError):
            pass
        raise argparse.ArgumentTypeError(f"{wanted} is needed")

    return {"type": checked}


def _day(said: str) -> Any:
    from datetime import date

    return date.fromisoformat(said)


def _field(said: str) -> tuple[str, Any]:
    from json import loads

    name, _, value = said.partition("=")
    return name, loads(value)


_NUMBER = _kind("[0-9]{1,9}", int, "a whole number")
_PORT = _kind("[0-9]{1,5}", lambda said: range(65536).index(int(said)), "a port from 0 to 65535")
_SECONDS = _kind(r"(?=.*[1-9])[0-9]{1,5}(\.[0-9]+)?", float, "a number of seconds, more than 0 and less than 100000,")
_DAY = _kind(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", _day, "a day as in 2026-11-25")
_TEXT = _kind("[^=]+=.*", lambda said: tuple(said.split("=", 1)), "a name and a text as in name=value")
_JSON = _kind("[^=]+=.*", _field, "a name and JSON as in limit=12 (-f takes a text)")
_FLAG = {"action": "store_true"}

ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {  # what the help says, and the settings of argparse
    "ACCOUNT": ("e-mail address or user id; `siperb status` lists them", {}),
    "DEVICE": ("description or number, of any platform", {}),
    "[DEVICE]": ("description, number, or - for a token from stdin", {"nargs": "?", "default": None}),
    "FILE": ("CSV", {}),
    "[KIND]": _one_of("register", "latency", "trace", "console", default="register", nargs="?"),
    "METHOD": _one_of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
    "NAME": ("the token's name", {}),
    "NAME-OR-ID": ("the token's name, or its id", {}),
    "PATH": ("below the API's address", {}),
    "SHELL": _one_of("bash", "zsh", "fish", "tcsh"),
    "--port N": ("default: any free one", _PORT),
    "--devices N": ("how many more script devices it has", _NUMBER),
    "--search TEXT": ("only users with this in e-mail address or description", {}),
    "--date YYYY-MM-DD": ("that day, not the last 24 hours", _DAY),
    "--all": ("every script device; of `siperb api`: every page of a list", _FLAG),
    "--everyone": ("as --all, for every user of your domain", _FLAG),
    "--format FORMAT": _one_of("json", "env", "sipjs", "jssip", default="json"),
    "--prune": ("delete devices that the file lacks", _FLAG),
    "--exit-code": ("exit with 1 when there is something to do", _FLAG),
    "--days N": ("until it expires (100)", {"default": 100, **_NUMBER}),
    "-f/--raw-field NAME=TEXT": ("a field, a text", {"dest": "fields", "action": "append", **_TEXT}),
    "-F/--field NAME=JSON": ("a field: true, 12, [1]", {"dest": "fields", "action": "append", **_JSON}),
    "--input FILE": ("the body: a file with JSON; - is stdin", {}),
    "--device DEVICE": ("description or number of a device", {}),
    "--dry-run": ("show what would be sent, and change nothing", _FLAG),
    "-o/--output FILE": ("write a file that only you can read (0600)", {}),
    "--user EMAIL": ("act for that user of your domain", {}),
    "--reveal": ("show secrets on a terminal too", _FLAG),
    "--yes": ("do not ask", _FLAG),
    "--base-url URL": ("the API's address", {}),
    "--timeout SECONDS": ("for each call of the API (30)", _SECONDS),
    "--account EMAIL": ("use the stored token of that account", {}),
    "--json": ("JSON on stdout, errors as JSON on stderr", _FLAG),
    "-v/--verbose": ("tell what is done, on stderr", _FLAG),
}

OF_ALL = "--base-url --timeout --account --json --verbose"  # "API" below; also before a command
PROVISION = "[DEVICE] --all --everyone --format --output --user --reveal API"
API_CALL = "METHOD PATH --raw-field --field --input --device --all --user --reveal --yes --dry-run API"
NEW_PAT = "--days --output --user --reveal API"
COMMANDS = {  # the module, the summary and the arguments of each; --verbose is everywhere
    "demo": ("local", "show every step on this machine, without an account", "--json"),
    "serve": ("local", "keep a loopback API running, for programs in any language", "--port --devices --json"),
    "login": ("auth", "keep a personal access token (PAT) in the OS keyring", "--base-url --timeout --json"),
    "logout": ("auth", "remove the token, and everything cached, from the keyring", "--account --base-url --json"),
    "status": ("auth", "show whose token is used, and where it comes from", "API"),
    "switch": ("auth", "use the stored token of another account from now on", "ACCOUNT --base-url --json"),
    "doctor": ("doctor", "check everything that is needed, and say what to do", "--device --user API"),
    "devices": ("devices", "list the script devices", "--user --reveal API"),
    "users": ("devices", "list the users of your domain", "--search API"),
    "log": ("devices", "read a log of a device", "DEVICE [KIND] --date --user --reveal API"),
    "provision": ("provision", "get the SIP credentials of one device, or of all", PROVISION),
    "fleet plan": ("fleet", "compare users and devices with a CSV file", "FILE --prune --exit-code API"),
    "fleet apply": ("fleet", "create, change and delete what the CSV file says", "FILE --prune --yes API"),
    "pat list": ("pats", "list personal access tokens, without their values", "--user API"),
    "pat create": ("pats", "create a token, into a pipe or a file", f"NAME {NEW_PAT}"),
    "pat revoke": ("pats", "revoke a token", "NAME-OR-ID --user --yes API"),
    "pat rotate": ("pats", "create a new token, then revoke the old one", f"NAME-OR-ID {NEW_PAT}"),
    "api": ("api", "call any operation of the API", API_CALL),
    "completion": ("local", "print a completion script for your shell", "SHELL --json"),
}

ABOUT = "A personal access token goes in, SIP credentials come out.\nTry it without an account: siperb demo"
EPILOG = """
`siperb COMMAND --help` says more.

environment:
  SIPERB_PAT       the token; it comes before the one that `siperb login` stored
  SIPERB_PAT_FILE  a file that holds the token
  SIPERB_BASE_URL  the API's address instead of https://api.siperb.com
  NO_COLOR         no colours

exit codes: 0 ok, 1 error, 2 usage, 4 credentials needed, 130 interrupted"""
PIPE = "a token does not belong on a command line, where `ps` shows it; paste it at the prompt, or pipe it in"


class Parser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, prog: str, about: str, epilog: str = "", arguments: str = "API") -> None:
        settings: dict[str, Any] = {"allow_abbrev": False, "argument_default": argparse.SUPPRESS}
        settings["formatter_class"] = partial(argparse.RawDescriptionHelpFormatter, width=79)  # else it loads shutil
        super().__init__(prog, None, about, epilog, **settings)
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
            too_many = PIPE if self.prog == "siperb login" else "there are too many arguments"
            self.error(f"there is no option {names[0]}{did_you_mean(names[0], known)}" if names else too_many)
        return Options(**vars(found))

    def error(self, message: str) -> NoReturn:
        """Raise it without the values that argparse quotes: they may be tokens."""
        for word in self._given:
            value = word.partition("=")[2] if word.startswith("-") else word
            message = message.replace(repr(value), "this value")
            message = message.replace(value, "…") if len(value) > 7 else message
        end = " See" if message.endswith("?") else ": see"
        raise CommandError(f"{message[:1].upper()}{message[1:]}{end} `{self.prog} --help`.", USAGE)


def parser_of(name: str) -> Parser:
    from inspect import cleandoc  # which --version does without

    module, summary, arguments = COMMANDS[name]
    run = getattr(importlib.import_module(f"siperb.cli.{module}"), name.replace(" ", "_"))
    about = f"{summary[0].upper()}{summary[1:]}.\n\n{cleandoc(run.__doc__ or '')}"
    parser = Parser(f"siperb {name}", about.strip(), arguments=arguments)
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
