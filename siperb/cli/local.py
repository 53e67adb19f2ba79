"""``siperb demo``, ``serve``, ``completion``: what needs no account."""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import pprint
import time
from typing import Any

from siperb.cli.failures import CommandError, Interrupted
from siperb.cli.parser import COMMANDS, Options, Parser, parser_of
from siperb.cli.secrets import mask_all
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

A failure says what to do
from siperb import SiperbError
server.revoke_pat()
try:
    client.login()
except SiperbError as error:
    print(error)
"""
NEXT = """
  siperb login     keep your own token in the keyring of this computer
  siperb devices   list your devices; then: siperb provision 1
  siperb doctor    find out what does not work, and what to do about it
"""


def demo(options: Options) -> None:
    """It needs no account, no network and no keyring."""
    os.environ.update({"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"})
    shown: list[object] = []
    names: dict[str, Any] = {"__name__": "demo", "print": shown.append}
    try:
        for number, step in enumerate(STEPS.strip().split("\n\n"), 1):
            title, _, code = step.partition("\n")
            if not options.json:
                write(f"\n{paint(f'{number} {title}', 'bold')}\n")
                for line in code.split("\n"):
                    prompt = "... " if line.startswith((" ", "except ")) else ">>> "
                    write(f"{paint(prompt, 'dim')}{paint(line, 'cyan')}\n")
            shown.clear()
            for statement in ast.parse(code).body:
                _execute(statement, names, shown)
            said = {"step": number, "title": title, "code": code, "shown": "\n".join(map(str, shown))}
            write(json_text(said, is_line=True) if options.json else "".join(f"{text}\n" for text in shown))
    finally:
        if "client" in names:
            names["client"].close()
        if "server" in names:
            names["server"].stop()
    write("" if options.json else NEXT)


def _execute(statement: ast.stmt, names: dict[str, Any], shown: list[object]) -> None:
    """Run a statement. An expression is shown as the interpreter does."""
    if not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Call):
        exec(compile(ast.Module([statement], []), "<demo>", "exec"), names)  # noqa: S102
        return
    value = eval(compile(ast.Expression(statement.value), "<demo>", "eval"), names)  # noqa: S307
    secrets = [getattr(names.get("phone"), name, None) for name in ("sip_password", "sip_jwt")]
    shown.append(pprint.pformat(mask_all(value, secrets), sort_dicts=False))


def serve(options: Options) -> None:
    """It has a made-up user, and prints the environment variables by which programs
    find it. Ctrl-C ends it.

    example: siperb serve > api.env &    then: . ./api.env
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


def completion(options: Options) -> None:
    """It needs shtab: pip install "siperb[completion]"

    example, for bash:
      siperb completion bash > ~/.local/share/bash-completion/completions/siperb
    """
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        raise CommandError('The completions need shtab: pip install "siperb[completion]".') from None
    program = Parser("siperb", "")
    top: Any = program.add_subparsers(parser_class=argparse.ArgumentParser)
    groups: dict[str, Any] = {"": top}
    for name, (_, summary, _) in COMMANDS.items():
        group, _, action = name.rpartition(" ")
        if group not in groups:
            groups[group] = top.add_parser(group, help=f"{group} commands").add_subparsers()
        real: Any = parser_of(name)
        for argument in real._actions:
            if argument.metavar == "FILE":
                argument.complete = shtab.FILE
        groups[group].add_parser(action, help=summary, parents=[real], add_help=False)
    script: str = shtab.complete(program, options.shell) + "\n"
    write(json_text({"shell": options.shell, "script": script}) if options.json else script)
