"""``siperb devices``, and how a device is named on a command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, spawn

from siperb import Device, Siperb
from siperb.cli.devices import choose
from siperb.cli.failures import CommandError
from siperb.testing import Delay, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)


def test_a_table_with_masked_tokens(run: Run, siperb_server: SiperbServer) -> None:
    result = run("devices")
    first, second = (device.token for device in siperb_server.user.devices if device.platform == "script")
    assert result.out.splitlines() == [
        f"1\tFront Desk\t{first[:4]}…{first[-4:]}",
        f"2\tDoor bell\t{second[:4]}…{second[-4:]}",
    ]
    assert f"1\tFront Desk\t{first}" in run("devices", "--reveal").out


def test_json_for_a_pipe_has_the_tokens(run: Run, siperb_server: SiperbServer) -> None:
    device = siperb_server.user.devices[0]
    assert json.loads(run("devices", "--json").out)[0] == {
        "number": 1,
        "description": "Front Desk",
        "platform": "script",
        "device_token": device.token,
    }


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")
def test_json_on_a_terminal_has_them_masked(siperb_server: SiperbServer) -> None:
    token = siperb_server.user.devices[0].token
    assert token not in in_terminal("devices", "--json").out
    assert token in in_terminal("devices", "--json", "--reveal").out


def test_no_device_is_no_error(run: Run, siperb_server: SiperbServer) -> None:
    for device in list(siperb_server.user.devices):
        siperb_server.remove_device(device)
    result = run("devices")
    assert (result.code, result.out) == (0, "")
    assert "no script device" in result.err
    assert run("devices", "--json").out == "[]\n"


def test_from_the_keyring_when_the_api_is_down(siperb_server: SiperbServer, file_keyring: Path) -> None:
    assert spawn("devices", "--cache").code == 0
    siperb_server.fail(None, Status(400), times=None)
    result = spawn("devices", "--cache")
    assert result.code == 0
    assert "Front Desk" in result.out


@pytest.mark.parametrize("argv", [["devices"], ["provision", "1"]])
def test_what_the_keyring_holds_is_shown_before_the_refresh_has_ended(
    run: Run,
    siperb_server: SiperbServer,
    file_keyring: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
) -> None:
    run(*argv, "--cache")
    shown: list[str] = []
    close = Siperb.close

    def waiting(client: Siperb) -> None:
        shown.append(capsys.readouterr().out)
        close(client)

    monkeypatch.setattr(Siperb, "close", waiting)
    run(*argv, "--cache")
    assert "Front Desk" in shown[0]


DEVICES = [
    Device(f"t{number:064x}", "script", description)
    for number, description in enumerate(("Front Desk", "Door bell", "Door", "2", "twin", "Twin", None), 1)
]


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ("Front Desk", 1),
        ("front desk", 1),
        ("fro", 1),
        ("1", 1),
        ("Door", 3),
        ("door b", 2),
        ("3", 3),
        ("#2", 2),
        ("#4", 4),
        ("7", 7),
    ],
)
def test_a_device_is_named_by_description_number_or_beginning(wanted: str, number: int) -> None:
    assert choose(DEVICES, wanted) is DEVICES[number - 1]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("twin", r"More than one device fits: #5 \(twin\), #6 \(Twin\)"),
        ("do", r"#2 \(Door bell\), #3 \(Door\)"),
        ("2", r"#2 \(Door bell\), #4 \(2\); give '#'"),
        ("cellar", r"there is #1 \(Front Desk\), .*, …"),
        ("frnt desk", r"did you mean Front Desk\?"),
        ("#8", "No device"),
        ("", "No device"),
        ("0", "No device"),
        ("8", "No device"),
    ],
)
def test_a_name_that_fits_none_or_many_is_an_error_that_shows_the_choice(wanted: str, said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        choose(DEVICES, wanted)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("token", [DEVICES[0].device_token, f"t{'0' * 64}"])
def test_a_device_token_is_no_argument(token: str) -> None:
    with pytest.raises(CommandError, match="pipe the token in") as caught:
        choose(DEVICES, token)
    assert caught.value.exit_code == 2
    assert token not in str(caught.value)


def test_all_pages_of_the_list(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.add_devices(10)
    siperb_server.page_size = 4
    assert len(json.loads(run("devices", "--json").out)) == 12
    assert len(run("provision", "--all").out.splitlines()) == 12
    siperb_server.fail("devices", Delay(0))
    siperb_server.fail("devices", Status(404))
    result = run("devices", "--json")
    assert (result.code, result.out) == (1, "")
