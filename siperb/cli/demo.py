"""``siperb demo``: every step from a token to a SIP configuration, on both facades, at a loopback API.

A step is Python source. What is shown is what is run: both come from `Step.code`.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import os
import sys
import time
import types
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, NamedTuple

from siperb.cli import terminal
from siperb.cli.masking import mask, mask_all
from siperb.cli.parser import Parser
from siperb.cli.terminal import Paint, write_json

Names = dict[str, Any]


def add_to(parser: Parser) -> None:
    parser.add(
        "demo",
        run,
        "show every step on this machine alone: no account, no network, no keyring",
        "Starts a loopback Siperb API with a made-up user, and runs the Python lines that it shows.",
        options="json",
    )


def run(arguments: argparse.Namespace) -> int:
    with _no_proxy():
        told = _run(STEPS, Paint(sys.stdout), quiet=arguments.json)
    if arguments.json:
        write_json(told)
    return 0


class Step(NamedTuple):
    """A title, the Python lines, and what came back as lines of text; secrets are masked there."""

    title: str
    code: str
    came_back: Callable[[Names], Iterable[str]]


def _run(steps: Iterable[Step], paint: Paint, *, quiet: bool = False) -> list[dict[str, object]]:
    """Show the steps while they are run, unless `quiet`; the same for a program."""
    show = _nowhere if quiet else terminal.show
    told: list[dict[str, object]] = []
    began = time.perf_counter()
    names: Names = {"__name__": "demo"}
    show(f"{paint('siperb demo', 'bold')}: a made-up user of a Siperb API on loopback. Secrets are shown masked.")
    try:
        for number, step in enumerate(steps, 1):
            show(f"\n{paint(f'{number} {step.title}', 'bold')}")
            for line in step.code.splitlines():
                prompt = "... " if line.startswith((" ", "except ")) else ">>> "
                show(f"  {paint(prompt, 'dim')}{paint(line, 'cyan')}")
            seconds = _execute(step.code, names)
            came_back = list(step.came_back(names))
            told.append({"title": step.title, "code": step.code, "came_back": came_back, "seconds": round(seconds, 3)})
            *lines, last = came_back
            for line in lines:
                show(f"  {line}")
            show(f"  {last} {paint(f'({1000 * seconds:.0f} ms)', 'dim')}")
    finally:
        if "server" in names:
            names["server"].stop()
    show(f"\n{len(names['server'].requests)} requests in {time.perf_counter() - began:.1f} s; nothing was kept.\n")
    show(paint("Next", "bold"))
    for command, purpose in NEXT:
        show(f"  {paint(f'{command:25}', 'cyan')}{purpose}")
    return told


def _nowhere(text: str) -> None: ...


def _execute(code: str, names: Names) -> float:
    """Run the statements one by one, ``await`` allowed, as ``python -m asyncio`` does; the seconds that they took."""
    began = time.perf_counter()
    for statement in ast.parse(code).body:
        module = ast.Module([statement], type_ignores=[])
        compiled = compile(module, "<siperb demo>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        answer: object = types.FunctionType(compiled, names)()
        if asyncio.iscoroutine(answer):
            asyncio.run(answer)
    return time.perf_counter() - began


@contextmanager
def _no_proxy() -> Generator[None, None, None]:
    """Keep a proxy of this machine out of what stays on loopback."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    os.environ.update(dict.fromkeys(before, "127.0.0.1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


# What came back, step by step.


def _server(names: Names) -> Iterable[str]:
    server = names["server"]
    yield f"{server.base_url}, {len(server.users)} user, {len(server.user.devices)} devices"


def _session(names: Names) -> Iterable[str]:
    session = names["session"]
    yield f"user {session.user_id}, session token {mask(session.session_token)}"


def _devices(names: Names) -> Iterable[str]:
    for device in names["devices"]:
        yield f"{device.description:12}{device.platform:10}{mask(device.device_token)}"


def _phone(names: Names) -> Iterable[str]:
    phone = names["phone"]
    yield f"sip_username    {phone.sip_username}"
    yield f"sip_password    {mask(phone.sip_password)}"
    yield f"sip_domain      {phone.sip_domain}"
    yield f"sip_wss_server  {phone.sip_wss_server}, port {phone.sip_websocket_port}, path {phone.sip_server_path}"
    yield f"sip_jwt         {mask(phone.sip_jwt)}, good until {phone.jwt_expires_at:%Y-%m-%d %H:%M} UTC"


def _options(names: Names) -> Iterable[str]:
    phone, session = names["phone"], names["session"]
    secrets = (phone.sip_password, phone.sip_jwt, session.session_token)
    for name, value in mask_all(names["options"], secrets).items():
        for number, line in enumerate(value if name == "extraHeaders" else [value]):
            yield f"{'' if number else name:23} {line}"


def _renewed(names: Names) -> Iterable[str]:
    asked = [f"{request.method} {request.route}" for request in names["server"].requests[-3:]]
    yield f"{len(names['devices'])} devices; the API heard: {', '.join(asked)}"


def _phones(names: Names) -> Iterable[str]:
    for phone in names["phones"]:
        yield f"{phone.profile_name:20}{phone.sip_username}"


def _refused(names: Names) -> Iterable[str]:
    yield f"{type(names['refused']).__name__}: {names['refused']}"


STEPS = (
    Step(
        "A Siperb API of your own",
        "from siperb.testing import SiperbServer\nserver = SiperbServer()\nserver.start()",
        _server,
    ),
    Step(
        "A personal access token goes in",
        "from siperb import Siperb\n"
        "client = Siperb(server.pat, base_url=server.base_url, strict=True)\n"
        "session = client.login()",
        _session,
    ),
    Step("The devices of the platform 'script'", "devices = client.get_devices()", _devices),
    Step(
        "SIP credentials come out",
        "phone = client.get_provisioning(devices[0].device_token)",
        _phone,
    ),
    Step(
        "As a softphone in a browser takes them (SIP.js; siperb.sip.jssip makes those of JsSIP)",
        "from siperb import sip\noptions = sip.sipjs(phone, session)",
        _options,
    ),
    Step(
        "A session that ends meanwhile is renewed",
        "server.expire_sessions()\ndevices = client.get_devices()\nclient.close()",
        _renewed,
    ),
    Step(
        "The same with asyncio, all devices at once",
        "import asyncio\n"
        "from siperb import AsyncSiperb\n"
        "async with AsyncSiperb(server.pat, base_url=server.base_url, strict=True) as client:\n"
        "    devices = await client.get_devices()\n"
        "    phones = await asyncio.gather(*(client.get_provisioning(one.device_token) for one in devices))",
        _phones,
    ),
    Step(
        "What fails says what to do",
        "from siperb import SiperbError\n"
        "server.revoke_pat()\n"
        "try:\n"
        "    with Siperb(server.pat, base_url=server.base_url) as client:\n"
        "        client.login()\n"
        "except SiperbError as error:\n"
        "    refused = error",
        _refused,
    ),
)

NEXT = (
    ("siperb login", "keep your own personal access token in the keyring of this computer"),
    ("siperb devices", "see your devices; then: siperb provision 1 --format sipjs -o phone.json"),
    ("siperb serve", "have the API of this demo for a program of yours, in any language"),
    ("siperb doctor", "find out what does not work, and what to do about it"),
)
