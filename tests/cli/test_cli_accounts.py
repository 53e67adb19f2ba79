"""Several accounts at one address: which one a command is for, and where its token comes from."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from cli_helpers import Run
from keyring.errors import KeyringLocked

from siperb.testing import SiperbServer
from siperb.testing.users import User

pytest_plugins = ("cli_fixtures",)


@pytest.fixture
def users(
    run: Run, siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[User, User]:
    """Two who logged in, the second one last."""
    first, second = siperb_server.user, siperb_server.add_user()
    siperb_server.add_device(second, description="Of the second")
    monkeypatch.delenv("SIPERB_PAT")
    for user in first, second:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{user.pat}\n"))
        assert run("login").code == 0
    return first, second


def who(run: Run, *argv: str) -> str:
    result = run("whoami", "--json", *argv)
    assert result.code == 0, result.err
    user_id: str = json.loads(result.out)["user_id"]
    return user_id


def test_the_last_login_is_in_use_and_each_can_be_named(run: Run, users: tuple[User, User]) -> None:
    first, second = users
    assert who(run) == second.user_id
    for name in (first.email, first.email.upper(), first.user_id, first.user_id[:8]):
        assert who(run, "--account", name) == first.user_id
    assert who(run, "--account", second.email) == second.user_id
    assert who(run) == second.user_id
    assert "Of the second" not in run("devices", "--account", first.email).out


def test_a_switch_lasts_and_loses_nobody(run: Run, users: tuple[User, User]) -> None:
    first, second = users
    for one, other in ((first, second), (second, first), (first, second)):
        assert run("switch", one.email).code == 0
        assert who(run) == one.user_id
        assert who(run, "--account", other.email) == other.user_id
        assert json.loads(run("status", "--json").out)["stored"]["pat"] == 2


def test_the_library_uses_the_account_in_use(run: Run, users: tuple[User, User]) -> None:
    from siperb import Siperb

    run("switch", users[0].email)
    with Siperb(state=None) as client:
        assert client.login().user_id == users[0].user_id


def test_another_login_of_the_same_user_replaces_its_token(
    run: Run, siperb_server: SiperbServer, users: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = users[0]
    siperb_server.revoke_pat(first)
    new = siperb_server.add_pat(first).token
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{new}\n"))
    assert run("login").code == 0
    run("switch", users[1].email)
    assert who(run, "--account", first.email) == first.user_id
    assert json.loads(run("status", "--json").out)["stored"]["pat"] == 2


@pytest.mark.parametrize("name", ["nobody@siperb.example", "", "50"])
def test_who_is_not_there_is_said_with_who_is(run: Run, users: tuple[User, User], name: str) -> None:
    result = run("devices", "--account", name)
    assert (result.code, result.out) == (4, "")
    assert "no such account" in result.err
    nearly = run("switch", "user1@siperb.exampel")
    assert "did you mean user1@siperb.example?" in nearly.err


def test_an_account_is_found_by_its_e_mail_address_though_nobody_stored_it(
    run: Run, siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the user id is the MD5 of the address; `save_pat` of the library stores the id alone."""
    from siperb import Siperb

    user = siperb_server.add_domain_user("jo@siperb.example")
    pat = siperb_server.add_pat(user).token
    monkeypatch.delenv("SIPERB_PAT")
    with Siperb(pat, state=None) as client:
        client.login()
        assert client.save_pat(pat)
    assert who(run, "--account", "Jo@siperb.example") == user.user_id


def test_an_account_comes_before_the_variables(
    run: Run, users: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = users
    monkeypatch.setenv("SIPERB_PAT", second.pat)
    assert who(run, "--account", first.email) == first.user_id


def test_a_file_holds_the_token(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pat"
    file.write_text(f"{siperb_server.pat}\n")
    monkeypatch.delenv("SIPERB_PAT")
    monkeypatch.setenv("SIPERB_PAT_FILE", str(file))
    assert run("devices").code == 0
    said = json.loads(run("status", "--json").out)
    assert said["token_source"] == "SIPERB_PAT_FILE"
    monkeypatch.setenv("SIPERB_PAT", "another")
    assert json.loads(run("status", "--json").out)["token_source"] == "SIPERB_PAT"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "this is empty"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"hush hush2", "more than a token"),
    ],
)
def test_a_file_without_a_token_is_an_error_that_shows_nothing_of_it(
    run: Run,
    siperb_server: SiperbServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    said: str,
) -> None:
    file = tmp_path / "pat"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.delenv("SIPERB_PAT")
    monkeypatch.setenv("SIPERB_PAT_FILE", str(file))
    for command in ("devices", "status"):
        result = run(command)
        assert (result.code, result.out) == (4, "")
        assert said in result.err
        assert "hush" not in result.err
    assert run("doctor").code != 0


def test_whoami(run: Run, siperb_server: SiperbServer) -> None:
    user = siperb_server.user
    assert run("whoami").out.splitlines() == [
        f"user\t{user.user_id}",
        f"name\t{user.name}",
        f"email\t{user.email}",
        f"address\t{siperb_server.base_url}",
        "token from\tSIPERB_PAT",
    ]


@pytest.mark.usefixtures("no_keyring")
def test_advice_about_the_keyring_is_that_of_a_command_line(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = run("devices", "--cache")
    assert cached.code == 0
    assert "Or leave --cache out." in cached.err
    monkeypatch.delenv("SIPERB_PAT")
    missing = run("devices")
    assert missing.err == (
        "siperb: There is no personal access token (PAT): run `siperb login`, or set SIPERB_PAT or SIPERB_PAT_FILE.\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("token\n"))
    for result in (cached, missing, run("login"), run("logout"), run("status"), run("doctor")):
        assert "MemoryCache" not in result.out + result.err
        assert "KeyringCache" not in result.out + result.err
        assert max(map(len, result.err.splitlines()), default=0) <= 160  # two lines of a narrow screen


def test_a_locked_keyring_is_told_once(
    run: Run, siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backends import FileKeyring

    def locked(*_: object) -> str:
        raise KeyringLocked

    monkeypatch.setattr(FileKeyring, "get_password", locked)
    monkeypatch.delenv("SIPERB_PAT")
    result = run("devices")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "The keyring is locked. Unlock it" in result.err
    assert run("devices", "--account", "somebody").code == 1
    monkeypatch.setenv("SIPERB_PAT", siperb_server.pat)
    assert run("devices").err == ""


def test_no_keyring_is_touched_where_none_is_wanted(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    found = {check["name"]: check for check in json.loads(run("doctor", "--json").out)["checks"]}
    assert found["keyring"]["status"] == "skipped"
    assert "none is wanted" in found["keyring"]["detail"]
    assert os.environ["SIPERB_PAT"] not in json.dumps(found)
