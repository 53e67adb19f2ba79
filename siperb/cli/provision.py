"""``siperb provision``: the SIP credentials of a device or of all, in the form that a program takes."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING, Any, TextIO

from siperb import sip
from siperb.cli import secrets
from siperb.cli.devices import as_user, choose_device
from siperb.cli.failures import ERROR, USAGE, CommandError, as_document
from siperb.cli.parser import Options
from siperb.cli.secrets import MASKED, mask, mask_all
from siperb.cli.session import CommandClient, client
from siperb.cli.terminal import WARNING, Bar, is_terminal, json_text, printable, read_secret, say, write
from siperb.errors import IncompleteProvisioningError, SiperbError

if TYPE_CHECKING:
    from siperb.models import Provisioning, Session


def provision(options: Options) -> int:
    """DEVICE is the device's description, the beginning of it, or the device's number
    in `siperb devices`. A device token is a secret: give `-` and pipe it in.

    env is NAME=value lines for a shell, sipjs and jssip are the options of these
    libraries, json has all fields; its raw is the API's whole document.

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
    file = secrets.checked(options)
    is_masked = file is None and is_terminal(sys.stdout) and not options.reveal
    with client(options) as own, secrets.opened(file) as out:
        code = (_many if is_many else _one)(as_user(own, options), options, out if file else None, is_masked)
    if file:
        say(f"Written to {file}, which only you can read.")
    elif is_masked:
        say(MASKED)
    return code


def _one(siperb: CommandClient, options: Options, file: TextIO | None, is_masked: bool) -> int:
    if options.device == "-":
        token = read_secret("Device token, not shown: ")
    else:
        token = choose_device(siperb.get_devices(), options.device).device_token
    found = siperb.get_provisioning(token)
    document = build(options.format, found, siperb.session, is_masked=is_masked)
    try:
        sip.check(found)
    except IncompleteProvisioningError as error:
        say(str(error), **WARNING)
    on_screen = not file and is_terminal(sys.stdout)
    if options.format == "env":
        lines = [f"{name}={shlex.quote(value)}" for name, value in document.items()]
        write("".join(f"{printable(line) if on_screen else line}\n" for line in lines), file)
    else:
        write(json_text(document, on_screen=on_screen), file)
    return 0


def _many(siperb: CommandClient, options: Options, file: TextIO | None, is_masked: bool) -> int:
    failed, done = 0, 0
    devices = enumerate([] if options.everyone else siperb.get_devices(), 1)
    names = {one.device_token: {"number": number, "description": one.description} for number, one in devices}
    users = {user.user_id: user.email for user in siperb.get_domain_users()} if options.everyone else {}
    chosen: dict[str, Any] = {"domain_users": users} if options.everyone else {"device_tokens": names}
    bar = Bar("Provisioning")
    bar(0, len(names))
    with bar:
        for result in siperb.provision_all(**chosen, on_progress=bar):
            said: dict[str, Any] = {**names.get(result.device_token, {})}
            if options.everyone:
                token = mask(result.device_token) if is_masked else result.device_token
                said |= {"user": users.get(str(result.user_id)), "user_id": result.user_id, "device_token": token}
            try:
                if result.error is not None:
                    raise result.error
                session = siperb.session if result.user_id is None else None  # it is nobody else's to have
                said["provisioning"] = build(options.format, result.provisioning, session, is_masked=is_masked)
                sip.check(result.provisioning)  # no phone registers with one that is incomplete
            except SiperbError as error:
                said |= as_document(error)
                failed += 1
            bar.failed, done = failed, done + 1
            write(json_text(said, is_line=True, on_screen=False if file else None), file)
    say(f"{done - failed} of {done} devices provisioned.")
    return ERROR if failed else 0


def build(form: str, found: Provisioning, session: Session | None, *, is_masked: bool = False) -> dict[str, Any]:
    """The document of a format."""
    values = found.to_dict()
    raw = values.pop("raw")
    values["jwt_expires_at"] = found.jwt_expires_at and found.jwt_expires_at.isoformat()
    if form in ("sipjs", "jssip"):
        document = sip.sipjs(found, session) if form == "sipjs" else sip.jssip(found, session)
    elif form == "json":
        document = {**values, "raw": raw}
    else:  # what is missing is empty, so that no variable keeps a value of another device
        document = {f"SIPERB_{name.upper()}": str(value or "") for name, value in values.items()}
        if unfit := [name for name, value in document.items() if re.search("[\0\ud800-\udfff]", value)]:
            raise CommandError(f"{unfit[0]} has characters that no variable can hold: use --format json.")
    secrets = (found.sip_password, found.sip_jwt, session.session_token if session else None)
    return mask_all(document, secrets) if is_masked else document
