"""``siperb fleet``: the domain becomes what the file says, and says what it does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal
from fleet_helpers import lines_of, names, written

from siperb.testing import SiperbServer, User

pytest_plugins = ("cli_fixtures", "fleet_fixtures")

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")

READS = {"login", "domain_users", "settings", "devices", "provisioning"}


def test_a_plan_says_what_is_to_be_done_and_does_nothing(
    run: Run, siperb_server: SiperbServer, file: Path, ben: User
) -> None:
    result = run("fleet", "plan", str(file))
    assert result.code == 0
    assert result.err == (
        "+ user    anna@contact.example  Anna\n"
        "+ device  anna@contact.example  Headset (script): EnableCallRecording true\n"
        "~ device  ben@contact.example   Headset: EnableCallRecording true → false\n"
        "! device  ben@contact.example   Old phone: not in the file; --prune deletes it\n"
        "1 user and 1 device to create, 1 to change, 1 as it should be.\n"
    )
    assert [(line["line"], line["action"], line["status"]) for line in lines_of(result)] == [
        (2, "create user", "planned"),
        (2, "create device", "planned"),
        (3, "update device", "planned"),
        (4, None, "unchanged"),
        (None, None, "extra"),
    ]
    assert written(siperb_server) == []
    assert not [device.token for device in ben.devices if device.token in result.out + result.err]


def test_it_is_applied_once(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    result = run("fleet", "apply", str(file))
    assert (result.code, result.err) == (0, "3 of 3 done, 1 was.\n")
    assert sorted((line["line"], line["action"] or "", line["status"]) for line in lines_of(result)) == [
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
    assert (again.code, again.err) == (0, "0 of 0 done, 3 were.\n")
    assert written(siperb_server) == []
    assert run("fleet", "plan", str(file), "--exit-code").code == 0


def test_a_plan_may_tell_by_its_exit_code(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    assert run("fleet", "plan", str(file), "--exit-code").code == 1
    assert run("fleet", "apply", str(file), "--exit-code").code == 2


def test_a_wrong_file_is_told_before_anything_is_sent(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    file.write_bytes("email,device\n,x\nJosé,y\n".encode())
    result = run("fleet", "apply", str(file))
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[:2] == [
        f"{file}: line 2 has no e-mail address",
        f"{file}: line 3 has no e-mail address in the column email",
    ]
    as_json = run("fleet", "apply", str(file), "--json")
    assert [json.loads(line).get("line") for line in as_json.err.splitlines()] == [2, 3, None]
    file.write_bytes("email,device\nanna@contact.example,Büro\n".encode("latin-1"))
    assert "line 2 is not UTF-8" in run("fleet", "plan", str(file)).err
    assert run("fleet", "plan", str(file.parent / "none.csv")).code == 1
    assert siperb_server.requests == []


def test_a_setting_of_the_wrong_type_is_told_before_anything_is_changed(
    run: Run, siperb_server: SiperbServer, file: Path
) -> None:
    file.write_text("email,device,set:EnableCallRecording,set:RegisterExpires\nanna@c.example,x,ja,5 min\n")
    result = run("fleet", "apply", str(file))
    assert result.code == 2
    assert f"{file}: line 2 needs true or false for EnableCallRecording\n" in result.err
    assert f"{file}: line 2 needs a number for RegisterExpires\n" in result.err
    assert {request.route for request in siperb_server.requests} <= READS
    assert written(siperb_server) == []


def test_two_devices_of_one_name_are_left_to_people(
    run: Run, siperb_server: SiperbServer, file: Path, ben: User
) -> None:
    siperb_server.add_device(ben, description="Desk")
    planned = run("fleet", "plan", str(file))
    assert planned.code == 1
    assert "! device  Ben@contact.example   Desk: 2 of this name are there already; rename" in planned.err
    assert run("fleet", "apply", str(file), "--prune", "--yes").code == 1
    assert names(ben).count("Desk") == 2


def test_a_refused_pat_is_told_once(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    siperb_server.revoke_pat()
    result = run("fleet", "apply", str(file))
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)


def test_devices_are_deleted_only_when_told_so(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    assert "- device  ben@contact.example   Old phone (script)\n" in run("fleet", "plan", str(file), "--prune").err
    refused = run("fleet", "apply", str(file), "--prune")
    assert refused.code == 2
    assert "Delete 1 device, with all credentials? Nobody can be asked here: give --yes" in refused.err
    assert written(siperb_server) == []
    assert run("fleet", "apply", str(file), "--prune", "--yes").code == 0
    assert names(ben) == ["Headset", "Desk", "His own"]
    assert len(siperb_server.user.devices) == 3  # of a user that the file lacks


@posix
@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 1)])
def test_a_terminal_is_asked(siperb_server: SiperbServer, file: Path, ben: User, typed: str, code: int) -> None:
    result = in_terminal("fleet", "apply", str(file), "--prune", prompt="[y/N] ", typed=typed)
    assert result.code == code
    assert ("Old phone" in names(ben)) == bool(code)
    assert '"line"' not in result.out


@posix
def test_a_terminal_gets_the_table_alone(siperb_server: SiperbServer, file: Path, ben: User) -> None:
    result = in_terminal("fleet", "plan", str(file), columns=60, NO_COLOR="1")
    assert "\n~ device  ben@contact.example   Headset: EnableCallRecording\n  true → false\n" in result.out
    assert '"line"' not in result.out
    assert '"line": 2' in in_terminal("fleet", "plan", str(file), "--json").out
