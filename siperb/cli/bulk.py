"""``siperb provision --all``: every script device, a line of JSON each, in the order in which they come."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from siperb.cli.devices import list_devices
from siperb.cli.failures import ERROR, USAGE, CommandError, as_document
from siperb.cli.masking import MASKED, mask, mask_all, secrets_in
from siperb.cli.private_file import PrivateFile, told_when_interrupted
from siperb.cli.terminal import is_terminal, json_text, say, write
from siperb.cli.users import of_user
from siperb.cli.wait import Bar

if TYPE_CHECKING:
    from siperb.cli.client import CommandClient
    from siperb.models import ProvisioningResult, Session


Name = Callable[["ProvisioningResult"], dict[str, object]]
Plan = tuple[dict[str, Any], int | None, Name]  # what to provision, how many that are, what names each


def provision_all(arguments: argparse.Namespace, file: PrivateFile | None) -> int:
    """Write whose device it is and its "provisioning", and "error" and "message" of one that failed.

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
    done = failed = unlisted = 0
    total: int | None = 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(told_when_interrupted(file, lambda: _after(done, total)))
        own = stack.enter_context(client(arguments))
        siperb = of_user(own, arguments)
        options, total, name = (_of_everyone if arguments.everyone else _of_one)(siperb, arguments, masked)
        bar = stack.enter_context(Bar("Provisioning"))
        put = stack.enter_context(file.opened()).write if file else write
        for result in siperb.provision_all(**options, concurrency=arguments.concurrency, on_progress=bar):
            session = siperb.session if result.user_id is None else None  # it is nobody else's to have
            said = name(result) | _outcome(result, arguments.format, session, masked)
            bar.failed = failed = failed + ("error" in said)
            bar.held_until = siperb.held_until
            put(json_text(said, on_screen=on_screen))
            done += 1
            unlisted += not result.device_token
    if masked:
        say(MASKED)
    where = f", written to {file.path}, readable for you alone" if file else ""
    took = f" in {time.monotonic() - began:.1f} s" if is_terminal(sys.stderr) else ""
    lists = f"; the devices of {unlisted} user{'s' if unlisted > 1 else ''} could not be listed" if unlisted else ""
    total = done - unlisted if total is None else total
    say(f"{total - failed + unlisted} of {total} devices provisioned{took}{where}{lists}.")
    return ERROR if failed else 0


def _of_one(siperb: CommandClient, arguments: argparse.Namespace, masked: bool) -> Plan:
    devices = list_devices(siperb, arguments)
    numbers = {device.device_token: number for number, device in enumerate(devices, 1)}

    def name(result: ProvisioningResult) -> dict[str, object]:
        number = numbers[result.device_token]
        return {"number": number, "description": devices[number - 1].description}

    return {"device_tokens": numbers}, len(numbers), name


def _of_everyone(siperb: CommandClient, arguments: argparse.Namespace, masked: bool) -> Plan:
    users = {user.user_id: user.email for user in siperb.get_domain_users()}

    def name(result: ProvisioningResult) -> dict[str, object]:
        said: dict[str, object] = {"user": users.get(str(result.user_id)), "user_id": result.user_id}
        token = result.device_token
        return {**said, "device_token": mask(token) if masked else token} if token else said

    return {"domain_users": users}, None, name


def _after(done: int, total: int | None) -> str:
    if total is None:
        return f" after {done} devices"
    return f" after {done} of {total} devices" if total else ""


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
        sip.check(result.provisioning)
    except SiperbError as error:
        said |= as_document(error)
    return said
