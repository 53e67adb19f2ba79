"""``siperb provision``: the SIP credentials of a device or of all, in the form that a program takes."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from siperb import sip
from siperb.cli import private_file
from siperb.cli.devices import as_user, choose
from siperb.cli.failures import ERROR, USAGE, CommandError, Interrupted, as_document
from siperb.cli.masking import MASKED, mask, mask_all, secrets_in
from siperb.cli.options import Options
from siperb.cli.session import client
from siperb.cli.terminal import is_terminal, json_text, printable, read_secret, say, warn, write
from siperb.cli.wait import Bar
from siperb.errors import IncompleteProvisioningError, SiperbError

if TYPE_CHECKING:
    from siperb.models import Provisioning, ProvisioningResult, Session

FIELDS = (
    "sip_username",
    "sip_password",
    "sip_domain",
    "sip_wss_server",
    "sip_websocket_port",
    "sip_server_path",
    "contact_user_name",
    "sip_jwt",
    "jwt_expires_at",
    "registration_mode",
    "profile_name",
)


def provision(options: Options) -> int:
    """Get the SIP credentials of one device, or of all.

    DEVICE is the device's description, the beginning of it, or the device's number
    in `siperb devices`. A device token is a secret: give `-` and pipe it in.
    A terminal gets secrets masked. A pipe and a file get them whole.

    formats:
      json   the fields of siperb.Provisioning; raw is the whole document
      env    NAME=value lines for a shell: SIPERB_SIP_USERNAME, SIPERB_SIP_PASSWORD
      sipjs  the options of a SIP.js UserAgent
      jssip  the options of a JsSIP UA

    examples:
      siperb provision "Front Desk" --format sipjs -o phone.json
      siperb provision --all -o phones.jsonl
      set -a; eval "$(siperb provision front --format env)"; set +a
    """
    is_many = bool(options.all or options.everyone)
    if is_many == (options.device is not None):
        raise CommandError("Give either DEVICE, or --all or --everyone; see `siperb provision --help`.", USAGE)
    if options.format == "env" and (is_many or options.json):
        raise CommandError("--format env is for one device, and is no JSON.", USAGE)
    if options.everyone and options.user is not None:
        raise CommandError("--everyone means every user: leave --user out.", USAGE)
    file = private_file.checked(options)
    is_masked = file is None and is_terminal(sys.stdout) and not options.reveal
    code = (_many if is_many else _one)(options, file, is_masked)
    if is_masked:
        say(MASKED.replace("a pipe gets", "-o FILE and a pipe get"))
    return code


def _one(options: Options, file: str | None, is_masked: bool) -> int:
    with _told_when_interrupted(lambda: _nothing_in(file)), client(options) as own:
        siperb = as_user(own, options)
        if options.device == "-":
            token = read_secret("Device token, not shown: ")
        else:
            token = choose(siperb.get_devices(), options.device).device_token
        found = siperb.get_provisioning(token)
        document = build(options.format, found, siperb.session)
        try:
            sip.jssip(found)
        except IncompleteProvisioningError as error:
            warn(str(error))
        if is_masked:
            document = mask_all(document, secrets_in(found, siperb.session))
        text = _text(options.format, document, on_screen=file is None and is_terminal(sys.stdout))
        with private_file.opened(file) as out:
            out.write(text)
    if file:
        say(f"Written to {file}, which only you can read.")
    return 0


@contextlib.contextmanager
def _told_when_interrupted(detail: Callable[[], str]) -> Generator[None, None, None]:
    try:
        yield
    except Interrupted as interrupted:
        interrupted.detail = detail()
        raise


def _nothing_in(file: str | None) -> str:
    return f": nothing was written to {file}" if file else ""


def _many(options: Options, file: str | None, is_masked: bool) -> int:
    began, done, failed, total = time.monotonic(), 0, 0, ""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_told_when_interrupted(lambda: f" after {done}{total} devices{_nothing_in(file)}"))
        own = stack.enter_context(client(options))
        siperb = as_user(own, options)
        users: dict[str, str | None] = {}
        devices: dict[str, dict[str, Any]] = {}
        if options.everyone:
            users = {user.user_id: user.email for user in siperb.get_domain_users()}
        else:
            for number, device in enumerate(siperb.get_devices(), 1):
                devices[device.device_token] = {"number": number, "description": device.description}
            total = f" of {len(devices)}"
        chosen: dict[str, Any] = {"domain_users": users} if options.everyone else {"device_tokens": devices}
        bar = stack.enter_context(Bar("Provisioning"))
        out = stack.enter_context(private_file.opened(file))
        for result in siperb.provision_all(**chosen, on_progress=bar):
            said: dict[str, Any] = devices.get(result.device_token) or {
                "user": users.get(str(result.user_id)),
                "user_id": result.user_id,
                "device_token": (mask if is_masked else str)(result.device_token) or None,
            }
            session = siperb.session if result.user_id is None else None  # it is nobody else's to have
            said |= _outcome(result, options.format, session, is_masked)
            bar.failed = failed = failed + ("error" in said)
            bar.held_until = siperb.held_until
            text = json_text(said, is_line=True, on_screen=False if file else None)
            out.write(text) if file else write(text)
            done += 1
    took = f" in {time.monotonic() - began:.1f} s" if is_terminal(sys.stderr) else ""
    where = f", written to {file}, which only you can read" if file else ""
    say(f"{done - failed} of {done} devices provisioned{took}{where}.")
    return ERROR if failed else 0


def _outcome(result: ProvisioningResult, form: str, session: Session | None, is_masked: bool) -> dict[str, Any]:
    """One that is incomplete has a document and an error: no phone registers with it."""
    if result.error is not None:
        return as_document(result.error)
    said: dict[str, Any] = {}
    try:
        document = build(form, result.provisioning, session)
        said["provisioning"] = mask_all(document, secrets_in(result.provisioning, session)) if is_masked else document
        sip.jssip(result.provisioning)
    except SiperbError as error:
        said |= as_document(error)
    return said


def build(form: str, provisioning: Provisioning, session: Session | None) -> dict[str, Any]:
    """The document of a format, with the real secrets."""
    if form in ("sipjs", "jssip"):
        return {"sipjs": sip.sipjs, "jssip": sip.jssip}[form](provisioning, session)
    values = {name: getattr(provisioning, name) for name in FIELDS}
    if provisioning.jwt_expires_at:
        values["jwt_expires_at"] = provisioning.jwt_expires_at.isoformat()
    if form == "json":
        return {**values, "raw": provisioning.to_dict()["raw"]}
    # What is missing is empty, so that no variable keeps a value of another device.
    variables = {f"SIPERB_{name.upper()}": "" if value is None else str(value) for name, value in values.items()}
    for name, value in variables.items():
        if re.search("[\0\ud800-\udfff]", value):
            raise CommandError(f"{name} has characters that no environment variable can hold: use --format json.")
    return variables


def _text(form: str, document: dict[str, Any], *, on_screen: bool) -> str:
    if form != "env":
        return json_text(document, on_screen=on_screen)
    lines = [f"{name}={shlex.quote(value)}" for name, value in document.items()]
    return "\n".join(map(printable, "\n".join(lines).split("\n")) if on_screen else lines) + "\n"
