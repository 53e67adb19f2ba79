"""``siperb fleet``: the domain becomes what the file says, whatever is in the way, and nothing is made twice."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import Result, Run, in_terminal, posix_signals, start

from siperb.testing import Drop, Fault, Hold, Lost, SiperbServer, Status, Truncate, User
from siperb.testing.exchange import Exchange

pytest_plugins = ("cli_fixtures",)

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")

AGENTS = """\
email,device,name,set:EnableCallRecording
anna@contact.example,Headset,Anna,true
ben@contact.example,Headset,,false
Ben@contact.example,Desk,,
"""
READS = {"login", "domain_users", "settings", "devices", "provisioning"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agents.csv"
    path.write_text(AGENTS)
    return path


@pytest.fixture
def ben(siperb_server: SiperbServer) -> User:
    """Has what the file says but for a setting, and a device that the file lacks."""
    user = siperb_server.add_domain_user("ben@contact.example", "Ben")
    siperb_server.add_device(user, description="Headset", settings={"EnableCallRecording": True})
    siperb_server.add_device(user, description="Desk")
    siperb_server.add_device(user, description="Old phone")
    siperb_server.add_device(user, description="His own", platform="ios")
    return user


def lines_of(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def names(user: User) -> list[str]:
    return [device.description for device in user.devices]


def written(server: SiperbServer) -> list[str]:
    return [f"{each.method} {each.route}" for each in server.requests if each.method != "GET" and each.route != "login"]


def rows_of(count: int) -> str:
    return "email,device\n" + "".join(f"agent{number}@contact.example,Headset\n" for number in range(count))


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


@pytest.mark.parametrize("fault", [Lost(), Lost(504)], ids=repr)
def test_a_lost_answer_makes_nothing_twice(
    run: Run, siperb_server: SiperbServer, file: Path, ben: User, fault: Fault
) -> None:
    siperb_server.fail("domain_users", fault, method="POST")
    siperb_server.fail("devices", fault, method="POST")
    siperb_server.fail("device", fault, method="PUT", times=2)
    siperb_server.fail("device", fault, method="DELETE")
    assert run("fleet", "apply", str(file), "--prune", "--yes").code == 0
    assert siperb_server.faults == []
    assert {user.email: names(user) for user in siperb_server.user.domain_users.values()} == {
        "ben@contact.example": ["Headset", "Desk", "His own"],
        "anna@contact.example": ["Headset"],
    }


def test_no_seat_ends_the_making_of_users_alone(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    siperb_server.seats = 1
    file.write_text(rows_of(30) + "ben@contact.example,New\n")
    result = run("fleet", "apply", str(file))
    assert result.code == 1
    count = Counter((line["action"], line["status"]) for line in lines_of(result))
    failed = count["create user", "failed"]
    assert 1 <= failed <= 8
    assert count["create user", "skipped"] == 30 - failed
    assert count["create device", "skipped"] == 30
    assert "New" in names(ben)
    assert "The API says: No available seats: buy another one first" in result.err
    assert result.err.endswith(
        f"1 of 61 done, {failed} failed, {60 - failed} not tried (no user can be made; the user was not made). "
        "The next run does what is missing.\n"
    )
    siperb_server.seats = None
    assert run("fleet", "apply", str(file)).code == 0
    assert len(siperb_server.user.domain_users) == 31


def test_what_fails_for_one_user_is_that_user_s(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    siperb_server.fail("devices", Status(403), method="GET")
    result = run("fleet", "apply", str(file))
    assert result.code == 1
    assert [line["line"] for line in lines_of(result) if line["status"] == "failed"] == [3, 4]
    assert "! device  Ben@contact.example  Desk: " in result.err
    assert result.err.endswith("2 of 4 done, 2 failed. The next run does what is missing.\n")
    assert run("fleet", "apply", str(file)).code == 0


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


@posix_signals
def test_an_interrupt_says_what_was_done_and_the_next_run_finishes_it(
    run: Run, siperb_server: SiperbServer, file: Path
) -> None:
    file.write_text(rows_of(20))
    hold = Hold()
    siperb_server.fail("devices", Done(), hold, method="POST", times=None)
    with start("fleet", "apply", str(file)) as process:
        siperb_server.wait_for_requests(1 + 1 + 8 * 2 + 8 * 2, timeout=60)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [json.loads(line)["action"] for line in out.splitlines()] == ["create user"] * 8
    assert said.startswith("siperb: interrupted; what was under way may be done too.\n8 of 40 done.")
    siperb_server.clear_faults()
    hold.release()
    assert run("fleet", "apply", str(file)).code == 0
    assert _made(siperb_server) == [["Headset"]] * 20


def test_faults_of_every_kind_make_nothing_twice(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    file.write_text(rows_of(40))
    for method in "GET", "POST":
        for route in "domain_users", "devices":
            for fault in Lost(), Lost(502), Drop(), Drop("body"), Truncate(), Status(500), Status(429, 0):
                siperb_server.fail(route, fault, method=method)
    codes = [run("fleet", "apply", str(file)).code for _ in range(4)]
    assert (codes[0], codes[-1]) == (1, 0)
    assert siperb_server.faults == []
    assert run("fleet", "apply", str(file)).err == "0 of 0 done, 40 were.\n"
    assert _made(siperb_server) == [["Headset"]] * 40


class Done:
    """What was asked is done, whatever comes of the answer."""

    async def apply(self, exchange: Exchange, /) -> None:
        exchange.true_answer()


def _made(server: SiperbServer) -> Iterable[list[str]]:
    return [names(user) for user in server.user.domain_users.values()]
