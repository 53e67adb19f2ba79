"""What a terminal hears of a bulk run, and of a wait that the API asked for."""

from __future__ import annotations

import pytest
from cli_helpers import Run, in_terminal, posix_terminal

from siperb.cli.terminal import Bar
from siperb.testing import Delay, Hold, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)


def seen_lines(out: str) -> list[str]:
    """What stays on the screen."""
    return [line.rpartition("\r")[2] for line in out.split("\n")[:-1]]


@posix_terminal
def test_a_terminal_hears_of_a_wait_and_a_pipe_does_not(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Status(429, retry_after=1))
    assert "The next try is in 1 s." in in_terminal("devices").out
    siperb_server.fail("devices", Status(429, retry_after=1))
    assert run("devices").err == ""


@posix_terminal
def test_a_wait_of_all_threads_is_not_told_by_each(siperb_server: SiperbServer) -> None:
    siperb_server.add_devices(6)
    siperb_server.fail("provisioning", Status(429, retry_after=2), times=8)
    assert 1 <= in_terminal("provision", "--all").out.count("The next try is in 2 s.") < 8


def test_no_answer_is_waited_for_longer_than_was_asked(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Hold(), times=None)
    result = run("devices", "--timeout", "0.5")
    assert result.code == 1
    assert "0.5" in result.err or "time" in result.err


@pytest.mark.parametrize("seconds", ["0", "0.0", "-1", "soon", "nan", "1e3", "100000"])
def test_a_timeout_is_a_time(run: Run, siperb_server: SiperbServer, seconds: str) -> None:
    result = run("devices", f"--timeout={seconds}")
    assert (result.code, siperb_server.requests) == (2, [])


@posix_terminal
def test_a_bulk_run_shows_how_far_it_is(siperb_server: SiperbServer) -> None:
    siperb_server.fail("provisioning", Status(403))
    siperb_server.fail("provisioning", Delay(1.2))
    result = in_terminal("provision", "--all", NO_COLOR="1", columns=100)
    assert result.code == 1
    assert "Provisioning 2/2, 1 failed" in result.out
    assert "1 of 2 devices provisioned." in seen_lines(result.out)
    assert not [line for line in seen_lines(result.out) if "Provisioning" in line]


def test_a_bar_tells_how_many_failed_and_how_long_it_takes() -> None:
    bar = Bar("Provisioning")
    bar.failed = 1
    bar(3, 10)
    assert bar.line(6) == "Provisioning 3/10, 1 failed, 14 s left"
