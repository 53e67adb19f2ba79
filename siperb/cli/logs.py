"""``siperb log``: what the API and the phone itself noted about a device."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import TYPE_CHECKING

from siperb.cli.devices import find_device
from siperb.cli.failures import USAGE, CommandError
from siperb.cli.masking import mask_all
from siperb.cli.parser import Parser
from siperb.cli.terminal import is_terminal, json_text, say, write
from siperb.cli.users import of_user

if TYPE_CHECKING:
    from siperb.cli.client import CommandClient
    from siperb.models import Device

ABOUT = """\
Of the last 24 hours, or of a day: the API's own objects, a line of JSON each.

  register  what changed in the registrations; a refused one is none of them
  latency   the milliseconds of the network
  trace     the calls that the device made
  console   what the phone itself has posted, all of it: the one place for a registration that was refused
"""


def add_to(parser: Parser) -> None:
    command = parser.add(
        "log",
        run,
        "read a log of a device",
        ABOUT,
        examples='  siperb log "Front Desk"\n  siperb log front console\n  siperb log front trace --date 2026-11-25',
        options="user connection json reveal",
    )
    command.add_argument("device", metavar="DEVICE", help="description or number, of any platform")
    command.add_argument(
        "kind",
        metavar="LOG",
        nargs="?",
        default="register",
        choices=("register", "latency", "trace", "console"),
        help="register (default), latency, trace or console",
    )
    command.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="that day, instead of the last 24 hours")


def run(arguments: argparse.Namespace) -> int:
    if arguments.date and arguments.kind == "console":
        raise CommandError("The console log is had as a whole: leave --date out.", USAGE)
    from siperb.cli.client import client

    with client(arguments) as own:
        siperb = of_user(own, arguments)
        device = find_device(siperb, arguments.device)
        entries = siperb.get_log(arguments.kind, device.device_token, date=arguments.date)
        secrets = [device.device_token, own.session.session_token if own.session else None]
        mode = None if entries else _mode(siperb, device)
    masked = is_terminal(sys.stdout) and not arguments.reveal
    for entry in entries:
        write(json_text(mask_all(entry, secrets) if masked else entry))
    if not entries:
        say(_why_empty(arguments, mode))
    return 0


def _mode(siperb: CommandClient, device: Device) -> str | None:
    """How the device registers, "Proxy" or "WebSocket"; None when the API does not say."""
    from siperb.errors import SiperbError

    said = device.raw.get("RegistrationMode")
    if isinstance(said, str):
        return said
    try:
        return siperb.get_provisioning(device.device_token).registration_mode
    except SiperbError:  # of another platform, maybe
        return None


def _why_empty(arguments: argparse.Namespace, mode: str | None) -> str:
    """An empty list proves little; what it may mean."""
    if arguments.kind == "console":
        return "Nothing: this phone has posted nothing, which says nothing about its registration."
    when = f"on {arguments.date}" if arguments.date else "in 24 hours"
    if (mode or "").casefold() == "websocket":
        return (
            f"Nothing {when}: the device is in WebSocket mode, in which it registers elsewhere, and Siperb has no logs."
        )
    if arguments.kind == "trace":
        return f"Nothing {when}: no call was made from this device."
    return (
        f"Nothing {when}: the phone was off, never got through, or was refused, which looks the same here and is no "
        "proof of a wrong password. `siperb log DEVICE console` may know, and `siperb provision DEVICE --check`."
    )


def _date(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise argparse.ArgumentTypeError("a day is needed, as in 2026-11-25") from None
