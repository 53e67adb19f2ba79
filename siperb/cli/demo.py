"""``siperb demo``, every step from a token to a SIP configuration at a loopback API; and ``siperb serve``."""

from __future__ import annotations

import ast
import asyncio
import os
import pprint
import time
import types
from typing import Any

from siperb.cli.failures import Interrupted
from siperb.cli.masking import mask_all
from siperb.cli.options import Options
from siperb.cli.terminal import json_text, paint, say, write

STEPS = """\
A Siperb API of your own, with a made-up user
from siperb.testing import SiperbServer
server = SiperbServer()
server.start()
[device.description for device in server.user.devices]

A personal access token goes in
from siperb import Siperb
client = Siperb(server.pat, base_url=server.base_url, strict=True)
session = client.login()
session.user_id

The devices of the platform "script"
devices = client.get_devices()
[device.description for device in devices]

SIP credentials come out
phone = client.get_provisioning(devices[0].device_token)
{"sip_username": phone.sip_username, "sip_password": phone.sip_password,
 "sip_domain": phone.sip_domain, "sip_wss_server": phone.sip_wss_server}

The options of SIP.js; siperb.sip.jssip makes those of JsSIP
from siperb import sip
options = sip.sipjs(phone, session)
options

A session that ends meanwhile is renewed
server.expire_sessions()
devices = client.get_devices()
[f"{request.method} {request.route}" for request in server.requests[-3:]]

The same with asyncio, all devices at once
import asyncio
from siperb import AsyncSiperb
async with AsyncSiperb(server.pat, base_url=server.base_url, strict=True) as other:
    phones = [result.provisioning async for result in other.provision_all()]
[phone.profile_name for phone in phones]

A failure says what to do
from siperb import SiperbError
server.revoke_pat()
try:
    with Siperb(server.pat, base_url=server.base_url) as other:
        other.login()
except SiperbError as error:
    print(error)
"""
NEXT = """
Next
  siperb login     keep your own token in the keyring of this computer
  siperb devices   list your devices; then: siperb provision 1
  siperb serve     keep the API of this demo running, for your own programs
  siperb doctor    find out what does not work, and what to do about it
"""


def demo(options: Options) -> None:
    """Show every step on this machine, without an account, a network or a keyring."""
    os.environ.update({"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"})
    names: dict[str, Any] = {"__name__": "demo", "print": _print}
    try:
        for number, step in enumerate(STEPS.strip().split("\n\n"), 1):
            title, _, code = step.partition("\n")
            write(f"\n{paint(f'{number} {title}', 'bold')}\n")
            for line in code.split("\n"):
                prompt = "... " if line.startswith((" ", "except ")) else ">>> "
                write(f"{paint(prompt, 'dim')}{paint(line, 'cyan')}\n")
            _execute(code, names)
    finally:
        if "client" in names:
            names["client"].close()
        if "server" in names:
            names["server"].stop()
    write(NEXT)


def _print(value: object) -> None:
    write(f"{value}\n")


def _execute(code: str, names: dict[str, Any]) -> None:
    """Run the statements, ``await`` allowed, and show what an expression comes to, as the interpreter does."""
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Call):
            value = eval(compile(ast.Expression(statement.value), "<demo>", "eval"), names)  # noqa: S307
            secrets = [getattr(names.get("phone"), name, None) for name in ("sip_password", "sip_jwt")]
            write(f"{pprint.pformat(mask_all(value, secrets), sort_dicts=False)}\n")
            continue
        compiled = compile(ast.Module([statement], []), "<demo>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        answer: object = types.FunctionType(compiled, names)()
        if asyncio.iscoroutine(answer):
            asyncio.run(answer)


def serve(options: Options) -> None:
    """Keep a loopback Siperb API running, with a made-up user, until Ctrl-C.

    It prints the two environment variables by which programs find it.

    examples:
      siperb serve --port 8080
      siperb serve > api.env &    then: . ./api.env
    """
    from siperb.testing import SiperbServer

    server = SiperbServer(port=options.port or 0, keep_requests=False)
    server.add_devices(options.devices or 0)
    with server:
        environment = {"SIPERB_BASE_URL": server.base_url, "SIPERB_PAT": server.pat}
        exports = "".join(f"export {name}={value}\n" for name, value in environment.items())
        write(json_text(environment) if options.json else exports)
        say(f"Serving at {server.base_url}. Ctrl-C ends it.")
        try:
            while True:
                time.sleep(0.5)  # on Windows a wait without an end hears no signal
        except Interrupted:
            pass
