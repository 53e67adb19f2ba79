"""A terminal: what fits it, and what it says while a command waits."""

from __future__ import annotations

import json
import os
import re
import time

import pytest
from cli_helpers import Run, in_terminal

from siperb.cli import wait
from siperb.cli.client import CommandClient
from siperb.cli.terminal import width_of
from siperb.cli.wait import Bar, Wait
from siperb.core.wire import Response
from siperb.testing import Hold, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")

ERASE = "\r\x1b[K"


def seen_lines(out: str) -> list[str]:
    """What stays on the screen."""
    return [line.rpartition(ERASE)[2] for line in out.split("\n")[:-1]]


def test_a_wait_says_for_what_and_leaves_nothing(siperb_server: SiperbServer) -> None:
    hold = Hold()
    siperb_server.fail("devices", hold)
    waits = "Waiting for the API: GET /Users/{id}/Devices/"
    result = in_terminal("devices", prompt=waits, then=hold.release, NO_COLOR="1")
    assert result.code == 0
    assert waits in result.out  # else it went on without having been let
    assert [line.split("  ")[0] for line in seen_lines(result.out)] == ["#", "1", "2"]


def test_a_retry_after_is_counted_down(siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Status(429, retry_after=2))
    result = in_terminal("devices", NO_COLOR="1")
    assert result.code == 0
    assert "The API asked to wait (429): 2 s left" in result.out
    assert "The API asked to wait (429): 1 s left" in result.out
    assert "wait" not in "".join(seen_lines(result.out))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(429, headers={"retry-after": "5"}), "The API asked to wait (429)"),
        (Response(503), "The API failed (503), next try"),
        (None, "The API did not answer, next try"),
    ],
)
def test_another_try_says_why(answer: Response | None, said: str) -> None:
    with CommandClient(strict=True, state=None) as client:
        client._last = answer
        assert client._why_again() == said


def test_a_pipe_hears_of_no_wait(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Status(429, retry_after=1))
    assert run("devices").err == ""


def test_no_answer_is_waited_for_longer_than_was_asked(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Hold(), times=None)
    result = run("devices", "--timeout", "0.5")
    assert result.code == 1
    assert "0.5" in result.err or "time" in result.err


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "86400"])
def test_a_timeout_is_a_time(run: Run, siperb_server: SiperbServer, seconds: str) -> None:
    result = run("devices", f"--timeout={seconds}")
    assert (result.code, siperb_server.requests) == (2, [])


def test_a_bulk_run_shows_how_far_it_is(siperb_server: SiperbServer) -> None:
    siperb_server.add_devices(2)
    hold = Hold()
    siperb_server.fail("provisioning", Status(403))
    siperb_server.fail("provisioning", hold)
    result = in_terminal(
        "provision", "--all", "--concurrency", "1", "-o", "-",
        prompt="1/4, 1 failed", then=hold.release, NO_COLOR="1", columns=100,
    )  # fmt: skip
    assert result.code == 1
    assert re.search(r"Provisioning ━+─+ 1/4, 1 failed, \d+(\.\d)?/s, \d+ s left", result.out)
    kept = seen_lines(result.out)
    assert len([line for line in kept if line.startswith('{"number"')]) == 4
    assert "3 of 4 devices provisioned in " in kept[-1]
    assert not [line for line in kept if "Provisioning ━" in line]


def test_a_bulk_run_says_that_it_was_asked_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = Bar("Provisioning")
    bar(3, 10)
    bar.held_until = time.monotonic() + 12
    assert bar.line().endswith("3/10, 0 failed, the API asked to wait: 12 s left")
    monkeypatch.setattr(wait, "columns", lambda _: 30)
    bar.held_until = 0.0
    assert bar.line().startswith("Provisioning 3/10, 0 failed, ")  # no room for a bar


def test_the_inner_wait_is_shown() -> None:
    assert Wait("Looking").line()[2:] == "Looking"
    assert Wait("Waiting", seconds=3).line()[2:] == "Waiting: 3 s left"


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_everything_fits_the_terminal(siperb_server: SiperbServer, columns: int) -> None:
    siperb_server.add_device(description="A device in the hall behind the second door " * 4)
    siperb_server.add_device(description="受付" * 40)
    commands = (
        ["devices"],
        ["doctor"],
        ["whoami"],
        ["--help"],
        ["provision", "--help"],
        ["login", "--help"],
        ["devices", "--base-url", "http://api.siperb.com"],
        ["provision", "cellar"],
        ["devcies"],
    )
    for argv in commands:
        result = in_terminal(*argv, columns=columns)
        lines = seen_lines(result.out)
        assert lines
        assert max(map(width_of, lines)) <= columns, argv
        assert "ERROR" not in result.out


def test_json_can_be_read_on_a_terminal(siperb_server: SiperbServer) -> None:
    siperb_server.add_device(description="Zoë – 受付 \u202eevil")
    for argv in (["devices", "--json"], ["provision", "3"], ["provision", "--all"]):
        shown = in_terminal(*argv).out
        assert "Zoë – 受付 �evil" in shown
        assert "\\u" not in shown
        assert "•••" in shown or "…" in shown


def test_json_in_a_pipe_is_ascii(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.add_device(description="Zoë \u202e\x7f")
    out = run("devices", "--json").out
    assert out.isascii()
    assert json.loads(out)[2]["description"] == "Zoë \u202e\x7f"


def test_a_date_can_be_read_on_a_terminal(siperb_server: SiperbServer) -> None:
    shown = in_terminal("provision", "1").out
    assert re.search(r'"jwt_expires_at": "20\d\d-', shown)
