"""The examples run as they are, each in a process of its own, against the loopback API."""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from patience import patient_python

from siperb.testing import Lost, SiperbServer

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (["quickstart.py"], "Logged in as user {user}\nDevice: Front Desk\nDevice: Door bell\nSIP user: "),
        (["quickstart_async.py"], "Logged in as user {user}\nDevice: Front Desk is SIP user "),
        (["cached.py", "Door bell"], "u"),
        (["own_cache.py"], "2 devices\n2 devices\n"),
        (["bulk.py"], '{{"user": "u'),
        (["bulk_async.py"], "2 phones provisioned\n"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_example_runs(siperb_server: SiperbServer, command: list[str], output: str) -> None:
    script, *arguments = command
    run = subprocess.run(
        patient_python("script", str(EXAMPLES / script), *arguments),
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0
    assert run.stderr == ("\n1 of 2\n2 of 2" if script == "bulk.py" else "")
    assert run.stdout.startswith(output.format(user=siperb_server.user.user_id))


def test_the_service_hands_out_a_phone_and_keeps_the_token(siperb_server: SiperbServer) -> None:
    async def get_phone() -> tuple[int, str, str]:
        app = runpy.run_path(str(EXAMPLES / "service_async.py"))["app"]()
        async with TestClient(TestServer(app)) as client, client.get("/phone") as answer:
            return answer.status, answer.headers["Cache-Control"], await answer.text()

    status, caching, text = asyncio.run(get_phone())
    assert (status, caching) == (200, "no-store")
    assert '"uri": "sip:' in text
    assert siperb_server.pat not in text


def test_the_example_test_passes(pytester: pytest.Pytester) -> None:
    pytester.copy_example(str(EXAMPLES / "test_with_fixtures.py"))
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=4)


def run_for_a_domain(script: str, rows: Path, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        patient_python("script", str(EXAMPLES / script), str(rows)),
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("script", ["onboard.py", "onboard_async.py"])
def test_two_runs_onboard_everybody_and_make_nothing_twice(
    siperb_server: SiperbServer, tmp_path: Path, script: str
) -> None:
    rows, people = tmp_path / "rows.csv", [f"a{number}@contact.example" for number in range(4)]
    text = "email,name,number\n" + "".join(f"{email},Ann,+49301\n" for email in people)
    rows.write_text(text, encoding="utf-8-sig")
    for route in "domain_users", "devices", "connections":
        siperb_server.fail(route, Lost(), method="POST")

    first = run_for_a_domain(script, rows)
    assert first.returncode == 1
    assert "/Connections got no answer" in first.stdout

    rows.write_text(text)
    second = run_for_a_domain(script, rows)
    assert second.returncode == 0
    assert sorted(line.split()[-2] for line in second.stdout.splitlines()) == people
    users = list(siperb_server.user.domain_users.values())
    assert [(len(user.devices), len(user.documents)) for user in users] == [(1, 1)] * 4


def test_who_is_offboarded_goes_with_devices_and_connections(siperb_server: SiperbServer, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("email,name,number\na@contact.example,A,1\nb@contact.example,B,2\n")
    assert run_for_a_domain("onboard.py", rows).returncode == 0
    rows.write_text("A@contact.example\nnobody@contact.example\n")

    assert run_for_a_domain("offboard.py", rows, "no\n").returncode == 1
    assert len(siperb_server.user.domain_users) == 2
    left = run_for_a_domain("offboard.py", rows, "yes\n")
    assert (left.returncode, left.stderr) == (0, "")
    assert "a@contact.example has left, with 1 devices" in left.stdout
    assert [user.email for user in siperb_server.user.domain_users.values()] == ["b@contact.example"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("email,name\na@contact.example,Ann\nb@contact.example,Ben\n", "number in row 1, number in row 2"),
        ("email,name,number\na@contact.example,Ann,1\n,Ben,2\n", "email in row 2"),
        ("email;name;number\na@contact.example;Ann;1\n", "email in row 1"),
        ("email,name,number\na@contact.example,Ann,1\n A@Contact.example ,Ann,2\n", "twice: a@contact.example"),
    ],
)
@pytest.mark.parametrize("script", ["onboard.py", "onboard_async.py"])
def test_nobody_is_onboarded_from_a_file_that_is_wrong(
    siperb_server: SiperbServer, tmp_path: Path, script: str, text: str, words: str
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(text)
    run = run_for_a_domain(script, rows)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("Nothing was done")
    assert words in run.stderr
    assert siperb_server.requests == []


@pytest.mark.parametrize(
    "text", ["a@contact.example\nA@contact.example\n", "email\na@contact.example\n", "a@contact.example,Ann,1\n"]
)
def test_nobody_is_offboarded_from_a_file_that_is_wrong(siperb_server: SiperbServer, tmp_path: Path, text: str) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text(text)
    run = run_for_a_domain("offboard.py", rows, "yes\n")
    assert (run.returncode, run.stderr.partition(":")[0]) == (1, "Nobody was removed")
    assert siperb_server.requests == []


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(example: Path) -> None:
    assert len(example.read_text().splitlines()) <= 40
