"""``siperb provision``: every form, whole for pipes and files, masked on a terminal."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import Run, environment, in_terminal, secrets_of, spawn

from siperb import Session, Siperb, sip
from siperb.cli.failures import CommandError
from siperb.cli.forms import build
from siperb.cli.private_file import PrivateFile
from siperb.models import Provisioning
from siperb.testing import MISSING, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)

FORMS = ("json", "env", "sipjs", "jssip")
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX files and terminals")


@pytest.fixture
def phone(siperb_server: SiperbServer) -> tuple[Provisioning, Session]:
    """What the client gets for the first device; the clock of the API stands still."""
    secrets_of(siperb_server)
    with Siperb(strict=True) as client:
        provisioning = client.get_provisioning(siperb_server.user.devices[0].token)
        assert provisioning
        assert client.session
        return provisioning, client.session


def test_the_forms_for_libraries_are_those_of_the_sip_module(run: Run, phone: tuple[Provisioning, Session]) -> None:
    assert json.loads(run("provision", "Front Desk", "--format", "sipjs").out) == sip.sipjs(*phone)
    assert json.loads(run("provision", "1", "--format=jssip").out) == sip.jssip(*phone)


def test_json_has_the_fields_and_the_whole_document(run: Run, phone: tuple[Provisioning, Session]) -> None:
    provisioning, _ = phone
    said = json.loads(run("provision", "front").out)
    assert said.pop("raw") == provisioning.raw
    assert provisioning.jwt_expires_at
    assert said.pop("jwt_expires_at") == provisioning.jwt_expires_at.isoformat()
    assert said == {name: getattr(provisioning, name) for name in said}
    assert len(said) == 10


def test_a_device_token_is_read_from_stdin(siperb_server: SiperbServer) -> None:
    device = siperb_server.user.devices[2]
    result = spawn("provision", "-", stdin=f"{device.token}\n")
    assert json.loads(result.out)["profile_name"].startswith("Door bell")
    assert [request.route for request in siperb_server.requests] == ["login", "provisioning"]


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


@pytest.mark.parametrize("form", FORMS)
def test_a_pipe_gets_the_secrets(run: Run, siperb_server: SiperbServer, form: str) -> None:
    secrets = secrets_of(siperb_server)
    result = run("provision", "1", "--format", form)
    assert (result.code, result.err) == (0, "")
    assert len([secret for secret in secrets if secret in result.out]) >= 2


@posix
@pytest.mark.parametrize("form", FORMS)
def test_a_terminal_gets_them_masked(siperb_server: SiperbServer, form: str) -> None:
    secrets = secrets_of(siperb_server)
    masked = in_terminal("provision", "1", "--format", form)
    assert masked.code == 0
    assert "--reveal" in masked.out
    assert not [secret for secret in secrets if secret in masked.out]


@posix
def test_a_terminal_that_asks_gets_them(siperb_server: SiperbServer) -> None:
    secrets = secrets_of(siperb_server)
    revealed = in_terminal("provision", "1", "--reveal")
    assert len([secret for secret in secrets if secret in revealed.out]) >= 2


def test_an_incomplete_document_is_an_error_for_libraries_and_a_warning_else(
    run: Run, siperb_server: SiperbServer
) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"sip_domain": MISSING})
    refused = run("provision", "1", "--format", "sipjs")
    assert (refused.code, refused.out) == (1, "")
    assert "SipDomain" in refused.err
    told = run("provision", "1")
    assert told.code == 0
    assert json.loads(told.out)["sip_domain"] is None
    assert told.err.startswith("siperb: warning: ")
    assert "SipDomain" in told.err


@posix
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


@posix
def test_a_link_is_not_followed(run: Run, siperb_server: SiperbServer, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    result = run("provision", "1", "-o", str(link))
    assert result.code == 1
    assert "symbolic link" in result.err
    assert not target.exists()
    assert siperb_server.requests == []


@pytest.mark.parametrize("name", [".", "missing/phone.json"])
def test_what_cannot_be_written_is_said_before_anything_is_asked(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, name: str
) -> None:
    assert run("provision", "1", "-o", str(tmp_path / name)).code == 1
    assert siperb_server.requests == []


def test_what_was_there_stays_when_the_api_fails(run: Run, siperb_server: SiperbServer, tmp_path: Path) -> None:
    file = tmp_path / "phone.json"
    file.write_text("old")
    siperb_server.fail("provisioning", Status(403))
    assert run("provision", "1", "-o", str(file)).code == 1
    assert file.read_text() == "old"


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "phone.json"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        PrivateFile(str(file)).write("new \ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_from_the_keyring_when_the_api_is_down(siperb_server: SiperbServer, file_keyring: Path) -> None:
    before = spawn("provision", "1", "--cache")
    siperb_server.fail(None, Status(400), times=None)
    after = spawn("provision", "1", "--cache")
    assert (after.code, after.out) == (0, before.out)


def test_a_minus_is_stdout(
    run: Run, siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(run("provision", "1", "-o", "-").out)["sip_password"]
    assert len(run("provision", "--all", "-o", "-").out.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_env_is_no_json(run: Run, siperb_server: SiperbServer) -> None:
    result = run("provision", "1", "--json", "--format", "env")
    assert (result.code, result.out, siperb_server.requests) == (2, "", [])
    assert "--format env" in json.loads(result.err)["message"]


def test_a_number_and_a_name_that_are_the_same(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.add_device(description="2")
    refused = run("provision", "2")
    assert (refused.code, refused.out) == (1, "")
    assert "#2 (Door bell), #3 (2)" in refused.err
    assert json.loads(run("provision", "#2").out)["profile_name"].startswith("Door bell")
    assert json.loads(run("provision", "#3").out)["profile_name"].startswith("2 |")


@posix
def test_a_terminal_is_not_steered_by_what_the_api_says(siperb_server: SiperbServer) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"profile_name": "x\x1b]0;owned\x07\x1b[2J"})
    for form in FORMS:
        assert "\x1b]" not in in_terminal("provision", "1", "--format", form).out
    result = in_terminal("provision", "1", "--format", "env", NO_COLOR="1").out
    assert "\x1b" not in result
    assert "SIPERB_SIP_DOMAIN=" in result


def test_no_name_for_the_file_is_no_pipe(run: Run, siperb_server: SiperbServer) -> None:
    result = run("provision", "1", "-o", "")
    assert (result.code, result.out) == (2, "")


def test_a_token_in_another_encoding_is_an_error_that_says_so(siperb_server: SiperbServer) -> None:
    command = [sys.executable, "-m", "siperb", "provision", "-"]
    env = environment(PYTHONIOENCODING="utf-8:strict")
    done = subprocess.run(command, input=b"\xff\xfet\x000", capture_output=True, env=env, timeout=60)
    assert done.returncode == 4
    assert done.stderr.startswith(b"siperb: What was piped in is no text in UTF-8")
