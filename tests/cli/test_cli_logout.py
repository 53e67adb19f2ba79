"""``siperb logout``, and what ``status`` finds of everybody who was logged in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from backends import FileKeyring
from cli_helpers import Run, log_in

from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)


def test_logout_removes_all_of_the_user_and_nothing_else(
    run: Run, siperb_server: SiperbServer, other_server: SiperbServer, pat: str, file_keyring: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("SIPERB_BASE_URL", other_server.base_url)
    log_in(run, monkeypatch, other_server.pat)
    others = set(file_keyring.iterdir())
    monkeypatch.setenv("SIPERB_BASE_URL", siperb_server.base_url)
    log_in(run, monkeypatch, pat)
    run("provision", "1", "--cache")
    run("provision", "2", "--cache")

    result = run("logout")
    assert (result.code, result.out) == (0, "")
    assert result.err == ("Removed from the keyring: 1 token, 1 session, 1 device list, 2 provisioning documents.\n")
    assert set(file_keyring.iterdir()) == others
    again = run("logout")
    assert again.code == 0
    assert "held nothing" in again.err


def test_logout_without_a_token_removes_what_the_variables_token_cached(
    run: Run, siperb_server: SiperbServer, file_keyring: Path
) -> None:
    run("devices", "--cache")
    assert list(file_keyring.iterdir())
    result = run("logout", "--json")
    assert json.loads(result.out)["removed"] == {"pat": 0, "session": 1, "devices": 1, "prov": 0}
    assert list(file_keyring.iterdir()) == []
    assert "SIPERB_PAT is set" in result.err


def test_logout_tells_of_what_the_keyring_keeps(
    run: Run, siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("devices", "--cache")
    delete = FileKeyring.delete_password

    def keep_devices(self: FileKeyring, service: str, username: str) -> None:
        if "/devices-" not in service:
            delete(self, service, username)

    monkeypatch.setattr(FileKeyring, "delete_password", keep_devices)
    result = run("logout")
    assert (result.code, result.out) == (1, "")
    assert "1 record is still in the keyring" in result.err


@pytest.mark.usefixtures("file_keyring")
def test_logout_removes_what_siperb_0_1_0_stored(run: Run) -> None:
    stored: dict[str, str] = json.loads((Path(__file__).parents[1] / "helpers" / "entries_of_0_1_0.json").read_text())
    keyring = FileKeyring()
    for name, text in stored.items():
        keyring.set_password(name, "siperb", text)
    assert run("logout", "--base-url", "https://api.example").code == 0
    assert [name for name in stored if keyring.get_password(name, "siperb")] == []


@pytest.fixture
def two_users(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """The ids of one who logged in, cached something, and of another who logged in after."""
    other = siperb_server.add_user()
    siperb_server.add_device(other)
    log_in(run, monkeypatch, pat)
    run("provision", "1", "--cache")
    log_in(run, monkeypatch, other.pat)
    run("devices", "--cache")
    return siperb_server.user.user_id, other.user_id


def test_status_finds_everybody_who_was_logged_in(run: Run, two_users: tuple[str, str]) -> None:
    lines = run("status").out.splitlines()
    assert lines[3] == "stored\t2 tokens, 2 sessions, 2 device lists, 1 provisioning document"
    first, second = two_users
    assert sorted(lines[4:]) == [
        "account\tuser1@siperb.example: 1 token, 1 session, 1 device list, 1 provisioning document",
        "account\tuser2@siperb.example (in use): 1 token, 1 session, 1 device list",
    ]
    said = json.loads(run("status", "--json").out)
    assert {user["user_id"]: user["in_use"] for user in said["users"]} == {first: False, second: True}


def test_logout_removes_everybody(run: Run, two_users: tuple[str, str], file_keyring: Path) -> None:
    result = run("logout")
    assert result.err == ("Removed from the keyring: 2 tokens, 2 sessions, 2 device lists, 1 provisioning document.\n")
    assert list(file_keyring.iterdir()) == []


@pytest.mark.parametrize("number", [0, 1])
def test_logout_of_one_user_leaves_the_other(
    run: Run, two_users: tuple[str, str], file_keyring: Path, number: int
) -> None:
    gone, kept = two_users[number], two_users[1 - number]
    assert run("logout", "--account", gone).code == 0
    said = json.loads(run("status", "--json").out)
    assert [user["user_id"] for user in said["users"]] == [kept]
    assert said["stored"]["session"] == 1
    assert (said["token_source"] == "keyring") == (number == 0)
    assert run("logout", "--account", kept).code == 0
    assert list(file_keyring.iterdir()) == []


def test_logout_of_somebody_who_never_was_here_removes_nothing(
    run: Run, two_users: tuple[str, str], file_keyring: Path
) -> None:
    before = {file.name: file.read_text() for file in file_keyring.iterdir()}
    result = run("logout", "--account", "nobody")
    assert (result.code, result.out) == (4, "")
    assert "no such account" in result.err
    assert "user1@siperb.example" in result.err
    assert {file.name: file.read_text() for file in file_keyring.iterdir()} == before


@pytest.mark.usefixtures("no_keyring")
def test_logout_from_no_keyring_is_an_error(run: Run, siperb_server: SiperbServer) -> None:
    result = run("logout")
    assert result.code == 1
    assert "Nothing can be removed" in result.err
