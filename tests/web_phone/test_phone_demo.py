"""The web phone's demo, one command from nothing to a call of the echo; and what it says where it cannot start."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from phone_pair import SPY, UNTIL, Phone
from siprig import rig
from siprig.rig import Chromium
from siprig.web_phone import DESKTOP, EXAMPLE, built_fixture, run_app  # noqa: F401

pytestmark = pytest.mark.registrar


@pytest.fixture(scope="module", name="chromium")
def chromium_fixture() -> Iterator[Chromium]:
    rig.need_parts()
    with rig.run_chromium() as chromium:
        yield chromium


@pytest.mark.parametrize("browser", ["a browser of its own", "a tab"])
def test_the_demo_has_an_echo_to_call(built: None, chromium: Chromium, tmp_path: Path, browser: str) -> None:
    [port] = rig.free_ports(1)
    env = {"SIPERB_PAT": "", "SIPERB_BASE_URL": "http://127.0.0.1:9"}
    if browser == "a tab":
        env["PATH"] = str(tmp_path)
    with run_app("--demo", "--port", str(port), lines=3, env=env) as [reception, kitchen, echo]:
        assert reception.endswith("for Reception\n")
        assert kitchen.endswith("for Kitchen\n")
        if browser == "a tab":
            assert echo == f"Open http://127.0.0.1:{port}/echo in a tab too: it is the echo at 900.\n"
            with chromium.open(f"http://127.0.0.1:{port}/echo") as page:
                page.do("waitForSelector", '#status:text("Ready to be called")')
                call_the_echo(chromium, reception.split()[1], tmp_path)
                page.do("waitForSelector", '#status:text("Ready to be called")')
                assert page.do("console") == []
        else:
            assert echo == "The echo at 900 runs in a headless chromium.\n"
            call_the_echo(chromium, reception.split()[1], tmp_path)


def test_two_tabs_of_one_browser_are_two_phones(built: None, chromium: Chromium) -> None:
    [port] = rig.free_ports(1)
    with (
        run_app("--demo", "--port", str(port), lines=2, env={}) as [reception, kitchen],
        chromium.open(reception.split()[1], viewport=DESKTOP) as page,
    ):
        page.do("waitForSelector", '#status:text("Ready")')
        page.do("evaluate", "(link) => { open(link, 'kitchen'); }", kitchen.split()[1])
        page.do("evaluate", UNTIL % {"condition": f"{DIALS}.length", "named": "'the other phone is ready'"})
        page.do("reload")
        page.do("waitForSelector", '#status:text("Ready")')
        assert page.do("textContent", "h1") == "Reception | 700"
        page.do("evaluate", f"() => {DIALS}.at(-1).click()")
        page.do("waitForSelector", '#call-state:text("Incoming call")')
        assert page.do("textContent", "#peer") == "Kitchen | 701"


DIALS = "[...open('', 'kitchen').document.querySelectorAll('#buddies button:enabled')]"


def call_the_echo(chromium: Chromium, link: str, screenshots: Path) -> None:
    screenshots = Path(os.environ.get("SIPERB_SCREENSHOTS") or screenshots)
    with chromium.open(link, viewport=DESKTOP) as page:
        phone = Phone(page, "700", screenshots)
        phone.shows("Ready", "#status")
        page.do("addInitScript", SPY)
        page.do("reload")
        phone.shows("Ready", "#status", "demo-ready")
        assert phone.reads("#buddies") == "Echo 900Kitchen 701"
        phone.waits_for(CALLS_UNTIL_ANSWERED)
        phone.shows("In call", name="demo-echo")
        phone.hears()
        phone.click("#mute")  # and what comes back is nothing
        phone.waits_for("await world.silence()")
        phone.click("#hang-up")
        phone.shows("Call ended. Ready", "#status")


# The echo's own browser takes its time to start, and nobody is at 900 before.
CALLS_UNTIL_ANSWERED = """(document.querySelector("#buddies button:enabled")?.click(),
    document.getElementById("call-state").textContent === "In call" && !document.getElementById("call").hidden)"""


def said(*arguments: str, **env: str) -> str:
    command = [sys.executable, EXAMPLE / "app.py", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, timeout=30, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    return run.stderr


def test_no_token_is_one_sentence(built: None) -> None:
    [port] = rig.free_ports(1)
    assert said("--port", str(port)) == (
        "There is no personal access token (PAT): set SIPERB_PAT, `siperb login`, or try --demo.\n"
    )


@pytest.mark.parametrize("options", [(), ("--demo",)], ids=["", "demo"])
def test_a_port_in_use_is_one_sentence(built: None, options: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = said("--port", str(port), *options, SIPERB_PAT="made-up", SIPERB_BASE_URL="http://127.0.0.1:9")
    assert told == f"Cannot listen at port {port} of 127.0.0.1: it is in use. Choose another --port.\n"


def test_no_kamailio_says_how_to_get_it(built: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import demo

    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match=r"needs Kamailio.*apt-get install --no-install-recommends kamailio"):
        demo.run_registrar().__enter__()
