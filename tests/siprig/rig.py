"""The parts of the registrar tests as processes: Kamailio on free loopback ports, Node, and headless Chromium.

Each runs in the foreground, is waited for by what it says, and is ended by its own process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import attrs
import pytest

HERE = Path(__file__).parent
DOMAIN = "sip.example.test"
START = 20.0
ANSWER = 30.0


def need_parts() -> None:
    """Skip where a part is missing; fail there in CI, which has to have them."""
    missing = [name for name in ("kamailio", "turnserver", "openssl", "node", "chromium") if shutil.which(name) is None]
    if not (HERE / "node_modules" / "sip.js").is_dir():
        missing.append("node_modules")
    if missing:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"no {', '.join(missing)}: run tests/siprig/install.sh")


@attrs.define
class Registrar:
    """A running Kamailio. `log` grows while it runs: one line a message, see kamailio.cfg."""

    ws_port: int
    wss_port: int
    spki: Path
    log: list[str]
    _grown: threading.Condition

    def seen(self, pattern: str, since: int = 0) -> str:
        """The first line of the log, from line `since` on, that matches, from the match on; waits for it."""

        def find() -> str | None:
            found = (re.search(f"(?:{pattern}).*", line) for line in self.log[since:])
            return next((match[0] for match in found if match), None)

        with self._grown:
            found = self._grown.wait_for(find, ANSWER)
        assert found, f"the registrar's log has no {pattern!r}:\n" + "\n".join(self.log[since:])
        return found

    def bindings(self) -> list[dict[str, Any]]:
        """The location table, as usrloc has it; without what changes by itself, the seconds that are left."""
        with urlopen(f"http://127.0.0.1:{self.ws_port}/location", timeout=ANSWER) as answer:
            domains = json.load(answer)["result"]["Domains"]
        return [
            {name: value for name, value in contact["Contact"].items() if name != "Expires"}
            for domain in domains
            for record in domain["Domain"]["AoRs"]
            for contact in record["Info"]["Contacts"]
        ]


@contextlib.contextmanager
def run_registrar(
    directory: Path, accounts: dict[str, str], *defined: str, ports: Sequence[int] = ()
) -> Iterator[Registrar]:
    """Kamailio for `DOMAIN` with the accounts (user to password), on a ws and a wss port of 127.0.0.1.

    defined: names that its configuration asks for, such as "SHA256". ports: those of one that ran before.
    """
    sip_port, wss_port = ports or free_ports(2)
    shutil.copy(HERE.parents[1] / "examples" / "web_phone" / "kamailio.cfg", directory)
    make_certificate(directory)
    command = [
        "kamailio",
        "-DD",
        "-E",
        "-A",
        "WITH_TLS",
        "-f",
        directory / "kamailio.cfg",
        "-Y",
        directory,
        "-m",
        "32",
        "-M",
        "4",
    ]
    listen = ["-l", f"tcp:127.0.0.1:{sip_port}", "-l", f"tls:127.0.0.1:{wss_port}"]
    definitions = [word for name in defined for word in ("-A", name)]
    passwords = ";".join(f"{user}={password}" for user, password in accounts.items())
    process = subprocess.Popen(
        [*command, *listen, *definitions],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SIP_DOMAIN": DOMAIN, "SIP_PASSWORDS": passwords},
        stderr=subprocess.PIPE,
        text=True,
    )
    registrar = Registrar(sip_port, wss_port, directory / "spki.b64", [], threading.Condition())
    reader = threading.Thread(target=_read_log, args=(process, registrar))
    reader.start()
    try:
        registrar.seen("REGISTRAR ready")
        yield registrar
    finally:
        process.terminate()
        wait(process)
        reader.join()


def _read_log(process: subprocess.Popen[str], registrar: Registrar) -> None:
    assert process.stderr
    with process.stderr as lines:
        for line in lines:
            with registrar._grown:
                registrar.log.append(line.rstrip())
                registrar._grown.notify_all()


def make_certificate(directory: Path) -> None:
    """A self-signed certificate for 127.0.0.1, Kamailio's tls.cfg, and the hash by which Chromium trusts it."""
    for command in (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
        " -addext subjectAltName=IP:127.0.0.1 -addext extendedKeyUsage=serverAuth -keyout key.pem -out cert.pem",
        "x509 -in cert.pem -pubkey -noout -out public.pem",
        "pkey -pubin -in public.pem -outform der -out public.der",
        "dgst -sha256 -binary -out hash public.der",
        "base64 -in hash -out spki.b64",
    ):
        run("openssl", *command.split(), cwd=directory)
    files = f"private_key = {directory / 'key.pem'}\ncertificate = {directory / 'cert.pem'}\n"
    (directory / "tls.cfg").write_text(f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\n{files}")


def register_in_node(library: str, configuration: dict[str, Any]) -> dict[str, Any]:
    """What became of it: see `register` in phones.mjs."""
    given = json.dumps({"library": library, "configuration": configuration})
    outcome: dict[str, Any] = json.loads(run("node", HERE / "node.mjs", stdin=given))
    return outcome


@contextlib.contextmanager
def running_in_node(block: str, configuration: dict[str, Any]) -> Iterator[None]:
    """JavaScript for a page, which finds its `configuration`, for as long as the caller wants to see what it does."""
    around = (
        'import { readFileSync } from "node:fs";',
        'import { WebSocket } from "ws";',
        "globalThis.WebSocket = WebSocket;",
        "const configuration = JSON.parse(readFileSync(0));",
        block,
    )
    command = ["node", "--input-type=module", "--eval", "\n".join(around)]
    process = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, text=True)
    try:
        assert process.stdin
        process.stdin.write(json.dumps(configuration))
        process.stdin.close()
        yield
    finally:
        process.terminate()
        wait(process)


@attrs.define
class Chromium:
    """Headless Chromium at the other end of chromium.mjs."""

    _process: subprocess.Popen[str]
    _alone: threading.Lock = attrs.field(factory=threading.Lock)

    @contextlib.contextmanager
    def open(self, url: str | None = None, **options: Any) -> Iterator[Page]:
        """A page of a new browser context; without a URL the one with phones.mjs in it."""
        page = Page(self, self.ask(open=url, options=options))
        try:
            yield page
        finally:
            page.do("close")

    def ask(self, **command: Any) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        with self._alone:
            stdin.write(json.dumps(command) + "\n")
            stdin.flush()
            line = stdout.readline()
        assert line, "Chromium's driver is gone"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


@attrs.define
class Page:
    """One page; `do` is any method of Playwright's Page, or what chromium.mjs adds to them."""

    _chromium: Chromium
    _number: int

    def do(self, method: str, *args: Any) -> Any:
        return self._chromium.ask(page=self._number, do=method, args=args)


@contextlib.contextmanager
def run_chromium(trusted: Path | None = None) -> Iterator[Chromium]:
    """trusted: a file with SPKI hashes, base64; a certificate of theirs passes."""
    browser = shutil.which("chromium")
    assert browser
    process = subprocess.Popen(
        ["node", HERE / "chromium.mjs", browser, *([trusted] if trusted else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert json.loads(process.stdout.readline() or "{}") == {"ready": True}
        yield Chromium(process)
    finally:
        assert process.stdin
        process.stdin.close()
        wait(process)
        assert process.stdout
        process.stdout.close()


def wait(process: subprocess.Popen[Any]) -> None:
    """For the end of the process, which has been asked to end; it is killed if it does not."""
    try:
        process.wait(START)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(*command: str | Path, stdin: str = "", cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        input=stdin,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=ANSWER,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
