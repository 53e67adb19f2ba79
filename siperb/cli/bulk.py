"""``siperb provision --all``: every script device, a line of JSON each, in the order in which they come."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from typing import TYPE_CHECKING

from siperb.cli.devices import list_devices
from siperb.cli.failures import ERROR, USAGE, CommandError, as_document
from siperb.cli.masking import MASKED, mask_all, secrets_in
from siperb.cli.private_file import PrivateFile, told_when_interrupted
from siperb.cli.terminal import is_terminal, json_text, say, write
from siperb.cli.wait import Bar

if TYPE_CHECKING:
    from siperb.models import Device, ProvisioningResult, Session


def provision_all(arguments: argparse.Namespace, file: PrivateFile | None) -> int:
    """Write "number", "description" and "provisioning" of each device, and "error" and "message" of one that failed.

    One that is incomplete has both: no phone registers with it.
    """
    if arguments.format == "env" or arguments.cache or not arguments.concurrency:
        raise CommandError(
            "--all goes with neither --format env nor --cache, and needs a --concurrency of 1 or more.", USAGE
        )
    from siperb.cli.client import client

    on_screen = not file and is_terminal(sys.stdout)
    masked = on_screen and not arguments.reveal
    began = time.monotonic()
    done = failed = 0
    devices: list[Device] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            told_when_interrupted(file, lambda: f" after {done} of {len(devices)} devices" if devices else "")
        )
        siperb = stack.enter_context(client(arguments))
        devices = list_devices(siperb, arguments)
        numbers = {device.device_token: number for number, device in enumerate(devices, 1)}
        bar = stack.enter_context(Bar("Provisioning"))
        put = stack.enter_context(file.opened()).write if file else write
        for result in siperb.provision_all(numbers, concurrency=arguments.concurrency, on_progress=bar):
            number = numbers[result.device_token]
            said: dict[str, object] = {"number": number, "description": devices[number - 1].description}
            said |= _outcome(result, arguments.format, siperb.session, masked)
            bar.failed = failed = failed + ("error" in said)
            bar.held_until = siperb.held_until
            put(json_text(said, on_screen=on_screen))
            done += 1
    if masked:
        say(MASKED)
    where = f", written to {file.path}, readable for you alone" if file else ""
    took = f" in {time.monotonic() - began:.1f} s" if is_terminal(sys.stderr) else ""
    say(f"{len(devices) - failed} of {len(devices)} devices provisioned{took}{where}.")
    return ERROR if failed else 0


def _outcome(result: ProvisioningResult, form: str, session: Session | None, masked: bool) -> dict[str, object]:
    from siperb import sip
    from siperb.cli.forms import build
    from siperb.errors import SiperbError

    if result.error is not None:
        return as_document(result.error)
    said: dict[str, object] = {}
    try:
        document = build(form, result.provisioning, session)
        said["provisioning"] = mask_all(document, secrets_in(result.provisioning, session)) if masked else document
        sip.jssip(result.provisioning)
    except SiperbError as error:
        said |= as_document(error)
    return said
