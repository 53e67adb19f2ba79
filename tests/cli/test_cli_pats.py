"""``siperb pat``: where the value of a token goes, and that none is ever good and nobody's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, posix_terminal, spawn, start

from siperb.testing import Lost, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)


def names(server: SiperbServer) -> list[str]:
    return [pat.name for pat in server.user.pats.values()]


def logs_in(server: SiperbServer, pat: str) -> bool:
    return server.log_in(pat) is not None


def used(server: SiperbServer) -> str:
    """The token of the last login."""
    logins = [each for each in server.requests if each.route == "login"]
    return logins[-1].headers["Authorization"].removeprefix("Bearer ")


@posix_terminal
def test_list_has_ids_and_dates_and_no_value(run: Run, siperb_server: SiperbServer) -> None:
    pat = siperb_server.add_pat(name="ci\x1b[2J", days=30)
    assert any(line.startswith(f"{pat.pat_id}\tci") for line in run("pat", "list").out.splitlines())
    document = json.loads(run("pat", "list", "--json").out)[-1]
    assert (document["pat_id"], document["name"]) == (pat.pat_id, pat.name)
    assert document["expires_at"] > document["created_at"]
    shown = in_terminal("pat", "list").out
    assert document["expires_at"] in shown
    assert "\x1b[2J" not in shown
    assert pat.token not in shown


def test_create_prints_the_token_alone_into_a_pipe(run: Run, siperb_server: SiperbServer) -> None:
    for result in run("pat", "create", "ci"), spawn("pat", "create", "ci"):
        token = result.out.removesuffix("\n")
        assert result.code == 0
        assert token.split() == [token]
        assert logs_in(siperb_server, token)
        assert token not in result.err
    assert json.loads(run("pat", "create", "ci", "--days", "7", "--json").out)["token"].startswith("pat-")
    assert json.loads(siperb_server.requests[-1].body) == {"friendlyName": "ci", "expirationDays": 7}


@posix_terminal
@pytest.mark.parametrize("command", ["create", "rotate"])
def test_a_terminal_gets_no_token_unless_told_so(siperb_server: SiperbServer, tmp_path: Path, command: str) -> None:
    siperb_server.add_pat(name="ci")
    refused = in_terminal("pat", command, "ci")
    assert (refused.code, "--reveal" in refused.out) == (2, True)
    assert not siperb_server.requests
    file = tmp_path / "token"
    written = in_terminal("pat", command, "ci", "-o", str(file))
    assert written.code == 0
    assert logs_in(siperb_server, file.read_text().strip())
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() not in written.out
    if command == "create":
        assert logs_in(siperb_server, in_terminal("pat", "create", "ci", "--reveal").out.splitlines()[0])


@posix_terminal
@pytest.mark.parametrize("command", ["create", "rotate"])
def test_a_token_that_nobody_could_read_is_revoked_and_the_old_one_lives_on(
    siperb_server: SiperbServer, command: str
) -> None:
    old = siperb_server.add_pat(name="ci").token
    before = names(siperb_server)
    reader, writer = os.pipe()
    os.close(reader)
    process = start("pat", command, "ci", stdout=writer)
    os.close(writer)
    process.communicate(timeout=60)
    assert process.returncode == 141
    written = [each.method for each in siperb_server.requests if each.method in ("POST", "DELETE")]
    assert written[-2:] == ["POST", "DELETE"]
    assert names(siperb_server) == before
    assert logs_in(siperb_server, old)


def test_a_token_whose_value_was_lost_is_told_as_such(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("pats", Lost(), method="POST")
    result = run("pat", "create", "ci")
    assert (result.code, result.out) == (1, "")
    assert "The API may have done it: check before you try again." in result.err


@pytest.mark.parametrize("command", ["revoke", "rotate"])
def test_several_of_one_name_are_refused_with_their_ids(run: Run, siperb_server: SiperbServer, command: str) -> None:
    first, second = siperb_server.add_pat(name="ci"), siperb_server.add_pat(name="ci")
    more = ["--yes"] if command == "revoke" else []
    result = run("pat", command, "ci", *more)
    assert (result.code, result.out) == (1, "")
    assert f'"ci" ({first.pat_id}), "ci" ({second.pat_id})' in result.err
    assert names(siperb_server).count("ci") == 2
    assert run("pat", command, first.pat_id, *more).code == 0
    assert not logs_in(siperb_server, first.token)
    assert logs_in(siperb_server, second.token)
    assert logs_in(siperb_server, siperb_server.pat)
    assert "did you mean ci?" in run("pat", command, "c-i", *more).err


@posix_terminal
def test_revoke_asks(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.add_pat(name="ci")
    for refused in run("pat", "revoke", "ci"), spawn("pat", "revoke", "ci", stdin="y\n"):
        assert (refused.code, "--yes" in refused.err) == (2, True)
    declined = in_terminal("pat", "revoke", "ci", prompt="[y/N] ", typed="n")
    assert (declined.code, names(siperb_server).count("ci")) == (1, 1)
    interrupted = in_terminal("pat", "revoke", "ci", prompt="[y/N] ", interrupted=True)
    assert interrupted.code == 130
    assert "[y/N] \n" in interrupted.out.replace("^C", "")
    agreed = in_terminal("pat", "revoke", "ci", prompt="[y/N] ", typed="y")
    assert (agreed.code, names(siperb_server).count("ci")) == (0, 0)


def test_of_a_user_of_the_domain(run: Run, siperb_server: SiperbServer) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    token = run("pat", "create", "phone", "--user", anna.email).out.strip()
    assert siperb_server.log_in(token) is anna
    assert "phone" in run("pat", "list", "--user", anna.email).out
    new = run("pat", "rotate", "phone", "--user", anna.email).out.strip()
    assert (siperb_server.log_in(token), siperb_server.log_in(new)) == (None, anna)
    assert run("pat", "revoke", "phone", "--user", anna.email, "--yes").code == 0
    assert not anna.pats


@pytest.fixture
def laptop(siperb_server: SiperbServer, run: Run, file_keyring: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token of that name, which is logged in."""
    token = siperb_server.add_pat(name="laptop").token
    monkeypatch.delenv("SIPERB_PAT")
    assert run("login", stdin=token).code == 0
    return token


def test_rotate_hands_the_new_one_over_before_the_old_one_goes(
    run: Run, siperb_server: SiperbServer, laptop: str
) -> None:
    siperb_server.clear()
    result = run("pat", "rotate", "laptop", "--days", "30")
    assert result.code == 0
    new = result.out.strip()
    assert new not in result.err
    assert not logs_in(siperb_server, laptop)
    assert logs_in(siperb_server, new)
    assert logs_in(siperb_server, siperb_server.pat)
    assert "held the old one, and now holds the new one" in result.err
    calls = [(each.method, each.route) for each in siperb_server.requests]
    assert calls.index(("POST", "pats")) < calls.index(("DELETE", "pat"))
    assert run("devices").code == 0
    assert used(siperb_server) == new


def test_rotate_leaves_a_keyring_alone_that_holds_another(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    siperb_server.add_pat(name="ci")
    result = run("pat", "rotate", "ci")
    assert (result.code, "is unchanged" in result.err) == (0, True)
    assert run("devices").code == 0
    assert used(siperb_server) == laptop


def test_rotate_of_a_parked_account_leaves_who_is_in_use(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    other, first = siperb_server.add_user(), siperb_server.user
    assert run("login", stdin=other.pat).code == 0
    result = run("pat", "rotate", "laptop", "--account", first.email)
    assert result.code == 0
    assert json.loads(run("status", "--json").out)["user_id"] == other.user_id
    assert json.loads(run("status", "--json", "--account", first.email).out)["user_id"] == first.user_id
    assert used(siperb_server) == result.out.strip()


@pytest.mark.usefixtures("no_keyring")
def test_rotate_needs_no_keyring(run: Run, siperb_server: SiperbServer) -> None:
    old = siperb_server.add_pat(name="ci").token
    result = run("pat", "rotate", "ci")
    assert result.code == 0
    assert logs_in(siperb_server, result.out.strip())
    assert not logs_in(siperb_server, old)


def test_what_could_not_be_revoked_is_named(run: Run, siperb_server: SiperbServer, laptop: str) -> None:
    old = next(pat for pat in siperb_server.user.pats.values() if pat.name == "laptop")
    siperb_server.fail("pat", Status(403))
    result = run("pat", "rotate", "laptop")
    assert (result.code, f"`siperb pat revoke {old.pat_id}`" in result.err) == (1, True)
    assert logs_in(siperb_server, result.out.strip())
    assert run("devices").code == 0


@pytest.mark.parametrize(
    "argv",
    [["create"], ["revoke"], ["list", "ci"], ["list", "--days", "3"], ["revoke", "ci", "-o", "x"], ["make", "ci"]],
)
def test_misuse(run: Run, siperb_server: SiperbServer, argv: list[str]) -> None:
    assert run("pat", *argv).code == 2
    assert not siperb_server.requests
