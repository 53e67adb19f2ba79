"""``siperb fleet``: the domain becomes what the file says, and says what it does."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, posix_terminal
from fleet_helpers import lines_of, names, rows_of, written

from siperb.testing import SiperbServer, User

pytest_plugins = ("cli_fixtures", "fleet_fixtures")

EXAMPLE = Path(__file__).parents[2] / "docs" / "fleet-example.csv"
READS = {"login", "domain_users", "settings", "devices", "provisioning"}


def test_a_plan_says_what_is_to_be_done_and_does_nothing(
    run: Run, siperb_server: SiperbServer, file: Path, ben: User
) -> None:
    result = run("fleet", "plan", str(file))
    assert result.code == 0
    assert result.err == "1 user to create, 1 device to create, 1 device to update, 1 row already up to date.\n"
    assert result.out.splitlines() == [
        '2\tcreate user\tanna@contact.example\t\t\tplanned\t{"name": "Anna"}\t',
        '2\tcreate device\tanna@contact.example\tHeadset\tscript\tplanned\t{"EnableCallRecording": true}\t',
        '3\tupdate device\tben@contact.example\tHeadset\tscript\tplanned\t{"EnableCallRecording": false}\t',
        "4\t\tBen@contact.example\tDesk\tscript\tunchanged\t\t",
        "\t\tben@contact.example\tOld phone\tscript\textra\t\tnot in the file; --prune deletes it",
    ]
    first = lines_of(run("fleet", "plan", str(file), "--json"))[0]
    assert first == {
        "line": 2,
        "action": "create user",
        "email": "anna@contact.example",
        "device": None,
        "platform": None,
        "status": "planned",
        "change": {"name": "Anna"},
        "message": None,
    }
    assert written(siperb_server) == []
    assert not [device.token for device in ben.devices if device.token in result.out + result.err]


@posix_terminal
def test_a_terminal_gets_lines_for_people(siperb_server: SiperbServer, file: Path, ben: User) -> None:
    assert in_terminal("fleet", "plan", str(file), NO_COLOR="1").out.splitlines() == [
        '+ user    anna@contact.example  name "Anna"',
        "+ device  anna@contact.example  Headset (script): EnableCallRecording true",
        "~ device  ben@contact.example  Headset (script): EnableCallRecording true → false",
        "! device  ben@contact.example  Old phone (script): not in the file; --prune deletes it",
        "1 user to create, 1 device to create, 1 device to update, 1 row already up to date.",
    ]


def test_it_is_applied_once(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    result = run("fleet", "apply", str(file), "--json")
    assert (result.code, result.err) == (0, "3 changes applied, 1 row already up to date.\n")
    assert sorted((line["line"] or 0, line["action"] or "", line["status"]) for line in lines_of(result)) == [
        (0, "", "extra"),
        (2, "create device", "done"),
        (2, "create user", "done"),
        (3, "update device", "done"),
        (4, "", "unchanged"),
    ]
    [anna] = [user for user in siperb_server.user.domain_users.values() if user is not ben]
    assert (anna.profile["UserDescription"], names(anna)) == ("Anna", ["Headset"])
    for device, wanted in (anna.devices[0], True), (ben.devices[0], False):
        assert isinstance(device.settings, dict)
        assert device.settings["EnableCallRecording"] is wanted
    siperb_server.clear()
    again = run("fleet", "apply", str(file))
    assert (again.code, again.err) == (0, "0 changes applied, 3 rows already up to date.\n")
    assert written(siperb_server) == []
    assert run("fleet", "plan", str(file), "--exit-code").code == 0


def test_the_example_of_the_documentation(run: Run, siperb_server: SiperbServer) -> None:
    planned = run("fleet", "plan", str(EXAMPLE), "--exit-code")
    assert planned.code == 1
    assert run("fleet", "apply", str(EXAMPLE)).code == 0
    made = {user.email: names(user) for user in siperb_server.user.domain_users.values()}
    assert made["anna@contact.example"] == ["Web phone", "Headset"]
    assert made["cleo@contact.example"] == []
    assert run("fleet", "plan", str(EXAMPLE), "--exit-code").err == "Nothing to do, 4 rows already up to date.\n"


def test_a_wrong_file_is_told_before_anything_is_sent(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    file.write_bytes("email,device\n,x\nJosé,y\n".encode())
    result = run("fleet", "apply", str(file))
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines() == [
        f"{file}: line 2 has no e-mail address in the column email.",
        f"{file}: line 3 has no e-mail address in the column email.",
        "siperb: Nothing was done: correct the file first.",
    ]
    as_json = run("fleet", "apply", str(file), "--json")
    assert [json.loads(line).get("line") for line in as_json.err.splitlines()] == [2, 3, None]
    assert run("fleet", "plan", str(file.parent / "none.csv")).code == 1
    assert siperb_server.requests == []


def test_a_setting_of_the_wrong_type_is_told_before_anything_is_changed(
    run: Run, siperb_server: SiperbServer, file: Path
) -> None:
    file.write_text("email,device,set:EnableCallRecording,set:RegisterExpires\nanna@c.example,x,ja,1.000\n")
    result = run("fleet", "apply", str(file))
    assert result.code == 2
    assert f"{file}: line 2 needs true or false for EnableCallRecording.\n" in result.err
    assert f"{file}: line 2 needs a number such as 1000 or 0.5 for RegisterExpires.\n" in result.err
    assert {request.route for request in siperb_server.requests} <= READS


def test_two_devices_of_one_name_are_left_to_people(
    run: Run, siperb_server: SiperbServer, file: Path, ben: User
) -> None:
    siperb_server.add_device(ben, description="Desk")
    planned = run("fleet", "plan", str(file))
    assert planned.code == 1
    assert "2 devices have this name: rename or delete all but one" in planned.out
    assert "1 impossible" in planned.err
    assert run("fleet", "apply", str(file), "--prune", "--yes").code == 1
    assert names(ben).count("Desk") == 2


def test_devices_are_deleted_only_when_told_so(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    assert "\tdelete device\tben@contact.example\tOld phone\t" in run("fleet", "plan", str(file), "--prune").out
    refused = run("fleet", "apply", str(file), "--prune")
    assert refused.code == 2
    assert "Delete 1 device, with all credentials? Nobody can be asked here: give --yes" in refused.err
    assert written(siperb_server) == []
    assert run("fleet", "apply", str(file), "--prune", "--yes").code == 0
    assert names(ben) == ["Headset", "Desk", "His own"]
    assert len(siperb_server.user.devices) == 3  # of a user that the file lacks


@pytest.mark.parametrize(
    ("there", "row"),
    [
        ("Café", unicodedata.normalize("NFD", "Café")),
        ("Café ", "Café"),
        ("Front\u00a0Desk", "Front Desk"),
        ("Front  Desk", " Front Desk "),
    ],
)
def test_a_name_in_another_form_is_the_same_device(
    run: Run, siperb_server: SiperbServer, file: Path, there: str, row: str
) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    phone = siperb_server.add_device(anna, description=there)
    file.write_text(f"email,device\n\u00a0Anna@contact.example ,{row}\n")
    result = run("fleet", "apply", str(file), "--prune", "--yes")
    assert (result.code, result.err) == (0, "0 changes applied, 1 row already up to date.\n")
    assert [device.token for device in anna.devices] == [phone.token]


@pytest.mark.parametrize("there", ["headset", "Head\u200bset", "Headset\ufe0f", "Ｈeadset", "Héadset"])
def test_what_looks_like_a_row_is_never_deleted(run: Run, siperb_server: SiperbServer, file: Path, there: str) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    siperb_server.add_device(anna, description="Headset")
    siperb_server.add_device(anna, description=there)
    file.write_text("email,device\nanna@contact.example,Headset\n")
    result = run("fleet", "apply", str(file), "--prune", "--yes")
    assert result.code == 0
    assert "looks like line 2, and is not deleted" in result.out
    assert names(anna) == ["Headset", there]


@posix_terminal
@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 1)])
def test_a_terminal_is_asked(siperb_server: SiperbServer, file: Path, ben: User, typed: str, code: int) -> None:
    result = in_terminal("fleet", "apply", str(file), "--prune", prompt="[y/N] ", typed=typed)
    assert result.code == code
    assert ("Old phone" in names(ben)) == bool(code)


def test_more_than_20_users_are_asked_about(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    file.write_text(rows_of(21))
    refused = run("fleet", "apply", str(file))
    assert (refused.code, "Create 21 users, who take 21 seats?" in refused.err) == (2, True)
    assert written(siperb_server) == []
    assert run("fleet", "apply", str(file), "--yes").code == 0
    assert len(siperb_server.user.domain_users) == 21
    file.write_text(rows_of(41))
    assert run("fleet", "apply", str(file)).code == 0


def test_a_secret_in_a_change_is_masked(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    siperb_server.user.settings["TurnPassword"] = "old"
    file.write_text("email,device,set:TurnPassword\nanna@contact.example,x,hush-hush\n")
    for argv in (["plan"], ["apply", "--json"]):
        result = run("fleet", argv[0], str(file), *argv[1:])
        assert (result.code, "TurnPassword" in result.out) == (0, True), result.err
        assert "hush" not in result.out + result.err


def test_a_refused_pat_is_told_once(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    siperb_server.revoke_pat()
    result = run("fleet", "apply", str(file))
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)
