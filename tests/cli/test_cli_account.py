"""``siperb login``, ``status``, ``logout``, on a keyring of files and on none."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from backends import FileKeyring
from cli_helpers import Run, in_terminal, log_in, secrets_of, spawn
from keyring.errors import KeyringLocked

from siperb.cli.account import PROMPT
from siperb.cli.secret_input import read_secret
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)

NAME = "backends.FileKeyring"


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


def test_a_keyring_that_does_not_answer_is_not_an_empty_one(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(run, monkeypatch, pat)

    def locked(*_: object) -> str:
        raise KeyringLocked

    monkeypatch.setattr(FileKeyring, "get_password", locked)
    status = run("status")
    assert status.code == 1
    assert status.out.count("unknown: The keyring is locked.") == 2
    said = json.loads(run("status", "--json").out)
    assert said["stored"] is None
    assert "locked" in said["keyring_problem"]
    devices = run("devices")
    assert (devices.code, devices.out) == (1, "")
    assert "The keyring is locked." in devices.err
    assert "There is no" not in devices.err
    monkeypatch.setenv("SIPERB_PAT", pat)
    assert run("status").code == 0


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
