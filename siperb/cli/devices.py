"""``siperb devices``, ``users``, ``log``; and how a command line names a device and a user."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from siperb.cli.failures import USAGE, CommandError
from siperb.cli.masking import MASKED, mask, mask_all
from siperb.cli.options import Options, did_you_mean
from siperb.cli.session import CommandClient, client
from siperb.cli.terminal import is_terminal, json_text, say, shortened, show_list, write
from siperb.errors import SiperbError

if TYPE_CHECKING:
    from siperb.models import Device, DomainUser

NO_DEVICE = 'There is no script device: make one at Siperb, with the platform "script".'
SHOWN = 5  # devices named in an error


def devices(options: Options) -> None:
    """List the script devices. A pipe gets number, description and device token.

    example:
      siperb devices | head -1 | cut -f3 | siperb provision -
    """
    with client(options) as own:
        found = as_user(own, options).get_devices()
    hidden = mask if is_terminal(sys.stdout) and not options.reveal else str
    names = ("number", "description", "platform", "device_token")
    rows = [(number, one.description, one.platform, hidden(one.device_token)) for number, one in enumerate(found, 1)]
    header = {"number": "#", "description": "DESCRIPTION", "device_token": "DEVICE TOKEN"}
    show_list([dict(zip(names, row, strict=True)) for row in rows], header, NO_DEVICE, as_json=options.json)


def users(options: Options) -> None:
    """List the users of your domain. Other commands take one of them with --user."""
    with client(options) as siperb:
        found = siperb.get_domain_users(search=options.search)
    rows = [(one.email, text(one.raw.get("UserDescription")), one.user_id) for one in found]
    header = {"email": "E-MAIL", "description": "DESCRIPTION", "user_id": "USER ID"}
    empty = "No user of the domain fits." if options.search else "The domain has no users besides you."
    show_list([dict(zip(header, row, strict=True)) for row in rows], header, empty, as_json=options.json)


def log(options: Options) -> None:
    """Read a log of a device: the API's own objects, a line of JSON each.

    logs:
      register  changes of the registration; a refused one is not among them
      latency   the network's milliseconds
      trace     calls that the device made
      console   messages of the phone itself, maybe of a refused registration

    example:
      siperb log "Front Desk" trace --date 2026-11-25
    """
    if options.date and options.kind == "console":
        raise CommandError("The console log comes as a whole: leave --date out.", USAGE)
    with client(options) as own:
        siperb = as_user(own, options)
        device = find_device(siperb, options.device)
        entries = siperb.get_log(options.kind, device.device_token, date=options.date)  # type: ignore[arg-type]
        secrets = [device.device_token, own.session.session_token if own.session else None]
        if not entries:
            say(_why_empty(siperb, options, device))
    is_masked = is_terminal(sys.stdout) and not options.reveal
    shown = [mask_all(entry, secrets) if is_masked else entry for entry in entries]
    write("".join(json_text(entry, is_line=True) for entry in shown))
    if shown != entries:
        say(MASKED)


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
    return (
        f"No entries {when}: the phone was off, had no network, or was refused. The log does not tell which. {advice}"
    )


def text(value: object) -> str | None:
    """A text that the API said, if it is one."""
    return value if isinstance(value, str) and value else None


def as_user(siperb: CommandClient, options: Options) -> CommandClient:
    """The client, or a view on it for the user that --user names."""
    return siperb if options.user is None else siperb.for_user(_find_user(siperb, options.user))


def _find_user(siperb: CommandClient, wanted: str) -> DomainUser | str:
    folded = wanted.strip().casefold()
    if re.fullmatch("[0-9a-f]{32}", folded):
        return folded
    found: list[DomainUser] = []
    for search in (folded, None):  # the API's own search first: a domain may be large
        found = siperb.get_domain_users(search=search)
        if user := next((one for one in found if folded and folded == (one.email or "").strip().casefold()), None):
            return user
    near = did_you_mean(wanted, filter(None, (user.email for user in found)))
    raise CommandError("The domain has no user with that e-mail address" + (near or ": `siperb users` lists them."))


def find_device(siperb: CommandClient, wanted: str) -> Device:
    """Of any platform. Script devices come first: their numbers are those of `siperb devices`."""
    return choose(sorted(siperb.get_devices(platform=None), key=lambda device: device.platform != "script"), wanted)


def choose(devices: Sequence[Device], wanted: str) -> Device:
    """The device of that description or number, or the only one whose description begins so.

    ``#2`` is always the number; ``2`` is refused where one device is the second and another is called so.
    `CommandError` when there is none or more than one. It does not repeat what was wanted: that may be a secret.
    """
    if re.fullmatch(r"t[0-9a-f]{64}", wanted) or wanted in [device.device_token for device in devices]:
        text = "A device token does not belong on a command line, where `ps` and the shell's history show it: give the "
        raise CommandError(f"{text}device's description or number, or pipe the token in and give `-`.", USAGE)
    folded = wanted.casefold()
    named = [(number, (device.description or "").casefold()) for number, device in enumerate(devices, 1)]
    for meant in (
        [number for number, _ in named if f"#{number}" == wanted],
        [number for number, name in named if str(number) == wanted or (folded and name == folded)],
        [number for number, name in named if folded and name.startswith(folded)],
    ):
        if len(meant) == 1:
            return devices[meant[0] - 1]
        if meant:
            raise CommandError(f"More than one device fits: {_some(devices, meant)}. Give '#' and the number of one.")
    near = did_you_mean(wanted, filter(None, (device.description for device in devices)))
    known = _some(devices, range(1, len(devices) + 1)) or "none"
    raise CommandError("No device has that description or number" + (near or f"; there is {known}."))


def _some(devices: Sequence[Device], numbers: Sequence[int]) -> str:
    names = [f"#{n} ({shortened(devices[n - 1].description or 'no description', 30)})" for n in numbers[:SHOWN]]
    return ", ".join(names) + (", …" if len(numbers) > SHOWN else "")
