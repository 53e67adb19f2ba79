"""A terminal, and what it says while a command waits."""

from __future__ import annotations

import os
import re
import time

import pytest
from cli_helpers import Run, in_terminal

from siperb.cli.wait import Bar, Wait
from siperb.testing import Hold, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")


def seen_lines(out: str) -> list[str]:
    """What stays on the screen."""
    return [line.rpartition("\r")[2] for line in out.split("\n")[:-1]]


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
    assert "Next try: 2 s left" in result.out
    assert "Next try: 1 s left" in result.out
    assert "wait" not in "".join(seen_lines(result.out))


def test_a_pipe_hears_of_no_wait(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Status(429, retry_after=1))
    assert run("devices").err == ""


def test_no_answer_is_waited_for_longer_than_was_asked(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Hold(), times=None)
    result = run("devices", "--timeout", "0.5")
    assert result.code == 1
    assert "0.5" in result.err or "time" in result.err


@pytest.mark.parametrize("seconds", ["0", "0.0", "-1", "soon", "nan", "1e3", "100000"])
def test_a_timeout_is_a_time(run: Run, siperb_server: SiperbServer, seconds: str) -> None:
    result = run("devices", f"--timeout={seconds}")
    assert (result.code, siperb_server.requests) == (2, [])


def test_a_bulk_run_shows_how_far_it_is(siperb_server: SiperbServer) -> None:
    siperb_server.add_devices(2)
    hold = Hold()
    siperb_server.fail("provisioning", Status(403))
    siperb_server.fail("provisioning", hold)
    result = in_terminal("provision", "--all", prompt="3/4, 1 failed", then=hold.release, NO_COLOR="1", columns=100)
    assert result.code == 1
    assert re.search(r"Provisioning ━+─+ 3/4, 1 failed, \d+(\.\d)?/s, \d+ s left", result.out)
    kept = seen_lines(result.out)
    assert len([line for line in kept if line.startswith('{"number"')]) == 4
    assert [line for line in kept if "3 of 4 devices provisioned in " in line]
    assert not [line for line in kept if "Provisioning ━" in line]


def test_a_bulk_run_says_that_it_was_asked_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = Bar("Provisioning")
    bar(3, 10)
    bar.held_until = time.monotonic() + 12
    monkeypatch.setenv("COLUMNS", "100")
    assert bar.line(6).endswith("3/10, 0 failed, the API asked to wait: 12 s left")
    bar.held_until = 0.0
    assert bar.line(6).endswith("─ 3/10, 0 failed, 0.5/s, 14 s left")
    monkeypatch.setenv("COLUMNS", "30")
    assert bar.line(6) == "Provisioning 3/10, 0 failed,…"  # no room for a bar


def test_a_wait_counts_down() -> None:
    assert Wait("Looking").line(2)[2:] == "Looking"
    assert Wait("Waiting", 3).line(1)[2:] == "Waiting: 2 s left"
