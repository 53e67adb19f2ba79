"""Every command with its options, in two tables. A command's help is the docstring of its function."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from typing import Any


class Options(argparse.Namespace):
    """The options of a command. One that was not given, or that the command does not have, is None."""

    days, format, json, kind = 100, "json", False, "register"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)


def did_you_mean(said: str, known: Iterable[str]) -> str:
    """`: did you mean …?` for what is nearly one of the known, else nothing. It does not repeat what was said."""
    import difflib

    names = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(said.casefold()[:100], names, 1, 0.7)
    return f": did you mean {names[near[0]]}?" if near else ""


def one_of(*known: str) -> dict[str, Any]:
    """The settings of an argument that is one of these words, in upper or lower case."""

    def convert(said: str) -> str:
        if found := [word for word in known if word.casefold() == said.casefold()]:
            return found[0]
        near = did_you_mean(said, known) or f": use {', '.join(known)}"
        raise argparse.ArgumentTypeError(f"there is no such value{near}")

    return {"type": convert, "choices": known}


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


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
FORMATS = ("json", "env", "sipjs", "jssip")
LOGS = ("register", "latency", "trace", "console")
SHELLS = ("bash", "zsh", "fish", "tcsh")
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
    "[KIND]": (f"{', '.join(LOGS)} (default: {LOGS[0]})", {"nargs": "?", "default": LOGS[0], **one_of(*LOGS)}),
    "METHOD": (", ".join(METHODS), one_of(*METHODS)),
    "NAME": ("the token's name", {}),
    "NAME-OR-ID": ("the token's name, or its id", {}),
    "PATH": ("below the API's address", {}),
    "SHELL": (", ".join(SHELLS), one_of(*SHELLS)),
    "--port N": ("default: any free one", _PORT),
    "--devices N": ("how many more script devices it has", _NUMBER),
    "--search TEXT": ("only users with this in e-mail address or description", {}),
    "--date YYYY-MM-DD": ("that day, not the last 24 hours", _DAY),
    "--all": ("every script device; of `siperb api`: every page of a list", _FLAG),
    "--everyone": ("as --all, for every user of your domain", _FLAG),
    "--format FORMAT": (f"{', '.join(FORMATS)} (default: {FORMATS[0]})", one_of(*FORMATS)),
    "--prune": ("delete devices that the file lacks", _FLAG),
    "--exit-code": ("exit with 1 when there is something to do", _FLAG),
    "--days N": ("until it expires (100)", _NUMBER),
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
API_CALL = "METHOD PATH --raw-field --field --input --device --all --user --reveal --yes --dry-run API"
COMMANDS = {  # the module, the summary and the arguments of each; --verbose is everywhere
    "demo": ("demo", "show every step on this machine, without an account", ""),
    "serve": ("demo", "keep a loopback API running, for programs in any language", "--port --devices --json"),
    "login": ("auth", "keep a personal access token (PAT) in the OS keyring", "--base-url --timeout --json"),
    "logout": ("auth", "remove the token, and everything cached, from the keyring", "--account --base-url --json"),
    "status": ("auth", "show whose token is used, and where it comes from", "API"),
    "switch": ("auth", "use the stored token of another account", "ACCOUNT --base-url --json"),
    "doctor": ("doctor", "check everything that is needed, and say what to do", "--device --user API"),
    "devices": ("devices", "list the script devices", "--user --reveal API"),
    "users": ("devices", "list the users of your domain", "--search API"),
    "log": ("devices", "read a log of a device", "DEVICE [KIND] --date --user --reveal API"),
    "provision": (
        "provision",
        "get the SIP credentials of one device, or of all",
        "[DEVICE] --all --everyone --format --output --user --reveal API",
    ),
    "fleet plan": ("fleet", "compare users and devices with a CSV file", "FILE --prune --exit-code API"),
    "fleet apply": ("fleet", "create, change and delete what the CSV file says", "FILE --prune --yes API"),
    "pat list": ("pats", "list personal access tokens, without their values", "--user API"),
    "pat create": ("pats", "create a token, into a pipe or a file", "NAME --days --output --user --reveal API"),
    "pat revoke": ("pats", "revoke a token", "NAME-OR-ID --user --yes API"),
    "pat rotate": (
        "pats",
        "create a new token, then revoke the old one",
        "NAME-OR-ID --days --output --user --reveal API",
    ),
    "api": ("api", "call any operation of the API", API_CALL),
    "completion": ("completion", "print a completion script for your shell", "SHELL"),
}
