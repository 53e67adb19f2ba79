"""``siperb devices``: what there is to provision; and how a command line names a device without its token."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from siperb.cli.failures import USAGE, CommandError
from siperb.cli.masking import mask
from siperb.cli.parser import Parser, did_you_mean
from siperb.cli.table import show_table
from siperb.cli.terminal import is_terminal, say, shortened, write_json
from siperb.cli.users import of_user

if TYPE_CHECKING:
    from typing_extensions import Never

    from siperb.cli.client import CommandClient
    from siperb.models import Device
    from siperb.sync.client import Siperb

SHOWN = 5  # devices named in an error


def add_to(parser: Parser) -> None:
    parser.add(
        "devices",
        run,
        "list the script devices",
        "Device tokens are secrets: a table has them masked, --json masks them on a terminal, unless --reveal\n"
        "is given. In a pipe a device is a line with tabs, without a header.",
        examples="  siperb devices\n  siperb devices --json | jq -r '.[0].device_token' | siperb provision -",
        options="user connection cache json reveal",
    )


def run(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client

    with client(arguments) as own:
        devices = list_devices(of_user(own, arguments), arguments)
        if arguments.json:
            _write_json(devices, masked=is_terminal(sys.stdout) and not arguments.reveal)
        elif devices:
            _show_table(devices, masked=not arguments.reveal)
        else:
            say('There is no script device: make one at Siperb, with the platform "script".')
    return 0


def _write_json(devices: Sequence[Device], *, masked: bool) -> None:
    write_json(
        [
            {
                "number": number,
                "description": device.description,
                "platform": device.platform,
                "device_token": mask(device.device_token) if masked else device.device_token,
            }
            for number, device in enumerate(devices, 1)
        ]
    )


def _show_table(devices: Sequence[Device], *, masked: bool) -> None:
    rows: list[tuple[str, str, str]] = []
    for number, device in enumerate(devices, 1):
        token = mask(device.device_token) if masked else device.device_token
        rows.append((str(number), device.description or "", token))
    show_table(("#", "DESCRIPTION", "DEVICE TOKEN"), rows)


def list_devices(siperb: Siperb[Never], arguments: argparse.Namespace) -> list[Device]:
    return siperb.get_devices(enable_cache=arguments.cache)


def find_device(siperb: CommandClient, wanted: str) -> Device:
    """Of any platform; the script devices come first, so that their numbers are those of `siperb devices`."""
    return choose(sorted(siperb.get_devices(platform=None), key=lambda device: device.platform != "script"), wanted)


def choose(devices: Sequence[Device], wanted: str) -> Device:
    """The device of that description, or of that number in the list, or the only one whose description begins so.

    ``#2`` is always the number; ``2`` is refused where one device is the second and another is called so.
    `CommandError` when there is none or more than one; it does not repeat what was wanted, for that may be a secret.
    """
    if re.fullmatch(r"t[0-9a-f]{64}", wanted) or wanted in [device.device_token for device in devices]:
        raise CommandError(
            "A device token does not belong on a command line, where `ps` and the shell's history show it: name the "
            "device by its description or its number, or pipe the token in and give `-`.",
            USAGE,
        )
    folded = wanted.casefold()
    names = [(device.description or "").casefold() for device in devices]
    numbers = range(1, len(devices) + 1)
    called = [number for number, name in enumerate(names, 1) if folded and name == folded]
    for matches in (
        [number for number in numbers if f"#{number}" == wanted],
        [number for number in numbers if str(number) == wanted or number in called],
        [number for number, name in enumerate(names, 1) if folded and name.startswith(folded)],
    ):
        if len(matches) == 1:
            return devices[matches[0] - 1]
        if matches:
            raise CommandError(f"More than one device fits: {_some(devices, matches)}; give '#' and the number of one.")
    known = _some(devices, numbers)
    near = did_you_mean(wanted, filter(None, (device.description for device in devices)))
    raise CommandError("No device has that description or number" + (near or f"; there is {known or 'none'}."))


def _some(devices: Sequence[Device], numbers: Sequence[int]) -> str:
    names = {number: shortened(devices[number - 1].description or "no description", 30) for number in numbers[:SHOWN]}
    named = [f"#{number} ({name})" for number, name in names.items()]
    return ", ".join(named) + (", …" if len(numbers) > SHOWN else "")
