"""``siperb provision``: every form, whole for pipes and files, masked on a terminal; one device, all, everybody's."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, posix_terminal, secrets_of

from siperb import Session, Siperb, sip
from siperb.cli.failures import CommandError
from siperb.cli.provision import build
from siperb.cli.secrets import opened
from siperb.models import Provisioning
from siperb.testing import MISSING, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)

FORMS = ("json", "env", "sipjs", "jssip")


@pytest.fixture
def phone(siperb_server: SiperbServer) -> tuple[Provisioning, Session]:
    """What the client gets for the first device; the clock of the API stands still."""
    secrets_of(siperb_server)
    with Siperb(strict=True) as client:
        provisioning = client.get_provisioning(siperb_server.user.devices[0].token)
        assert provisioning
        assert client.session
        return provisioning, client.session


def test_the_forms_are_those_of_the_library(run: Run, phone: tuple[Provisioning, Session]) -> None:
    assert json.loads(run("provision", "Front Desk", "--format", "sipjs").out) == sip.sipjs(*phone)
    assert json.loads(run("provision", "1", "--format=jssip").out) == sip.jssip(*phone)
    said = json.loads(run("provision", "front").out)
    assert said.pop("raw") == phone[0].raw
    assert phone[0].jwt_expires_at
    assert said.pop("jwt_expires_at") == phone[0].jwt_expires_at.isoformat()
    assert said == {name: getattr(phone[0], name) for name in said}
    assert len(said) == 11


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_device_token_is_piped_in(run: Run, siperb_server: SiperbServer, encoding: str) -> None:
    device = siperb_server.user.devices[2]
    result = run("provision", "-", stdin=f"{device.token}\r\n".encode(encoding))
    assert json.loads(result.out)["profile_name"].startswith("Door bell")
    assert [request.route for request in siperb_server.requests] == ["login", "provisioning"]
    refused = run("provision", "-", stdin=b"\xff")
    assert (refused.code, "not text" in refused.err) == (4, True)


@pytest.mark.skipif(not shutil.which("sh"), reason="there is no shell")
@pytest.mark.parametrize(
    "evil", ["$(touch owned)", "`touch owned`; touch owned", "'\"\\ \n#x", "Empfang é 受付 & Söhne"]
)
def test_a_shell_may_source_env_whatever_it_says(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, evil: str
) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"profile_name": evil, "sip_jwt": None})
    file = tmp_path / "phone.env"
    assert run("provision", "1", "--format", "env", "-o", str(file)).code == 0
    script = (
        f'. {shlex.quote(str(file))}; printf "%s|%s|%s" "$SIPERB_PROFILE_NAME" "$SIPERB_SIP_JWT" "$SIPERB_SIP_DOMAIN"'
    )
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, env={"SIPERB_SIP_JWT": "old"})
    name, jwt, domain = done.stdout.decode().split("|")
    assert (name, jwt, done.stderr) == (evil, "", b"")
    assert domain.endswith(".siperb.example")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("evil", ["a\0b", "a\ud800b"])
def test_what_no_variable_can_hold_is_an_error(evil: str) -> None:
    with pytest.raises(CommandError, match="SIPERB_SIP_PASSWORD"):
        build("env", Provisioning(sip_password=evil), None)


@posix_terminal
@pytest.mark.parametrize("form", FORMS)
def test_a_pipe_gets_the_secrets_and_a_terminal_gets_them_masked(
    run: Run, siperb_server: SiperbServer, form: str
) -> None:
    secrets = secrets_of(siperb_server)
    argv = ("provision", "1", "--format", form)
    piped, masked, revealed = run(*argv), in_terminal(*argv), in_terminal(*argv, "--reveal")
    assert (piped.code, piped.err, masked.code) == (0, "", 0)
    assert len([secret for secret in secrets if secret in piped.out]) >= 2
    assert not [secret for secret in secrets if secret in masked.out]
    assert "--reveal" in masked.out
    assert len([secret for secret in secrets if secret in revealed.out]) >= 2


@posix_terminal
def test_a_terminal_is_not_steered_and_shows_dates(siperb_server: SiperbServer) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"profile_name": "Zoë – 受付 x\x1b]0;owned\x07\x1b[2J"})
    for form in FORMS:
        assert "\x1b]" not in in_terminal("provision", "1", "--format", form).out
    shown = in_terminal("provision", "1").out
    assert '"jwt_expires_at": "20' in shown
    assert "Zoë – 受付" in shown


def test_an_incomplete_document_is_an_error_for_libraries_and_a_warning_else(
    run: Run, siperb_server: SiperbServer
) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"sip_domain": MISSING})
    refused = run("provision", "1", "--format", "sipjs")
    assert (refused.code, refused.out, "SipDomain" in refused.err) == (1, "", True)
    told = run("provision", "1")
    assert (told.code, json.loads(told.out)["sip_domain"]) == (0, None)
    assert told.err.startswith("siperb: warning: ")


@posix_terminal
def test_a_file_is_for_its_owner_alone_whatever_was_there(
    run: Run, siperb_server: SiperbServer, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        file = tmp_path / "phone.json"
        file.write_text("old")
        file.chmod(0o644)
        result = run("provision", "1", "-o", str(file))
    finally:
        os.umask(before)
    assert (result.code, result.out) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["sip_password"]
    assert list(tmp_path.iterdir()) == [file]


@posix_terminal
@pytest.mark.parametrize(("name", "code"), [("link", 1), (".", 1), ("missing/phone.json", 2), ("", 2)])
def test_a_file_that_is_refused_is_said_before_anything_is_sent(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, name: str, code: int
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert run("provision", "1", "-o", str(tmp_path / name) if name else "").code == code
    assert not (tmp_path / "target").exists()
    assert siperb_server.requests == []


@pytest.mark.parametrize("argv", [["1"], ["--all"]])
def test_what_was_there_stays_when_the_api_fails(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, argv: list[str]
) -> None:
    file = tmp_path / "phone.json"
    file.write_text("old")
    siperb_server.fail("devices", Status(403))
    assert run("provision", *argv, "-o", str(file)).code == 1
    assert file.read_text() == "old"


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "phone.json"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError), opened(str(file)) as out:
        out.write("new \ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_minus_is_stdout(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(run("provision", "1", "-o", "-").out)["sip_password"]
    assert len(run("provision", "--all", "-o", "-").out.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_all_devices_are_lines_of_json(run: Run, siperb_server: SiperbServer, tmp_path: Path) -> None:
    siperb_server.add_devices(20)
    secrets = secrets_of(siperb_server)
    siperb_server.set_settings(siperb_server.user.devices[2], {"sip_domain": MISSING})
    file = tmp_path / "phones.jsonl"
    result = run("provision", "--all", "--format", "sipjs", "-o", str(file))
    assert (result.code, result.out) == (1, "")
    assert result.err == f"21 of 22 devices provisioned.\nWritten to {file}, which only you can read.\n"
    lines = sorted((json.loads(line) for line in file.read_text().splitlines()), key=lambda line: line["number"])
    assert [line["number"] for line in lines] == list(range(1, 23))
    assert (lines[1]["description"], lines[1]["error"]) == ("Door bell", "IncompleteProvisioningError")
    assert all(line["provisioning"]["authorizationPassword"] in secrets for line in lines if line["number"] != 2)


def test_a_device_that_no_phone_can_register_with_is_not_provisioned(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"sip_password": MISSING})
    siperb_server.set_settings(siperb_server.user.devices[2], None)
    result = run("provision", "--all")
    assert (result.code, result.err) == (1, "0 of 2 devices provisioned.\n")
    lines = sorted((json.loads(line) for line in result.out.splitlines()), key=lambda line: line["number"])
    assert "SipPassword" in lines[0]["message"]
    assert lines[0]["provisioning"]["sip_username"]  # what there is
    assert "error" in lines[1]


def test_everyone_is_every_user_of_the_domain(run: Run, siperb_server: SiperbServer) -> None:
    for name in ("anna", "ben"):
        user = siperb_server.add_domain_user(f"{name}@contact.example")
        siperb_server.add_device(user, description="Headset")
    result = run("provision", "--everyone")
    assert (result.code, result.err) == (0, "2 of 2 devices provisioned.\n")
    lines = sorted((json.loads(line) for line in result.out.splitlines()), key=lambda line: line["user"])
    assert [line["user"] for line in lines] == ["anna@contact.example", "ben@contact.example"]
    tokens = [device.token for user in siperb_server.user.domain_users.values() for device in user.devices]
    assert [line["device_token"] for line in lines] == tokens
    assert all(line["provisioning"]["sip_password"] for line in lines)
    sid = siperb_server.user.session_token
    assert sid not in result.out + run("provision", "--everyone", "--format", "sipjs").out


@posix_terminal
def test_all_devices_on_a_terminal_are_masked(siperb_server: SiperbServer) -> None:
    siperb_server.add_device(siperb_server.add_domain_user("anna@contact.example"), description="Headset")
    secrets = secrets_of(siperb_server)
    for argv in (["--all"], ["--everyone"]):
        result = in_terminal("provision", *argv)
        assert result.code == 0
        assert " devices provisioned.\n" in result.out
        assert not [secret for secret in secrets if secret in result.out]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["1", "--all"],
        ["--all", "--format", "env"],
        ["1", "--json", "--format", "env"],
        ["--everyone", "--user", "anna@contact.example"],
    ],
)
def test_misuse_is_said_before_anything_is_sent(run: Run, siperb_server: SiperbServer, argv: list[str]) -> None:
    result = run("provision", *argv)
    assert (result.code, result.out, siperb_server.requests) == (2, "", [])
