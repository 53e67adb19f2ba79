"""``siperb devices``, ``users``, ``log``; and how a command line names a device and a user."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from siperb.cli.failures import USAGE, CommandError, choose
from siperb.cli.parser import Options
from siperb.cli.secrets import mask
from siperb.cli.session import CommandClient, client
from siperb.cli.terminal import is_terminal, say, shortened, show_list, show_masked
from siperb.errors import SiperbError

if TYPE_CHECKING:
    from siperb.models import Device

NO_DEVICE = 'There is no script device: make one at Siperb, with the platform "script".'


def devices(options: Options) -> None:
    """A pipe gets number, description and device token.

    example: siperb devices | head -1 | cut -f3 | siperb provision -
    """
    with client(options) as own:
        found = as_user(own, options).get_devices()
    hidden = mask if is_terminal(sys.stdout) and not options.reveal else str
    names = ("number", "description", "platform", "device_token")
    rows = [(number, one.description, one.platform, hidden(one.device_token)) for number, one in enumerate(found, 1)]
    header = {"number": "#", "description": "DESCRIPTION", "device_token": "DEVICE TOKEN"}
    show_list([dict(zip(names, row, strict=True)) for row in rows], header, NO_DEVICE, as_json=options.json)


def users(options: Options) -> None:
    """Other commands take one of them with --user."""
    with client(options) as siperb:
        found = siperb.get_domain_users(search=options.search)
    rows = [(one.email, text(one.raw.get("UserDescription")), one.user_id) for one in found]
    header = {"email": "E-MAIL", "description": "DESCRIPTION", "user_id": "USER ID"}
    empty = "No user of the domain fits." if options.search else "The domain has no users besides you."
    show_list([dict(zip(header, row, strict=True)) for row in rows], header, empty, as_json=options.json)


def log(options: Options) -> None:
    """It prints the API's own objects, a line of JSON each.

    logs:
      register  changes of the registration; a refused one is not among them
      latency   the network's milliseconds
      trace     calls that the device made
      console   messages of the phone itself, maybe of a refused registration

    example: siperb log "Front Desk" trace --date 2026-11-25
    """
    with client(options) as own:
        siperb = as_user(own, options)
        device = find_device(siperb, options.device)
        entries = siperb.get_log(options.kind, device.device_token, date=options.date)
        if not entries:
            say(_why_empty(siperb, options, device))
    show_masked(entries, options, as_lines=True)


def _why_empty(siperb: CommandClient, options: Options, device: Device) -> str:
    if options.kind == "console":
        return "The log is empty: this phone has sent no messages. That says nothing about its registration."
    when = f"on {options.date}" if options.date else "in the last 24 hours"
    mode = text(device.raw.get("RegistrationMode"))
    with contextlib.suppress(SiperbError):  # of another platform, maybe
        mode = mode or siperb.get_provisioning(device.device_token).registration_mode
    if (mode or "").casefold() == "websocket":
        return f"No entries {when}: the device is in WebSocket mode, for which Siperb keeps no logs."
    if options.kind == "trace":
        return f"No entries {when}: this device made no call."
    advice = "Try `siperb log DEVICE console` and `siperb doctor --device DEVICE`."
    return f"No entries {when}: the phone was off, had no network, or was refused. {advice}"


def text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def as_user(siperb: CommandClient, options: Options) -> CommandClient:
    """The client, or a view on it for the user that --user names, by e-mail address or id."""
    if options.user is None:
        return siperb
    wanted = options.user.strip().casefold()
    if re.fullmatch("[0-9a-f]{32}", wanted):
        return siperb.for_user(wanted)
    found = siperb.get_domain_users(search=wanted) or siperb.get_domain_users()  # a domain may be large
    named = [(user, user.email or user.user_id, (user.email,)) for user in found]
    return siperb.for_user(choose("user", wanted, named))


def find_device(siperb: CommandClient, wanted: str) -> Device:
    """Of any platform. Script devices come first: their numbers are those of `siperb devices`."""
    devices = sorted(siperb.get_devices(platform=None), key=lambda device: device.platform != "script")
    return choose_device(devices, wanted)


def choose_device(devices: Sequence[Device], wanted: str) -> Device:
    """The device of that description, beginning of it, or number. ``#2`` is a number also where one is called 2."""
    if re.fullmatch(r"t[0-9a-f]{64}", wanted) or wanted in [device.device_token for device in devices]:
        text = "A device token does not belong on a command line, where `ps` and the shell's history show it: give the "
        raise CommandError(f"{text}device's description or number, or pipe the token in and give `-`.", USAGE)
    named = [
        (device, f"#{number} ({shortened(device.description or 'no description', 30)})", name)
        for number, device in enumerate(devices, 1)
        for name in [(device.description, str(number), f"#{number}")]
    ]
    return choose("device", wanted, named, may_begin=True)
