"""``siperb provision --all``: every script device, a line of JSON each, in the order in which they come."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import TYPE_CHECKING

from siperb.cli.devices import list_devices
from siperb.cli.failures import ERROR, USAGE, CommandError, as_document
from siperb.cli.masking import MASKED, mask_all, secrets_in
from siperb.cli.private_file import PrivateFile, told_when_interrupted
from siperb.cli.progress import Bar
from siperb.cli.terminal import is_terminal, say, write

if TYPE_CHECKING:
    from siperb.models import Device, ProvisioningResult, Session


def provision_all(arguments: argparse.Namespace, file: PrivateFile | None) -> int:
    """Write "number", "description" and "provisioning" of each device, or "error" and "message" in its place."""
    if arguments.format == "env" or arguments.cache or not arguments.concurrency:
        raise CommandError(
            "--all goes with neither --format env nor --cache, and needs a --concurrency of 1 or more.", USAGE
        )
    from siperb.cli.credentials import client

    on_screen = not file and is_terminal(sys.stdout)
    masked = on_screen and not arguments.reveal
    done = failed = 0
    devices: list[Device] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            told_when_interrupted(file, lambda: f" after {done} of {len(devices)} devices" if devices else "")
        )
        siperb = stack.enter_context(client(arguments))
        devices = list_devices(siperb, arguments)
        numbers = {device.device_token: number for number, device in enumerate(devices, 1)}
        bar = stack.enter_context(Bar("Provisioning", quiet=on_screen))
        put = stack.enter_context(file.opened()).write if file else write
        for result in siperb.provision_all(numbers, concurrency=arguments.concurrency, on_progress=bar):
            number = numbers[result.device_token]
            said: dict[str, object] = {"number": number, "description": devices[number - 1].description}
            said |= _outcome(result, arguments.format, siperb.session, masked)
            failed += "error" in said
            put(json.dumps(said) + "\n")
            done += 1
    if masked:
        say(MASKED)
    where = f", written to {file.path}, readable for you alone" if file else ""
    say(f"{len(devices) - failed} of {len(devices)} devices provisioned{where}.")
    return ERROR if failed else 0


def _outcome(result: ProvisioningResult, form: str, session: Session | None, masked: bool) -> dict[str, object]:
    from siperb.cli.forms import build
    from siperb.errors import SiperbError

    if result.error is not None:
        return as_document(result.error)
    try:
        document = build(form, result.provisioning, session)
    except SiperbError as error:
        return as_document(error)
    return {"provisioning": mask_all(document, secrets_in(result.provisioning, session)) if masked else document}
