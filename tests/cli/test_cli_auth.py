"""``siperb login``, ``status``, ``switch``, ``logout``, on a keyring of files and on none."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from backends import FileKeyring
from cli_helpers import Run, in_terminal, posix_terminal, secrets_of, spawn
from keyring.errors import KeyringLocked

from siperb import Siperb
from siperb.cli.auth import PROMPT
from siperb.cli.terminal import read_secret
from siperb.testing import Drop, SiperbServer, User

pytest_plugins = ("cli_fixtures",)

NAME = "backends.FileKeyring"


def status_of(run: Run, *argv: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run("status", "--json", *argv).out)
    return said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_token_that_is_piped_in_is_stored_and_used(run: Run, pat: str, file_keyring: Path, encoding: str) -> None:
    result = run("login", stdin=f" {pat}\r\nlogin: me\r\n".encode(encoding))
    assert (result.code, result.out) == (0, "")
    assert NAME in result.err
    assert pat not in result.err
    assert "Front Desk" in spawn("devices").out


@posix_terminal
def test_a_token_that_is_typed_is_not_echoed(pat: str, file_keyring: Path) -> None:
    result = in_terminal("login", prompt="not shown", typed=pat)
    assert result.code == 0
    assert result.out.startswith(PROMPT)
    assert pat not in result.out
    assert pat in "".join(file.read_text() for file in file_keyring.iterdir())


@posix_terminal
def test_an_interrupt_at_the_prompt_ends_its_line(pat: str, file_keyring: Path) -> None:
    result = in_terminal("login", prompt="not shown", interrupted=True)
    assert result.code == 130
    assert result.out.replace("^C", "").splitlines()[0] == PROMPT
    assert result.out.endswith("Interrupted.\n")


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


@pytest.mark.parametrize("stdin", [b"", b" \r\n", b"\xef\xbb\xbf\n", b"\xff\xfe", b"\xff\xffx"])
def test_nothing_or_no_text_is_no_token(run: Run, pat: str, file_keyring: Path, stdin: bytes) -> None:
    assert run("login", stdin=stdin).code == 4
    assert list(file_keyring.iterdir()) == []


@pytest.mark.parametrize("argv", [["TOKEN"], ["--token", "TOKEN"], ["--pat=TOKEN"], ["--stdin"]])
def test_a_token_is_no_argument(run: Run, pat: str, argv: list[str]) -> None:
    result = run("login", *(word.replace("TOKEN", "abc123") for word in argv))
    assert result.code == 2
    assert "abc123" not in result.err
    assert argv != ["TOKEN"] or "does not belong on a command line" in result.err


def test_a_refused_token_is_not_stored(run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path) -> None:
    siperb_server.revoke_pat()
    result = run("login", stdin=pat)
    assert (result.code, "401" in result.err) == (4, True)
    assert list(file_keyring.iterdir()) == []


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("command", ["login", "logout", "status", "devices", "doctor"])
def test_words_about_a_missing_keyring_are_those_of_a_command_line(
    run: Run, siperb_server: SiperbServer, pat: str, command: str
) -> None:
    result = run(command, stdin=pat)
    assert result.code == (1 if command in ("login", "logout", "doctor") else 4)
    assert siperb_server.requests == []
    assert "SIPERB_PAT" in result.out + result.err or command == "doctor"
    for word in ("MemoryCache", "KeyringCache", "pass it", "login()", "client"):
        assert word not in result.out + result.err


def test_login_and_status_in_json_name_no_secret(run: Run, pat: str, file_keyring: Path) -> None:
    assert set(json.loads(run("login", "--json", stdin=pat).out)) == {"base_url", "user_id", "email", "keyring"}
    said = status_of(run)
    assert (said["token"], said["token_source"], said["problem"]) == (f"{pat[:4]}…{pat[-4:]}", "keyring", None)


def test_status_asks_whose_token_it_is(run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path) -> None:
    none = run("status")
    assert (none.code, "siperb login" in none.out) == (4, True)
    run("login", stdin=pat)
    user = siperb_server.user
    assert run("status").out.splitlines() == [
        f"base url\t{siperb_server.base_url}",
        "base url source\tSIPERB_BASE_URL",
        f"token\t{pat[:4]}…{pat[-4:]}",
        "token source\tkeyring",
        f"user id\t{user.user_id}",
        f"name\t{user.name}",
        f"email\t{user.email}",
        f"keyring\t{NAME}",
        f"account\t{user.email} (in use)",
    ]
    siperb_server.fail(None, Drop(), times=None)
    offline = run("status")
    assert offline.code == 0
    assert "problem\tThe token was not checked. POST /Login got no answer" in offline.out
    siperb_server.clear_faults()
    siperb_server.revoke_pat()
    refused = run("status")
    assert (refused.code, "problem\tPOST /Login" in refused.out or refused.out) == (4, True)


@posix_terminal
def test_status_on_a_terminal_is_not_cut_off(siperb_server: SiperbServer) -> None:
    siperb_server.revoke_pat()
    assert "log in again." in in_terminal("status", columns=60).out


def test_status_where_the_environment_has_the_token(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, no_keyring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status_of(run)["keyring"] is None
    assert status_of(run)["token_source"] == "SIPERB_PAT"
    (tmp_path / "pat").write_bytes(b"\xef\xbb\xbf" + siperb_server.pat.encode() + b"\r\n")
    monkeypatch.delenv("SIPERB_PAT")
    monkeypatch.setenv("SIPERB_PAT_FILE", str(tmp_path / "pat"))
    assert run("devices").code == 0
    assert status_of(run)["token_source"] == "SIPERB_PAT_FILE"
    (tmp_path / "pat").write_text("hush hush2")
    for command in ("devices", "status", "doctor"):
        result = run(command)
        assert result.code == 4
        assert "more than a token" in result.out + result.err
        assert "hush" not in result.out + result.err


def test_a_keyring_that_does_not_answer_is_not_an_empty_one(
    run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("login", stdin=pat)

    def locked(*_: object) -> str:
        raise KeyringLocked

    monkeypatch.setattr(FileKeyring, "get_password", locked)
    status = run("status")
    assert status.code == 1
    assert "The keyring is locked. Unlock it" in status.out
    assert "locked" in status_of(run)["keyring_problem"]
    for argv in (["devices"], ["devices", "--account", "somebody"]):
        result = run(*argv)
        assert (result.code, result.out) == (1, "")
        assert "The keyring is locked. Unlock it" in result.err
        assert "There is no" not in result.err
    monkeypatch.setenv("SIPERB_PAT", pat)
    assert (run("devices").err, run("status").code) == ("", 0)


@pytest.fixture
def two(
    run: Run, siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[User, User]:
    """Two who logged in, the second one last."""
    first, second = siperb_server.user, siperb_server.add_user()
    siperb_server.add_device(second, description="Of the second")
    monkeypatch.delenv("SIPERB_PAT")
    for user in first, second:
        assert run("login", stdin=user.pat).code == 0
    return first, second


def test_the_last_login_is_in_use_and_each_can_be_named(run: Run, two: tuple[User, User]) -> None:
    first, second = two
    assert status_of(run)["user_id"] == second.user_id
    for name in (first.email, first.email.upper(), first.user_id, "user1"):
        assert status_of(run, "--account", name)["user_id"] == first.user_id
    assert "Of the second" not in run("--account", first.email, "devices").out
    assert f"account\t{second.email} (in use)\n" in run("status").out


def test_a_switch_lasts_and_loses_nobody(run: Run, two: tuple[User, User]) -> None:
    first, second = two
    for one, other in ((first, second), (second, first), (first, second)):
        assert run("switch", one.email).code == 0
        assert status_of(run)["user_id"] == one.user_id
        assert status_of(run, "--account", other.email)["user_id"] == other.user_id
    with Siperb(state=None) as client:
        assert client.login().user_id == first.user_id


def test_an_account_comes_before_the_variables(
    run: Run, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPERB_PAT", two[1].pat)
    assert status_of(run, "--account", two[0].email)["user_id"] == two[0].user_id


@pytest.mark.parametrize("name", ["nobody@siperb.example", "", "50"])
def test_who_is_not_there_is_said_with_who_is(run: Run, two: tuple[User, User], name: str) -> None:
    result = run("devices", "--account", name)
    assert (result.code, result.out) == (4, "")
    assert "no such account" in result.err
    assert "did you mean user1@siperb.example?" in run("switch", "user1@siperb.exampel").err


def test_logout_removes_everybody_of_the_address_and_nobody_else(
    run: Run, other_server: SiperbServer, two: tuple[User, User], file_keyring: Path
) -> None:
    before = set(file_keyring.iterdir())
    run("login", "--base-url", other_server.base_url, stdin=other_server.pat)
    others = set(file_keyring.iterdir()) - before
    assert run("logout").err == "Records removed from the keyring: 3.\n"
    assert set(file_keyring.iterdir()) == others
    assert run("logout").err == "Records removed from the keyring: 0.\n"


@pytest.mark.parametrize("number", [0, 1])
def test_logout_of_one_leaves_the_other(run: Run, two: tuple[User, User], file_keyring: Path, number: int) -> None:
    gone, kept = two[number], two[1 - number]
    assert run("logout", "--account", gone.user_id).code == 0
    assert [one["user_id"] for one in status_of(run)["accounts"]] == [kept.user_id]
    assert (status_of(run)["token_source"] == "keyring") == (number == 0)
    assert run("logout", "--account", kept.user_id).code == 0
    assert list(file_keyring.iterdir()) == []


def test_logout_of_a_stranger_removes_nothing(run: Run, two: tuple[User, User], file_keyring: Path) -> None:
    before = {file.name: file.read_text() for file in file_keyring.iterdir()}
    assert run("logout", "--account", "nobody").code == 4
    assert {file.name: file.read_text() for file in file_keyring.iterdir()} == before


def test_logout_tells_of_what_the_keyring_keeps(
    run: Run, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = FileKeyring.delete_password

    def keep(self: FileKeyring, service: str, username: str) -> None:
        if not service.endswith("/pat"):
            delete(self, service, username)

    monkeypatch.setattr(FileKeyring, "delete_password", keep)
    result = run("logout")
    assert (result.code, "could not be removed" in result.err) == (1, True)


@pytest.mark.usefixtures("file_keyring")
def test_logout_removes_what_siperb_0_1_0_stored(run: Run) -> None:
    stored: dict[str, str] = json.loads((Path(__file__).parents[1] / "helpers" / "entries_of_0_1_0.json").read_text())
    keyring = FileKeyring()
    for name, text in stored.items():
        keyring.set_password(name, "siperb", text)
    assert run("logout", "--base-url", "https://api.example").code == 0
    assert [name for name in stored if keyring.get_password(name, "siperb")] == []


def test_a_variable_that_comes_first_is_mentioned(run: Run, siperb_server: SiperbServer, file_keyring: Path) -> None:
    assert "SIPERB_PAT is set" in run("login", stdin=siperb_server.pat).err


def test_no_command_shows_a_secret(run: Run, siperb_server: SiperbServer, pat: str, file_keyring: Path) -> None:
    secrets = secrets_of(siperb_server)
    results = [run("login", "-v", stdin=pat)]
    results += [run(command, "-v", *more) for command in ("status", "users", "logout") for more in ([], ["--json"])]
    seen = "".join(result.out + result.err for result in results)
    assert "Logged in" in seen
    assert not [secret for secret in secrets if secret in seen]
