"""``siperb devices``, ``users``, ``log``; and how a device and a user are named on a command line."""

from __future__ import annotations

import json

import pytest
from cli_helpers import Run, in_terminal, posix_terminal, spawn

from siperb import Device
from siperb.cli.devices import choose_device
from siperb.cli.failures import CommandError
from siperb.testing import Delay, SiperbServer, Status, User
from siperb.testing.data import iso

pytest_plugins = ("cli_fixtures",)

LOGS = {"register": "RegisterLog", "latency": "NetworkLatencyLog", "trace": "SipTraceLog", "console": "ConsoleLog"}


def test_a_pipe_gets_the_tokens_whole(run: Run, siperb_server: SiperbServer) -> None:
    tokens = [device.token for device in siperb_server.user.devices if device.platform == "script"]
    result = run("devices")
    assert result.out.splitlines() == [f"1\tFront Desk\t{tokens[0]}", f"2\tDoor bell\t{tokens[1]}"]
    token = result.out.split("\n")[0].split("\t")[2]
    assert json.loads(spawn("provision", "-", stdin=token).out)["profile_name"].startswith("Front Desk")
    said = {"number": 1, "description": "Front Desk", "platform": "script", "device_token": tokens[0]}
    assert json.loads(run("devices", "--json").out)[0] == said


@posix_terminal
def test_a_terminal_gets_them_masked(siperb_server: SiperbServer) -> None:
    token = siperb_server.user.devices[0].token
    for argv in (["devices"], ["devices", "--json"]):
        assert token not in in_terminal(*argv).out
        assert token in in_terminal(*argv, "--reveal").out


@posix_terminal
def test_a_table_on_a_terminal(siperb_server: SiperbServer) -> None:
    """It fits, names cannot steer the terminal, and what nobody sees is shown."""
    siperb_server.add_device(description="Lob\u200bby \x1b[2J\u202e\u061c")
    siperb_server.add_device(description="受付" * 10_000)
    lines = in_terminal("devices", columns=80, NO_COLOR="1").out.splitlines()
    assert lines[0].split() == ["#", "DESCRIPTION", "DEVICE", "TOKEN"]
    assert lines[3].split("  ")[1] == "Lob<U+200B>by <U+001B>[2J<U+202E><U+061C>"
    assert "受…" in lines[4]
    assert max(map(len, lines)) <= 80


def test_no_device_is_no_error(run: Run, siperb_server: SiperbServer) -> None:
    for device in list(siperb_server.user.devices):
        siperb_server.remove_device(device)
    result = run("devices")
    assert (result.code, result.out, "no script device" in result.err) == (0, "", True)
    assert run("devices", "--json").out == "[]\n"


def test_all_pages_of_the_list(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.add_devices(10)
    siperb_server.page_size = 4
    assert len(json.loads(run("devices", "--json").out)) == 12
    siperb_server.fail("devices", Delay(0))
    siperb_server.fail("devices", Status(404))
    assert run("devices", "--json")[:2] == (1, "")


DEVICES = [
    Device(f"t{number:064x}", "script", description)
    for number, description in enumerate(("Front Desk", "Door bell", "Door", "2", "twin", "Twin", None), 1)
]


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("front desk", 1), ("fro", 1), ("1", 1), ("Door", 3), ("door b", 2), ("3", 3), ("#2", 2), ("#4", 4), ("7", 7)],
)
def test_a_device_is_named_by_description_number_or_beginning(wanted: str, number: int) -> None:
    assert choose_device(DEVICES, wanted) is DEVICES[number - 1]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("twin", r"More than one device fits: #5 \(twin\), #6 \(Twin\)"),
        ("do", r"#2 \(Door bell\), #3 \(Door\)"),
        ("2", r"#2 \(Door bell\), #4 \(2\)\. Give its number"),
        ("cellar", r"there is #1 \(Front Desk\), .*, …"),
        ("frnt desk", r"did you mean Front Desk\?"),
        ("#8", "no such device"),
        ("", "no such device"),
        ("0", "no such device"),
    ],
)
def test_a_name_that_fits_none_or_many_is_an_error_that_shows_the_choice(wanted: str, said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        choose_device(DEVICES, wanted)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("token", [DEVICES[0].device_token, f"t{'0' * 64}"])
def test_a_device_token_is_no_argument(token: str) -> None:
    with pytest.raises(CommandError, match="pipe the token in") as caught:
        choose_device(DEVICES, token)
    assert caught.value.exit_code == 2
    assert token not in str(caught.value)


@pytest.fixture
def anna(siperb_server: SiperbServer) -> User:
    """A user of the domain with two devices, beside one whose address ends like hers."""
    siperb_server.add_domain_user("joanna@contact.example", "Sales")
    anna = siperb_server.add_domain_user("anna@contact.example", "Reception")
    siperb_server.add_device(anna, description="Headset")
    siperb_server.add_device(anna, description="Spare")
    return anna


def test_users_are_lines_or_json(run: Run, anna: User) -> None:
    lines = run("users").out.splitlines()
    assert lines[1] == f"anna@contact.example\tReception\t{anna.user_id}"
    assert json.loads(run("users", "--search", "recep", "--json").out) == [
        {"email": "anna@contact.example", "description": "Reception", "user_id": anna.user_id}
    ]
    assert "No user" in run("users", "--search", "nobody").err


@pytest.mark.parametrize("name", ["anna@contact.example", " Anna@Contact.example ", "id"])
def test_a_command_is_for_a_user_of_the_domain(run: Run, anna: User, name: str) -> None:
    user = anna.user_id if name == "id" else name
    assert [one["description"] for one in json.loads(run("devices", "--user", user, "--json").out)] == [
        "Headset",
        "Spare",
    ]


def test_a_user_that_is_not_there(run: Run, anna: User) -> None:
    result = run("devices", "--user", "ana@contact.example")
    assert (result.code, result.out) == (1, "")
    assert "did you mean anna@contact.example?" in result.err
    assert "there is joanna@contact.example, anna@contact.example" in run("devices", "--user", "zoe").err


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_is_a_line_of_json_for_each_entry(run: Run, siperb_server: SiperbServer, kind: str) -> None:
    token = siperb_server.user.devices[0].token
    siperb_server.add_log(f"Devices/{token}/{LOGS[kind]}", {"Event": "first"}, {"Event": "second"})
    result = run("log", "Front Desk", kind)
    assert (result.code, result.err) == (0, "")
    assert [json.loads(line)["Event"] for line in result.out.splitlines()] == ["first", "second"]


def test_a_log_of_one_day_and_of_a_device_of_a_user(run: Run, siperb_server: SiperbServer, anna: User) -> None:
    device = siperb_server.add_device(anna, platform="ios", description="Pocket")
    before = siperb_server.now() - 3 * 86400
    siperb_server.add_log(f"Devices/{device.token}/RegisterLog", {"Ts": iso(before), "Event": "insert"}, user=anna)
    argv = ("log", "pocket", "--user", anna.email)
    assert run(*argv).out == ""
    assert json.loads(run(*argv, "--date", iso(before)[:10]).out)["Event"] == "insert"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("register", "was refused"), ("trace", "made no call"), ("console", "has sent no messages")],
)
def test_an_empty_log_says_what_that_means(run: Run, siperb_server: SiperbServer, kind: str, said: str) -> None:
    result = run("log", "1", kind)
    assert (result.code, result.out, said in result.err) == (0, "", True)
    siperb_server.set_settings(siperb_server.user.devices[0], {"RegistrationMode": "WebSocket"})
    assert ("WebSocket mode" in run("log", "1", kind).err) == (kind != "console")


def test_what_no_log_can_be_asked_for(run: Run, siperb_server: SiperbServer) -> None:
    for argv in (["1", "registr"], ["1", "--date", "2026-13-01"], [], ["1", "console", "--date", "2026-11-25"]):
        assert run("log", *argv).code == 2
