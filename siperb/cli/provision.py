"""``siperb provision``: the SIP credentials of a device or of all, in the form that a program takes."""

from __future__ import annotations

import re
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from siperb import sip
from siperb.cli import private_file
from siperb.cli.devices import as_user, choose
from siperb.cli.failures import ERROR, USAGE, CommandError, as_document
from siperb.cli.masking import MASKED, mask, mask_all
from siperb.cli.options import Options
from siperb.cli.session import CommandClient, client
from siperb.cli.terminal import is_terminal, json_text, printable, read_secret, say, warn, write
from siperb.cli.wait import Bar
from siperb.errors import IncompleteProvisioningError, SiperbError

if TYPE_CHECKING:
    from siperb.models import Provisioning, Session

FIELDS = [
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
]


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
    with client(options) as own, private_file.opened(file) as out:
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
        token = choose(siperb.get_devices(), options.device).device_token
    found = siperb.get_provisioning(token)
    document = _document(options, found, siperb.session, is_masked)
    try:
        sip.check(found)
    except IncompleteProvisioningError as error:
        warn(str(error))
    if options.format == "env":
        text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in document.items())
        shown = "\n".join(map(printable, text.split("\n"))) if not file and is_terminal(sys.stdout) else text
    else:
        shown = json_text(document, on_screen=False if file else None)
    write(shown, file)
    return 0


def _many(siperb: CommandClient, options: Options, file: TextIO | None, is_masked: bool) -> int:
    began, failed, done = time.monotonic(), 0, 0
    devices = enumerate([] if options.everyone else siperb.get_devices(), 1)
    names = {one.device_token: {"number": number, "description": one.description} for number, one in devices}
    users = {user.user_id: user.email for user in siperb.get_domain_users()} if options.everyone else {}
    chosen: dict[str, Any] = {"domain_users": users} if options.everyone else {"device_tokens": names}
    with Bar("Provisioning") as bar:
        bar(0, len(names))
        for result in siperb.provision_all(**chosen, on_progress=bar):
            said: dict[str, Any] = {**names.get(result.device_token, {})}
            if options.everyone:
                token = mask(result.device_token) if is_masked else result.device_token
                said |= {
                    "user": users.get(str(result.user_id)),
                    "user_id": result.user_id,
                    "device_token": token or None,
                }
            try:
                if result.error is not None:
                    raise result.error
                session = siperb.session if result.user_id is None else None  # it is nobody else's to have
                said["provisioning"] = _document(options, result.provisioning, session, is_masked)
                sip.check(result.provisioning)  # no phone registers with one that is incomplete
            except SiperbError as error:
                said |= as_document(error)
                failed += 1
            bar.failed, bar.held_until, done = failed, siperb.held_until, done + 1
            write(json_text(said, is_line=True, on_screen=False if file else None), file)
    took = f" in {time.monotonic() - began:.1f} s" if is_terminal(sys.stderr) else ""
    say(f"{done - failed} of {done} devices provisioned{took}.")
    return ERROR if failed else 0


def _document(options: Options, found: Provisioning, session: Session | None, is_masked: bool) -> dict[str, Any]:
    document = build(options.format, found, session)
    secrets = (found.sip_password, found.sip_jwt, session.session_token if session else None)
    return mask_all(document, secrets) if is_masked else document


def build(form: str, found: Provisioning, session: Session | None) -> dict[str, Any]:
    """The document of a format, with the real secrets."""
    if form in ("sipjs", "jssip"):
        return sip.sipjs(found, session) if form == "sipjs" else sip.jssip(found, session)
    values: dict[str, Any] = {name: getattr(found, name) for name in FIELDS}
    values["jwt_expires_at"] = found.jwt_expires_at and found.jwt_expires_at.isoformat()
    if form == "json":
        return {**values, "raw": found.to_dict()["raw"]}
    # What is missing is empty, so that no variable keeps a value of another device.
    variables = {f"SIPERB_{name.upper()}": "" if value is None else str(value) for name, value in values.items()}
    for name, value in variables.items():
        if re.search("[\0\ud800-\udfff]", value):
            raise CommandError(f"{name} has characters that no environment variable can hold: use --format json.")
    return variables
