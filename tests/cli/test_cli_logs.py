"""``siperb log``: the entries as they are, and what an empty list does and does not say."""

from __future__ import annotations

import json

import pytest
from cli_helpers import Run

from siperb.testing import SiperbServer
from siperb.testing.data import iso

pytest_plugins = ("cli_fixtures",)

NAMES = {"register": "RegisterLog", "latency": "NetworkLatencyLog", "trace": "SipTraceLog", "console": "ConsoleLog"}


@pytest.mark.parametrize("kind", NAMES)
def test_the_entries_a_line_each(run: Run, siperb_server: SiperbServer, kind: str) -> None:
    token = siperb_server.user.devices[0].token
    siperb_server.add_log(f"Devices/{token}/{NAMES[kind]}", {"Event": "first"}, {"Event": "second"})
    result = run("log", "Front Desk", kind)
    assert (result.code, result.err) == (0, "")
    assert [json.loads(line)["Event"] for line in result.out.splitlines()] == ["first", "second"]
    if kind == "register":
        assert run("log", "front").out == result.out


def test_one_day_and_a_device_of_a_user(run: Run, siperb_server: SiperbServer) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    device = siperb_server.add_device(anna, platform="ios", description="Pocket")
    before = siperb_server.now() - 3 * 86400
    siperb_server.add_log(f"Devices/{device.token}/RegisterLog", {"Ts": iso(before), "Event": "insert"}, user=anna)
    argv = ("log", "pocket", "--user", anna.email)
    assert run(*argv).out == ""
    assert json.loads(run(*argv, "--date", iso(before)[:10]).out)["Event"] == "insert"
    assert "on 2001-01-01" in run(*argv, "--date", "2001-01-01").err


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("register", "is no proof of a wrong password"),
        ("latency", "no proof of a wrong password"),
        ("trace", "no call was made"),
        ("console", "has posted nothing"),
    ],
)
def test_an_empty_log_says_what_that_means(run: Run, siperb_server: SiperbServer, kind: str, said: str) -> None:
    result = run("log", "1", kind)
    assert (result.code, result.out) == (0, "")
    assert said in result.err


@pytest.mark.parametrize("kind", ["register", "latency", "trace"])
def test_a_device_in_websocket_mode_has_no_logs(run: Run, siperb_server: SiperbServer, kind: str) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"RegistrationMode": "WebSocket"})
    assert "WebSocket mode" in run("log", "1", kind).err
    assert "WebSocket mode" not in run("log", "2", kind).err


def test_what_cannot_be_asked_for(run: Run, siperb_server: SiperbServer) -> None:
    for argv in (["1", "registr"], ["1", "--date", "yesterday"], ["1", "--date", "2026-13-01"], []):
        assert run("log", *argv).code == 2
    assert not siperb_server.requests
    result = run("log", "1", "console", "--date", "2026-11-25")
    assert (result.code, "--date" in result.err) == (2, True)
