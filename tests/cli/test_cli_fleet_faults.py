"""``siperb fleet`` whatever is in the way: the next run does what is missing, and nothing is made twice."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from cli_helpers import Run, posix_signals, start
from fleet_helpers import lines_of, names, rows_of

from siperb.testing import Drop, Fault, Hold, Lost, SiperbServer, Status, Truncate, User
from siperb.testing.exchange import Exchange

pytest_plugins = ("cli_fixtures", "fleet_fixtures")


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


def test_users_without_a_seat_fail_and_the_rest_is_done(
    run: Run, siperb_server: SiperbServer, file: Path, ben: User
) -> None:
    siperb_server.seats = 1
    file.write_text(rows_of(3) + "ben@contact.example,New\n")
    result = run("fleet", "apply", str(file), "--json")
    assert result.code == 1
    count = Counter((line["action"], line["status"]) for line in lines_of(result))
    assert count == {
        ("create user", "failed"): 3,
        ("create device", "skipped"): 3,
        ("create device", "done"): 1,
        (None, "extra"): 3,
    }
    assert "New" in names(ben)
    assert result.out.count("No available seats: buy another one first (POST ") == 3
    assert result.err == "1 change applied, 3 failed, 3 not tried.\n"
    siperb_server.seats = None
    assert run("fleet", "apply", str(file)).code == 0
    assert len(siperb_server.user.domain_users) == 4


def test_what_fails_for_one_user_is_that_user_s(run: Run, siperb_server: SiperbServer, file: Path, ben: User) -> None:
    siperb_server.fail("devices", Status(403), method="GET")
    result = run("fleet", "apply", str(file), "--json", "--yes")
    assert result.code == 1
    assert [line["line"] for line in lines_of(result) if line["status"] == "failed"] == [3, 4]
    assert result.err == "2 changes applied, 2 failed.\n"
    assert run("fleet", "apply", str(file), "--json", "--yes").code == 0


@posix_signals
def test_an_interrupt_says_what_was_done_and_the_next_run_finishes_it(
    run: Run, siperb_server: SiperbServer, file: Path
) -> None:
    file.write_text(rows_of(20))
    hold = Hold()
    siperb_server.fail("devices", Done(), hold, method="POST", times=None)
    with start("fleet", "apply", str(file), "--json") as process:
        siperb_server.wait_for_requests(1 + 1 + 8 * 2 + 8 * 2, timeout=60)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [json.loads(line)["action"] for line in out.splitlines()] == ["create user"] * 8
    assert said.startswith("8 changes applied, 32 not tried.\n")
    assert json.loads(said.splitlines()[-1])["message"] == "Interrupted after 8 of 40."
    siperb_server.clear_faults()
    hold.release()
    assert run("fleet", "apply", str(file), "--json", "--yes").code == 0
    assert _made(siperb_server) == [["Headset"]] * 20


def test_faults_of_every_kind_make_nothing_twice(run: Run, siperb_server: SiperbServer, file: Path) -> None:
    file.write_text(rows_of(40))
    for method in "GET", "POST":
        for route in "domain_users", "devices":
            for fault in Lost(), Lost(502), Drop(), Drop("body"), Truncate(), Status(500), Status(429, 0):
                siperb_server.fail(route, fault, method=method)
    codes = [run("fleet", "apply", str(file), "--json", "--yes").code for _ in range(4)]
    assert (codes[0], codes[-1]) == (1, 0)
    assert siperb_server.faults == []
    assert run("fleet", "apply", str(file)).err == "0 changes applied, 40 rows already up to date.\n"
    assert _made(siperb_server) == [["Headset"]] * 40


class Done:
    """What was asked is done, whatever comes of the answer."""

    async def apply(self, exchange: Exchange, /) -> None:
        exchange.true_answer()


def _made(server: SiperbServer) -> Iterable[list[str]]:
    return [names(user) for user in server.user.domain_users.values()]
