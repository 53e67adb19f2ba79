"""The examples run as they are, each in a process of its own, against the loopback API."""

from __future__ import annotations

import asyncio
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient, TestServer
from patience import patient_python

from siperb.testing import Drop, Fault, Lost, SiperbServer, Status
from siperb.testing.paths import Route

EXAMPLES = Path(__file__).parents[2] / "examples"
Run: TypeAlias = "subprocess.CompletedProcess[str]"
HELPERS = Path(__file__).parents[1] / "helpers"
PORT = re.compile(r"port(?:=| |\", type=int, default=)(\d+)")
PROGRAMS = sorted(EXAMPLES.glob("*.py"))


def run_example(script: str, *arguments: str, directory: Path, answer: str = "", **environment: str) -> Run:
    """In a process of its own, from a foreign directory."""
    silent = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return subprocess.run(
        patient_python("script", str(EXAMPLES / script), *arguments),
        env={**os.environ, **silent, **environment},
        cwd=directory,
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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
def test_example_runs(siperb_server: SiperbServer, tmp_path: Path, command: list[str], output: str) -> None:
    run = run_example(*command, directory=tmp_path)
    assert run.returncode == 0
    assert run.stderr == ("\n1 of 2\n2 of 2" if command == ["bulk.py"] else "")
    assert run.stdout.startswith(output.format(user=siperb_server.user.user_id))


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"login": Status(401)}, "Log in first: POST /Login answered 401"),
        ({"login": Status(429, retry_after=90)}, "Too many requests. Run this again in 90 seconds."),
        ({None: Drop()}, "The API cannot be reached: "),
        ({"devices": Status(403)}, "The API refused (request None): GET /Users/{id}/Devices answered 403"),
        ({"provisioning": Status(404)}, "The API refused (request None): "),
    ],
    ids=str,
)
def test_an_example_handles_each_kind_of_failure(
    siperb_server: SiperbServer, tmp_path: Path, faults: dict[Route | None, Fault], words: str
) -> None:
    for route, fault in faults.items():
        siperb_server.fail(route, fault, times=None)
    run = run_example("error_handling.py", directory=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(words)
    assert "Traceback" not in run.stderr


def test_an_example_finds_what_a_lost_answer_has_made(siperb_server: SiperbServer, tmp_path: Path) -> None:
    siperb_server.fail("devices", Lost(504), method="POST")
    run = run_example("error_handling.py", directory=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert [device.description for device in siperb_server.user.devices].count("Reception") == 1


def test_an_example_says_when_a_write_may_have_been_done(siperb_server: SiperbServer, tmp_path: Path) -> None:
    siperb_server.fail("devices", Status(504), method="POST")  # and no device is there when the client looks again
    run = run_example("error_handling.py", directory=tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith("The API may have done it. Check before you repeat: ")


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_token_is_revoked_only_when_the_new_one_is_stored(
    siperb_server: SiperbServer, tmp_path: Path, is_kept: bool
) -> None:
    for name in "laptop", "laptop", "ci":
        siperb_server.add_pat(name=name)
    before = set(siperb_server.user.pats)
    keyring = {}
    if is_kept:
        keyring = {"PYTHON_KEYRING_BACKEND": "backends.FileKeyring", "PYTHONPATH": str(HELPERS)}
        keyring["SIPERB_TEST_KEYRING"] = str(tmp_path)
    run = run_example("rotate_pat.py", "laptop", directory=tmp_path, **keyring)
    after = siperb_server.user.pats
    if is_kept:
        assert run.returncode == 0, run.stderr
        assert run.stdout == "laptop: the new token is stored, and 2 old ones are revoked.\n"
        [renewed] = [pat for pat in after.values() if pat.name == "laptop"]
        assert renewed.pat_id not in before
        assert len(after) == len(before) - 1
        assert any(renewed.token in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    else:
        assert run.returncode == 1
        assert "the old one stays" in run.stderr
        assert set(after) == before


def test_the_service_hands_out_a_phone_and_keeps_the_token(siperb_server: SiperbServer) -> None:
    async def get_phone() -> tuple[int, str, str]:
        app = runpy.run_path(str(EXAMPLES / "service_async.py"))["app"]()
        async with TestClient(TestServer(app)) as client, client.get("/phone") as answer:
            return answer.status, answer.headers["Cache-Control"], await answer.text()

    status, caching, text = asyncio.run(get_phone())
    assert (status, caching) == (200, "no-store")
    assert '"uri": "sip:' in text
    assert siperb_server.pat not in text


@pytest.mark.parametrize(
    "names", [["test_with_fixtures.py"], ["test_fastapi_service.py", "fastapi_service.py"]], ids=str
)
@pytest.mark.parametrize("is_copied", [True, False])
def test_the_example_tests_pass(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, names: list[str], is_copied: bool
) -> None:
    """With the plugins that their docstrings name alone: in the clone the settings of the repository do not count."""
    for name in names if is_copied else []:
        pytester.copy_example(str(EXAMPLES / name))
    monkeypatch.chdir(pytester.path if is_copied else EXAMPLES.parent)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    path = names[0] if is_copied else f"examples/{names[0]}"
    command = [sys.executable, "-m", "pytest", "-p", "pytest_siperb", "-p", "no:cacheprovider", path]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout
    assert f"{4 if len(names) == 1 else 3} passed" in run.stdout
    assert "warning" not in run.stdout


@pytest.mark.parametrize("script", ["onboard.py", "onboard_async.py"])
def test_two_runs_onboard_everybody_and_make_nothing_twice(
    siperb_server: SiperbServer, tmp_path: Path, script: str
) -> None:
    rows, people = tmp_path / "rows.csv", [f"a{number}@contact.example" for number in range(4)]
    text = "email,name,number\n" + "".join(f"{email},Ann,+49301\n" for email in people)
    rows.write_text(text, encoding="utf-8-sig")
    for route in "domain_users", "devices", "connections":
        siperb_server.fail(route, Lost(), method="POST")

    first = run_example(script, str(rows), directory=tmp_path)
    assert first.returncode == 1
    assert "/Connections got no answer" in first.stdout

    rows.write_text(text)
    second = run_example(script, str(rows), directory=tmp_path)
    assert second.returncode == 0
    assert sorted(line.split()[-2] for line in second.stdout.splitlines()) == people
    users = list(siperb_server.user.domain_users.values())
    assert [(len(user.devices), len(user.documents)) for user in users] == [(1, 1)] * 4


def test_who_is_offboarded_goes_with_devices_and_connections(siperb_server: SiperbServer, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("email,name,number\na@contact.example,A,1\nb@contact.example,B,2\n")
    assert run_example("onboard.py", str(rows), directory=tmp_path).returncode == 0
    rows.write_text("email,name\nA@contact.example,A\nnobody@contact.example,\n")

    assert run_example("offboard.py", str(rows), directory=tmp_path, answer="no\n").returncode == 1
    assert len(siperb_server.user.domain_users) == 2
    left = run_example("offboard.py", str(rows), directory=tmp_path, answer="yes\n")
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
    run = run_example(script, str(rows), directory=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("Nothing was done")
    assert words in run.stderr
    assert siperb_server.requests == []


@pytest.mark.parametrize(
    "text",
    ["email\na@contact.example\nA@contact.example\n", "e-mail\na@contact.example\n", "email\nAnn\n", 'email\n""\n'],
)
def test_nobody_is_offboarded_from_a_file_that_is_wrong(siperb_server: SiperbServer, tmp_path: Path, text: str) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text(text)
    run = run_example("offboard.py", str(rows), directory=tmp_path, answer="yes\n")
    assert (run.returncode, run.stderr.partition(":")[0]) == (1, "Nobody was removed")
    assert siperb_server.requests == []


def test_the_csv_file_fits_those_who_read_it(siperb_server: SiperbServer, tmp_path: Path) -> None:
    people = str(EXAMPLES / "people.csv")
    for script in "onboard.py", "onboard_async.py":
        assert run_example(script, people, directory=tmp_path).returncode == 0
    assert len(siperb_server.user.domain_users) == 2
    assert run_example("offboard.py", people, directory=tmp_path, answer="yes\n").returncode == 0
    assert not siperb_server.user.domain_users


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.name)
def test_an_example_is_short_strict_and_in_the_index(example: Path) -> None:
    code = example.read_text()
    assert len(code.splitlines()) <= 45
    assert f"]({example.name})" in (EXAMPLES / "README.md").read_text()
    assert not re.search(r"\bNever\b|NoReturn|\bSiperb\.\w+\(", code)
    clients = re.findall(r"\b(?:Async)?Siperb\(.*\)", code)
    assert all("strict=True" in client for client in clients)


def test_the_index_names_what_is_there_and_ports_differ() -> None:
    index = (EXAMPLES / "README.md").read_text()
    assert all((EXAMPLES / link).exists() for link in re.findall(r"\]\(([^)]+)\)", index))
    ports = {port for path in [*PROGRAMS, EXAMPLES / "web_phone" / "app.py"] for port in PORT.findall(path.read_text())}
    assert ports == set(re.findall(r"on port (\d+)", index)) == {"8080", "8081", "8082"}
