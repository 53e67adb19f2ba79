"""``siperb api``: any operation of the API, in the manner of ``gh api``."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from siperb.cli.devices import find_device
from siperb.cli.failures import USAGE, CommandError
from siperb.cli.masking import is_secret_name, mask_all
from siperb.cli.parser import Parser
from siperb.cli.terminal import can_ask, is_agreed, is_terminal, say, write_json
from siperb.cli.users import of_user

if TYPE_CHECKING:
    from siperb.cli.client import CommandClient
    from siperb.core.wire import Request
    from siperb.models import Device

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

ABOUT = """\
PATH is below the API's address. {user_id} in it is you, or who --user names; {device} is the token of --device, so that
no token stands on a command line. Put the path between quotes, as a shell takes braces for its own.

-f and -F make a JSON object of the body. A secret in it comes from --input, as a command line is seen by `ps`.

The answer is printed as JSON. A pipe gets its secrets, a terminal gets them masked unless --reveal is given; what the
API says only once, as a new PAT, wants one of these.
What changes something is sent twice only where that does no harm; an answer that was lost is told as such.
"""

EXAMPLES = """\
  siperb api GET '/Users/{user_id}/Connections' --all
  siperb api PUT '/Users/{user_id}/Provisioning' -F RecordAllCalls=true --user anna@example.com
  siperb api POST '/Users/{user_id}/Devices' -f platform=script -f provision_name=Headset --dry-run
  siperb api DELETE '/Users/{user_id}/Devices/{device}' --device Headset
"""


def add_to(parser: Parser) -> None:
    command = parser.add(
        "api",
        run,
        "call any operation of the API",
        ABOUT,
        examples=EXAMPLES,
        options="user connection json reveal",
    )
    command.add_argument("method", metavar="METHOD", type=str.upper, choices=METHODS, help=", ".join(METHODS))
    command.add_argument("path", metavar="PATH", help="e.g. '/Users/{user_id}/Connections'")
    pairs: dict[str, Any] = {"action": "append", "default": []}
    command.add_argument("-q", "--query", type=_text, metavar="NAME=TEXT", help="a parameter of the query", **pairs)
    command.add_argument(
        "-f", "--raw-field", dest="fields", type=_text, metavar="NAME=TEXT", help="a field of the body, a text", **pairs
    )
    command.add_argument(
        "-F",
        "--field",
        dest="fields",
        type=_json,
        metavar="NAME=JSON",
        help="one of another type: true, 12, …",
        **pairs,
    )
    command.add_argument("--input", metavar="FILE", help="the body: a file with JSON; - is stdin")
    command.add_argument("--device", metavar="NAME", help="whose token {device} is: description or number")
    command.add_argument("--all", action="store_true", help="the list with all its pages")
    command.add_argument("--dry-run", action="store_true", help="show what would be sent, and change nothing")
    command.add_argument("--yes", action="store_true", help="do not ask before a DELETE")


def run(arguments: argparse.Namespace) -> int:
    path, query, body = _path(arguments), _mapping("-q", arguments.query), _body(arguments)
    reads = arguments.method in ("GET", "HEAD")
    if reads and body is not None:
        raise CommandError(f"{arguments.method} has no body: -q gives the query.", USAGE)
    if reads and arguments.dry_run:
        raise CommandError(f"{arguments.method} changes nothing: leave --dry-run out.", USAGE)
    if arguments.all and arguments.method != "GET":
        raise CommandError("--all goes with GET alone.", USAGE)
    asks = arguments.method == "DELETE" and not arguments.yes and not arguments.dry_run
    if asks and not can_ask():
        raise CommandError("A DELETE is asked about, and there is no terminal to ask at: give --yes.", USAGE)

    from siperb.cli.client import CommandClient, DryClient, NotSent, client

    secrets: list[str | None] = []
    with client(arguments, kind=DryClient if arguments.dry_run else CommandClient) as own:
        siperb = of_user(own, arguments)
        ids: dict[str, Any] = {}
        device: Device | None = None
        if arguments.device is not None:
            device = find_device(siperb, arguments.device)
            ids["device"] = device.device_token
            secrets += [device.device_token, quote(device.device_token, safe="")]
        if asks and not _is_wanted(arguments, device):
            raise CommandError("Nothing was deleted.")
        try:
            answer = _ask(siperb, arguments, path, query, body, ids)
        except NotSent as not_sent:
            _show_request(not_sent.request, own, query, body, secrets)
            return 0
        secrets.append(own.session.session_token if own.session else None)
    _show(answer, arguments, secrets)
    return 0


def _ask(
    siperb: CommandClient,
    arguments: argparse.Namespace,
    path: str,
    query: dict[str, str],
    body: Any,
    ids: dict[str, Any],
) -> Any:
    if arguments.all:
        return siperb.get_all(path, params=query, **ids)
    return siperb.request(arguments.method, path, params=query, json=body, **ids)


def _show(answer: Any, arguments: argparse.Namespace, secrets: list[str | None]) -> None:
    if answer is None:
        say("Done; the answer is empty.")
        return
    on_screen = is_terminal(sys.stdout)
    if isinstance(answer, bytes):
        if on_screen:
            raise CommandError(f"The answer is no JSON but {len(answer)} bytes: send it into a file or a pipe.")
        sys.stdout.buffer.write(answer)
        return
    shown = mask_all(answer, secrets) if on_screen and not arguments.reveal else answer
    write_json(shown)
    if shown != answer:
        say("Secrets are masked on a terminal: --reveal shows them, and a pipe gets them.")


def _show_request(
    request: Request, own: CommandClient, query: dict[str, str], body: Any, secrets: list[str | None]
) -> None:
    """Without secrets, in a pipe too: that is no answer which a program is to have."""
    said = {"method": request.method, "path": request.path.partition("?")[0], "query": query, "body": body}
    write_json(mask_all(said, secrets))
    say("This is a dry run: nothing was changed.")


def _is_wanted(arguments: argparse.Namespace, device: Device | None) -> bool:
    named = f' (device "{device.description or arguments.device}")' if device else ""
    user = f" of {arguments.user}" if arguments.user else ""
    return is_agreed(f"{arguments.method} {arguments.path}{named}{user}?")


def _path(arguments: argparse.Namespace) -> str:
    path: str = arguments.path.replace("{deviceId}", "{device}")  # as the API's own documents call it
    if "://" in path:
        raise CommandError("Give the path alone, and the address with --base-url.", USAGE)
    if "?" in path:
        raise CommandError("Give the query with -q, as in `-q search=anna`.", USAGE)
    if re.search(r"(^|/)t[0-9a-f]{64}(/|$)", path):
        raise CommandError(
            "A device token does not belong on a command line, where `ps` and the shell's history show it: write "
            "{device} in its place, and name the device with --device.",
            USAGE,
        )
    path = path if path.startswith("/") else f"/{path}"
    if unknown := set(re.findall(r"\{[^/{}]*\}", path)) - {"{user_id}", "{uID}", "{device}"}:
        text = f"Only {{user_id}} and {{device}} are filled in: write what is meant in place of {min(unknown)}."
        raise CommandError(text, USAGE)
    if ("{device}" in path) != (arguments.device is not None):
        raise CommandError("{device} in the path and --device NAME go together.", USAGE)
    if arguments.user is not None and not re.match(
        r"/Users/\{(user_id|uID)\}(?!/+DomainUsers(/|$))(/|$)", path, re.IGNORECASE
    ):
        text = (
            "With --user the path begins with /Users/{user_id}, which is that user's, and has no DomainUsers below it."
        )
        raise CommandError(text, USAGE)
    return path


def _body(arguments: argparse.Namespace) -> Any:
    fields = _mapping("-f and -F", arguments.fields)
    if arguments.input is None:
        if found := next(
            (name for name, value in fields.items() if is_secret_name(name) and not _is_flag(value)), None
        ):
            raise CommandError(
                f"The value of {found} may be a secret, and a command line is seen by `ps`: use --input.",
                USAGE,
            )
        return fields or None
    if fields:
        raise CommandError("--input is the whole body: give it without -f and -F.", USAGE)
    try:
        data = sys.stdin.buffer.read() if arguments.input == "-" else Path(arguments.input).read_bytes()
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        where = f" in line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    raise CommandError(f"--input holds no JSON: see what is wrong{where}.", USAGE)


def _is_flag(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _mapping(option: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise CommandError(f"{option} gave one name twice.", USAGE)
    return fields


def _text(said: str) -> tuple[str, Any]:
    name, equals, value = said.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError("a name and a value are needed, as in name=value")
    return name, value


def _json(said: str) -> tuple[str, Any]:
    name, value = _text(said)
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        pass
    raise argparse.ArgumentTypeError("a value in JSON is needed, as in limit=12 or enabled=true; -f takes a text")
