"""``siperb pat``: where the value of a token goes, and that none is ever good and nobody's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, spawn, start

from siperb.testing import Lost, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)

posix = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")


def names(server: SiperbServer) -> list[str]:
    return [pat.name for pat in server.user.pats.values()]


def logs_in(server: SiperbServer, pat: str) -> bool:
    return server.log_in(pat) is not None


def test_list_has_ids_and_dates_and_no_value(run: Run, siperb_server: SiperbServer) -> None:
    pat = siperb_server.add_pat(name="ci", days=30)
    result = run("pat", "list")
    assert any(line.startswith(f"{pat.pat_id}\tci\t20") for line in result.out.splitlines())
    document = json.loads(run("pat", "list", "--json").out)[-1]
    assert (document["pat_id"], document["name"]) == (pat.pat_id, "ci")
    assert document["expires_at"] > document["created_at"]
    assert pat.token not in result.out


def test_create_prints_the_token_alone_into_a_pipe(run: Run, siperb_server: SiperbServer) -> None:
    for result in run("pat", "create", "ci"), spawn("pat", "create", "ci"):
        token = result.out.removesuffix("\n")
        assert result.code == 0
        assert token.split() == [token]
        assert logs_in(siperb_server, token)
        assert token not in result.err
    assert json.loads(run("pat", "create", "ci", "--days", "7", "--json").out)["token"].startswith("pat-")
    assert names(siperb_server).count("ci") == 3
    assert json.loads(siperb_server.requests[-1].body) == {"friendlyName": "ci", "expirationDays": 7}


@posix
def test_create_on_a_terminal_makes_nothing_unless_told_where_to(siperb_server: SiperbServer, tmp_path: Path) -> None:
    refused = in_terminal("pat", "create", "ci")
    assert (refused.code, "--reveal" in refused.out) == (2, True)
    assert not siperb_server.requests
    file = tmp_path / "token"
    written = in_terminal("pat", "create", "ci", "-o", str(file))
    assert written.code == 0
    assert logs_in(siperb_server, file.read_text().strip())
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() not in written.out
    shown = in_terminal("pat", "create", "ci", "--reveal")
    assert logs_in(siperb_server, shown.out.splitlines()[0])


@posix
def test_a_token_that_nobody_could_read_is_revoked(siperb_server: SiperbServer) -> None:
    before = names(siperb_server)
    reader, writer = os.pipe()
    os.close(reader)
    process = start("pat", "create", "ci", stdout=writer)
    os.close(writer)
    process.communicate(timeout=60)
    assert process.returncode == 141
    assert [each.method for each in siperb_server.requests if each.method in ("POST", "DELETE")][-2:] == [
        "POST",
        "DELETE",
    ]
    assert names(siperb_server) == before


def test_a_token_whose_value_was_lost_is_named(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("pats", Lost(), method="POST")
    result = run("pat", "create", "ci")
    [pat] = [pat for pat in siperb_server.user.pats.values() if pat.name == "ci"]
    assert (result.code, result.out) == (1, "")
    assert f"`siperb pat revoke {pat.pat_id}`" in result.err
    siperb_server.fail("pats", Status(500), method="POST")
    assert "No token was made" in run("pat", "create", "ci").err


def test_revoke_by_name_or_by_id(run: Run, siperb_server: SiperbServer) -> None:
    first, second = siperb_server.add_pat(name="ci"), siperb_server.add_pat(name="ci")
    result = run("pat", "revoke", "ci")
    assert (result.code, result.out) == (1, "")
    assert first.pat_id in result.err
    assert second.pat_id in result.err
    assert run("pat", "revoke", first.pat_id).code == 0
    assert run("pat", "revoke", "ci").code == 0
    assert not logs_in(siperb_server, second.token)
    assert logs_in(siperb_server, siperb_server.pat)
    assert run("pat", "revoke", "ci").code == 1


def test_of_a_user_of_the_domain(run: Run, siperb_server: SiperbServer) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    token = run("pat", "create", "phone", "--user", anna.email).out.strip()
    assert siperb_server.log_in(token) is anna
    assert "phone" in run("pat", "list", "--user", anna.email).out
    assert run("pat", "revoke", "phone", "--user", anna.email).code == 0
    assert not anna.pats
    assert run("pat", "rotate", "phone", "--user", anna.email).code == 2


@pytest.fixture
def laptop(siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token of that name, which is logged in."""
    token = siperb_server.add_pat(name="laptop").token
    monkeypatch.delenv("SIPERB_PAT")
    assert spawn("login", stdin=f"{token}\n").code == 0
    return token


def test_rotate(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    another = siperb_server.add_pat(name="laptop").token
    result = run("pat", "rotate", "laptop", "--days", "30")
    assert (result.code, result.out) == (0, "")
    [new] = [pat.token for pat in siperb_server.user.pats.values() if pat.name == "laptop"]
    assert new not in result.err
    assert not logs_in(siperb_server, laptop)
    assert not logs_in(siperb_server, another)
    assert logs_in(siperb_server, siperb_server.pat)
    assert run("whoami").code == 0
    assert siperb_server.requests[-2].headers["Authorization"] == f"Bearer {new}"


def test_the_new_token_is_proved_and_kept_before_an_old_one_goes(
    run: Run, siperb_server: SiperbServer, laptop: str
) -> None:
    siperb_server.clear()
    run("pat", "rotate", "laptop")
    calls = [(each.method, each.route) for each in siperb_server.requests]
    made = calls.index(("POST", "pats"))
    assert made < calls.index(("POST", "login"), made) < calls.index(("DELETE", "pat"))


@pytest.mark.parametrize("fault", ["login", "keyring"])
def test_when_it_fails_the_old_token_is_good_and_the_new_one_gone(
    run: Run, siperb_server: SiperbServer, laptop: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before = names(siperb_server)
    if fault == "login":
        monkeypatch.setattr("siperb.testing.users.Users.log_in", only(siperb_server, laptop))
    else:
        monkeypatch.setattr("siperb.cli.credentials.keep", lambda *_: False)
    result = run("pat", "rotate", "laptop")
    assert result.code != 0
    assert "revoked again" in result.err
    assert names(siperb_server) == before
    assert logs_in(siperb_server, laptop)
    assert run("whoami").code == 0


def only(server: SiperbServer, token: str) -> object:
    """A login with this token alone."""
    log_in = type(server).log_in
    return lambda self, said: log_in(self, said) if said == token else None


def test_what_could_not_be_revoked_is_named(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    old = next(pat for pat in siperb_server.user.pats.values() if pat.name == "laptop")
    siperb_server.fail("pat", Status(403))
    result = run("pat", "rotate", "laptop")
    assert result.code == 1
    assert old.pat_id in result.err
    assert run("pat", "revoke", old.pat_id).code == 0


def test_who_is_in_use_stays_so(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    other = siperb_server.add_user()
    assert spawn("login", stdin=f"{other.pat}\n").code == 0
    first = siperb_server.user
    assert run("pat", "rotate", "laptop", "--account", first.email).code == 0
    assert json.loads(run("whoami", "--json").out)["user_id"] == other.user_id
    assert json.loads(run("whoami", "--json", "--account", first.email).out)["user_id"] == first.user_id


def test_rotate_makes_none_where_there_is_none_or_no_keyring(
    run: Run, siperb_server: SiperbServer, no_keyring: None
) -> None:
    siperb_server.add_pat(name="laptop")
    before = names(siperb_server)
    assert run("pat", "rotate", "laptop").code == 1
    assert not siperb_server.requests
    assert names(siperb_server) == before


def test_rotate_wants_the_name_of_one(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    before = names(siperb_server)
    result = run("pat", "rotate", "lap top")
    assert (result.code, "did you mean laptop?" in result.err) == (1, True)
    assert names(siperb_server) == before


@pytest.mark.parametrize(
    "argv",
    [[], ["create"], ["revoke"], ["list", "ci"], ["list", "--days", "3"], ["revoke", "ci", "-o", "x"], ["make", "ci"]],
)
def test_misuse(run: Run, siperb_server: SiperbServer, argv: list[str]) -> None:
    assert run("pat", *argv).code == 2
    assert not siperb_server.requests
