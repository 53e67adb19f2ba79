"""``siperb provision``: the SIP credentials of a device, in the form that a program takes."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from siperb.cli.bulk import provision_all
from siperb.cli.devices import choose, list_devices
from siperb.cli.failures import USAGE, CommandError
from siperb.cli.masking import MASKED, mask_all, secrets_in
from siperb.cli.parser import Parser, count
from siperb.cli.private_file import PrivateFile, told_when_interrupted
from siperb.cli.registration import check_registration
from siperb.cli.secret_input import read_secret
from siperb.cli.terminal import is_terminal, say, warn, write
from siperb.cli.users import of_user

if TYPE_CHECKING:
    from typing_extensions import Never

    from siperb.models import Provisioning
    from siperb.sync.client import Siperb

ABOUT = """\
DEVICE is the description of the device, the beginning of it that no other has, or its number in `siperb devices`;
'#2' is always the number.
A device token is a secret and no argument: `-` reads it from stdin, or asks for it without echo.

A pipe and a file get the secrets, a terminal gets them masked unless --reveal is given.

  json   the fields of siperb.Provisioning; raw is the whole document
  env    NAME=value lines for a shell: SIPERB_SIP_USERNAME, SIPERB_SIP_PASSWORD, …
  sipjs  the options of a SIP.js UserAgent
  jssip  the options of a JsSIP UA
"""

EXAMPLES = """\
  siperb provision "Front Desk"
  siperb provision 1 --format sipjs -o phone.json
  siperb provision front --check
  siperb provision --all -o phones.jsonl
  siperb provision --all --everyone -o phones.jsonl
  set -a; eval "$(siperb provision front --format env)"; set +a
"""


def add_to(parser: Parser) -> None:
    command = parser.add(
        "provision",
        run,
        "fetch the SIP credentials of a device",
        ABOUT,
        examples=EXAMPLES,
        options="user connection cache json reveal",
    )
    device = command.add_mutually_exclusive_group(required=True)
    device.add_argument("device", metavar="DEVICE", nargs="?", help="description, number, or - for a token on stdin")
    device.add_argument("--all", action="store_true", help="every script device, a line of JSON each, as they come")
    command.add_argument("--everyone", action="store_true", help="with --all: of every user of your domain")
    command.add_argument("--check", action="store_true", help="ask the SIP registrar whether it takes them, instead")
    command.add_argument("--concurrency", type=count, default=16, metavar="N", help="calls at a time for --all (16)")
    command.add_argument("--format", choices=("json", "env", "sipjs", "jssip"), default="json", help="default: json")
    command.add_argument("-o", "--output", metavar="FILE", help="a file, readable for you alone (0600); - is stdout")


def run(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client
    from siperb.cli.forms import build, render

    file = PrivateFile(arguments.output) if arguments.output not in (None, "-") else None
    if arguments.json and arguments.format == "env":
        raise CommandError("--json does not go with --format env, which is no JSON.", USAGE)
    if arguments.check and (arguments.all or file):
        raise CommandError("--check goes with neither --all nor -o.", USAGE)
    if arguments.everyone and (arguments.user is not None or not arguments.all):
        raise CommandError("--everyone goes with --all, and not with --user.", USAGE)
    if arguments.all:
        return provision_all(arguments, file)
    with told_when_interrupted(file) if file else nullcontext(), client(arguments) as own:
        siperb = of_user(own, arguments)
        device_token = _device_token(siperb, arguments)
        provisioning = siperb.get_provisioning(device_token, enable_cache=arguments.cache)
        if arguments.check:
            return check_registration(siperb, provisioning, arguments)
        document = build(arguments.format, provisioning, siperb.session)
        _warn_if_incomplete(provisioning)
        on_screen = not file and is_terminal(sys.stdout)
        masked = on_screen and not arguments.reveal
        if masked:
            document = mask_all(document, secrets_in(provisioning, siperb.session))
        text = render(arguments.format, document, on_screen=on_screen)
        if file:
            file.write(text)
            say(f"Written to {file.path}, readable for you alone.")
        else:
            write(text)
        if masked:
            say(MASKED)
    return 0


def _warn_if_incomplete(provisioning: Provisioning) -> None:
    """The forms for libraries are refused for an incomplete document; the others are of use, but not to a phone."""
    from siperb import sip
    from siperb.errors import IncompleteProvisioningError

    try:
        sip.check(provisioning)
    except IncompleteProvisioningError as error:
        warn(str(error))


def _device_token(siperb: Siperb[Never], arguments: argparse.Namespace) -> str:
    if arguments.device == "-":
        return read_secret("Device token, not shown: ")
    return choose(list_devices(siperb, arguments), arguments.device).device_token
