"""``siperb login``, ``status``, ``logout``, on a keyring of files and on none."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from backends import FileKeyring
from cli_helpers import Result, Run, in_terminal, secrets_of, spawn
from keyring.errors import KeyringLocked

from siperb.cli.account import PROMPT
from siperb.cli.secret_input import read_secret
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)

NAME = "backends.FileKeyring"


@pytest.fixture
def pat(siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of an API that the environment names, without it."""
    monkeypatch.delenv("SIPERB_PAT")
    return siperb_server.pat


def log_in(run: Run, monkeypatch: pytest.MonkeyPatch, pat: str, *more: str) -> Result:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{pat}\n"))
    return run("login", *more)


def test_a_token_that_is_piped_in_is_stored_and_used_by_other_processes(pat: str, file_keyring: Path) -> None:
    result = spawn("login", stdin=f" {pat}\n")
    assert (result.code, result.out) == (0, "")
    assert NAME in result.err
    assert pat not in result.err
    assert "Front Desk" in spawn("devices").out


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")
def test_a_token_that_is_typed_is_not_echoed(pat: str, file_keyring: Path) -> None:
    result = in_terminal("login", prompt="not shown", typed=pat)
    assert result.code == 0
    assert result.out.startswith(PROMPT)
    assert pat not in result.out
    assert pat in "".join(file.read_text() for file in file_keyring.iterdir())


def test_no_terminal_that_shows_what_is_typed_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass
    import warnings

    def echoing(prompt: str, stream: object) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=1)
        return "seen by all"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", echoing)
    with pytest.raises(Exception, match="pipe it in"):
        read_secret("Token: ")


def test_json_names_no_secret(run: Run, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = log_in(run, monkeypatch, pat, "--json", "--stdin")
    assert result.code == 0
    said = json.loads(result.out)
    assert set(said) == {"base_url", "user_id", "email", "keyring"}
    assert said["keyring"] == NAME


def test_a_refused_token_is_not_stored(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    siperb_server.revoke_pat()
    result = log_in(run, monkeypatch, pat)
    assert result.code == 4
    assert "401" in result.err
    assert list(file_keyring.iterdir()) == []


def test_a_revoked_token_is_found_out_though_its_session_is_cached(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(run, monkeypatch, pat)
    run("devices", "--cache")
    siperb_server.revoke_pat()
    assert log_in(run, monkeypatch, pat).code == 4


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_nothing_is_asked_and_nothing_sent(
    run: Run, siperb_server: SiperbServer, pat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = log_in(run, monkeypatch, pat)
    assert (result.code, result.out) == (1, "")
    assert "no keyring here" in result.err
    assert "SIPERB_PAT" in result.err
    assert siperb_server.requests == []


def test_nothing_entered_is_no_token(run: Run, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_in(run, monkeypatch, "  ").code == 4


@pytest.mark.parametrize("argv", [["TOKEN"], ["--token", "TOKEN"], ["--pat=TOKEN"]])
def test_a_token_is_no_argument(run: Run, pat: str, argv: list[str]) -> None:
    result = run("login", *(word.replace("TOKEN", "abc123") for word in argv))
    assert result.code == 2
    assert "abc123" not in result.err


def test_status_says_where_the_token_comes_from(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = run("status")
    assert none.code == 4
    assert "siperb login" in none.out

    log_in(run, monkeypatch, pat)
    run("provision", "1", "--cache")
    siperb_server.clear()
    stored = run("status")
    assert stored.code == 0
    assert stored.out.splitlines() == [
        f"address\t{siperb_server.base_url} (SIPERB_BASE_URL)",
        f"token\t{pat[:4]}…{pat[-4:]} (keyring)",
        f"keyring\t{NAME}",
        "stored\t1 token, 1 session, 1 device list, 1 provisioning document",
    ]

    monkeypatch.setenv("SIPERB_PAT", "pat-of-another")
    assert "token\t••• (SIPERB_PAT)" in run("status").out
    said = json.loads(run("status", "--json").out)
    assert said["token_source"] == "SIPERB_PAT"
    assert said["stored"] == {"pat": 1, "session": 1, "devices": 1, "prov": 1}
    assert siperb_server.requests == []


def test_status_without_a_keyring(run: Run, siperb_server: SiperbServer, no_keyring: None) -> None:
    result = run("status")
    assert result.code == 0
    assert "keyring\tnone\n" in result.out


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


def test_a_keyring_that_does_not_answer_is_not_an_empty_one(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(run, monkeypatch, pat)

    def locked(*_: object) -> str:
        raise KeyringLocked

    monkeypatch.setattr(FileKeyring, "get_password", locked)
    status = run("status")
    assert status.code == 1
    assert status.out.count("unknown: the keyring is locked") == 2
    said = json.loads(run("status", "--json").out)
    assert said["stored"] is None
    assert "locked" in said["keyring_problem"]
    devices = run("devices")
    assert (devices.code, devices.out) == (1, "")
    assert "the keyring is locked" in devices.err
    assert "There is no" not in devices.err
    monkeypatch.setenv("SIPERB_PAT", pat)
    assert run("status").code == 0


@pytest.mark.usefixtures("no_keyring")
def test_logout_from_no_keyring_is_an_error(run: Run, siperb_server: SiperbServer) -> None:
    result = run("logout")
    assert result.code == 1
    assert "Nothing can be removed" in result.err


def test_no_command_shows_a_secret(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = secrets_of(siperb_server)
    results = [log_in(run, monkeypatch, pat, "-v")]
    results += [run(*argv, "-v") for argv in (["provision", "1", "--cache", "-o", os.devnull], ["devices", "--cache"])]
    results += [run(command, "-v", *json) for command in ("status", "logout") for json in ([], ["--json"])]
    seen = "".join(result.out + result.err for result in results)
    assert "Logged in" in seen
    assert not [secret for secret in secrets if secret in seen]
