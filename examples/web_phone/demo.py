"""The web phone's demo: a loopback Siperb API and a Kamailio of its own on loopback, two phones, and an echo to call.

Everything is made up, and gone when it ends. The registrar is kamailio.cfg. It carries no sound, so the echo is a
third phone: a page that answers and sends back what it hears, in a headless Chromium where there is one, else in a
tab that you open.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from siperb.testing import SiperbServer

HERE = Path(__file__).parent
DOMAIN = "demo.example"
PHONES = {"Reception": "700", "Kitchen": "701", "Echo": "900"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
SECONDS_TO_END = 5.0

NO_KAMAILIO = (
    "The demo needs Kamailio as its registrar, and Kamailio is not installed. On Debian and Ubuntu: "
    "`sudo apt-get install --no-install-recommends kamailio kamailio-websocket-modules`; "
    "elsewhere see https://www.kamailio.org/w/download/."
)
NO_REGISTRAR = "Kamailio did not start. Check that kamailio-websocket-modules is installed. Kamailio said: {said}"


def run_demo(options: argparse.Namespace, serve: Callable[[argparse.Namespace, Callable[[], None]], None]) -> None:
    """`serve` with the demo's API, registrar and phones in the options, until it ends."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"  # nothing leaves this machine
    with ExitStack() as stack:
        port = stack.enter_context(run_registrar())
        server = stack.enter_context(SiperbServer(keep_requests=False))
        for name, number in PHONES.items():
            server.add_device(description=name, settings=phone(name, number, port))
        options.pat, options.base_url, options.insecure = server.pat, server.base_url, True
        options.device, options.echo = ["Reception", "Kitchen"], "Echo"

        def tell() -> None:
            echo = f"{options.origin}/echo"
            if browser := next(filter(None, map(shutil.which, BROWSERS)), None):
                stack.enter_context(run_browser(browser, echo))
                print(f"The echo at {PHONES['Echo']} runs in a headless {Path(browser).name}.", flush=True)
            else:
                print(f"Open {echo} in a tab too: it is the echo at {PHONES['Echo']}.", flush=True)

        serve(options, tell)


def phone(name: str, number: str, port: int) -> dict[str, object]:
    return {
        "registration_mode": "WebSocket",
        "profile_name": f"{name} | {number}",
        "sip_username": number,
        "sip_password": password(number),
        "contact_user_name": f"c{number}",
        "sip_domain": DOMAIN,
        "sip_wss_server": "127.0.0.1",
        "sip_websocket_port": str(port),
        "Buddies": [{"display": other, "exten": at} for other, at in reversed(PHONES.items()) if at != number],
    }


def password(number: str) -> str:
    return f"made-up-{number}"


@contextmanager
def run_registrar() -> Generator[int, None, None]:
    """Kamailio with the demo's accounts; its WebSocket port."""
    kamailio = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if kamailio is None:
        raise SystemExit(NO_KAMAILIO)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    passwords = ";".join(f"{number}={password(number)}" for number in PHONES.values())
    with TemporaryDirectory(prefix="web-phone-") as directory:
        command = [kamailio, "-DD", "-E", "-f", str(HERE / "kamailio.cfg"), "-Y", directory, "-m", "32", "-M", "4"]
        process = subprocess.Popen(  # noqa: S603
            [*command, "-l", f"tcp:127.0.0.1:{port}"],
            cwd=directory,
            env={**os.environ, "SIP_DOMAIN": DOMAIN, "SIP_PASSWORDS": passwords},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with ended(process):
            assert process.stderr
            wait_until_ready(process.stderr)
            threading.Thread(target=drain, args=(process.stderr,), daemon=True).start()
            yield port


def wait_until_ready(log: IO[str]) -> None:
    said: list[str] = []
    for line in log:
        if "REGISTRAR ready" in line:
            return
        said.append(line.strip())
    raise SystemExit(NO_REGISTRAR.format(said="\n".join(said[-5:]) or "nothing."))


def drain(log: IO[str]) -> None:
    """Kamailio would block on a full pipe."""
    for _ in log:
        pass


@contextmanager
def run_browser(browser: str, url: str) -> Generator[None, None, None]:
    with TemporaryDirectory(prefix="web-phone-", ignore_cleanup_errors=True) as directory:
        command = [browser, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium does not start as root with it; it opens this one page alone
        silent = subprocess.DEVNULL
        command += [f"--user-data-dir={directory}", url]
        process = subprocess.Popen(command, stdout=silent, stderr=silent)  # noqa: S603
        with ended(process):
            yield


@contextmanager
def ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Generator[None, None, None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
