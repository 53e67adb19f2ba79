"""``siperb api``: any operation, and what it never shows, sends or does unasked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, posix_terminal, spawn, start

from siperb.testing import Body, Lost, SiperbServer

pytest_plugins = ("cli_fixtures",)

DEVICE = "/Users/{user_id}/Devices/{device}"
SETTINGS = "/Users/{user_id}/Provisioning"


def writes(server: SiperbServer) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in server.requests if each.method != "GET" and each.route != "login"]


def test_a_get_prints_the_answer(run: Run, siperb_server: SiperbServer) -> None:
    user = siperb_server.user
    result = run("api", "get", "/Users/{user_id}")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["Email"] == user.email
    assert run("api", "GET", "Users/{uID}").out == result.out


def test_the_fields_of_a_delete_are_its_query(run: Run, siperb_server: SiperbServer) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    path = f"/Users/{{user_id}}/DomainUsers/{anna.user_id}"
    assert run("api", "DELETE", path, "-f", "send_exit_email=no", "--yes").code == 0
    assert siperb_server.requests[-1].path_qs.endswith("?send_exit_email=no")


def test_query_and_pages(run: Run, siperb_server: SiperbServer) -> None:
    for name in ("anna", "ben", "annabel"):
        siperb_server.add_domain_user(f"{name}@contact.example")
    siperb_server.page_size = 1
    found = json.loads(run("api", "GET", "/Users/{user_id}/DomainUsers", "-f", "search=ANNA", "--all").out)
    assert [each["UserEmail"] for each in found] == ["anna@contact.example", "annabel@contact.example"]
    assert len(json.loads(run("api", "GET", "/Users/{user_id}/DomainUsers").out)) == 1


def test_fields_have_the_types_that_were_given(run: Run, siperb_server: SiperbServer) -> None:
    result = run("api", "PUT", SETTINGS, "-F", "RecordAllCalls=true", "-F", 'Buddies=[{"n":1}]', "-f", "note=true")
    assert result.code == 0
    assert siperb_server.user.settings == {"RecordAllCalls": True, "Buddies": [{"n": 1}], "note": "true"}


def test_a_body_from_a_file_or_from_stdin(run: Run, siperb_server: SiperbServer, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"welcomeScreen": "from a file"}')
    assert run("api", "PUT", SETTINGS, "--input", str(file)).code == 0
    assert siperb_server.user.settings["welcomeScreen"] == "from a file"
    assert run("api", "PUT", SETTINGS, "--input", "-", stdin='{"welcomeScreen": "stdin"}').code == 0
    assert siperb_server.user.settings["welcomeScreen"] == "stdin"


@pytest.mark.parametrize("content", [b"{'a': 1}", b"\xff", b"", b"[" * 100_000])
def test_a_body_that_is_no_json(run: Run, siperb_server: SiperbServer, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(content)
    result = run("api", "PUT", SETTINGS, "--input", str(file))
    assert (result.code, result.out) == (2, "")
    assert "--input holds no JSON" in result.err
    assert not siperb_server.requests


def test_a_device_by_name_and_of_a_domain_user(run: Run, siperb_server: SiperbServer) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    device = siperb_server.add_device(anna, platform="ios", description="Pocket")
    own = siperb_server.user.devices[1]
    assert json.loads(run("api", "GET", DEVICE, "--device", "A phone").out)["DeviceToken"] == own.token
    argv = ("api", "GET", DEVICE, "--device", "pocket", "--user", "Anna@contact.example")
    assert json.loads(run(*argv).out)["DeviceToken"] == device.token
    assert siperb_server.requests[-1].path.startswith(
        f"/Users/{siperb_server.user.user_id}/DomainUsers/{anna.user_id}/"
    )
    assert "anna@contact.example" in run("api", "GET", DEVICE, "--device", "1", "--user", "ana@contact.example").err


def test_the_number_of_a_device_is_that_of_the_list_of_devices(run: Run, siperb_server: SiperbServer) -> None:
    front, phone, door = siperb_server.user.devices
    for number, device in (("1", front), ("2", door), ("3", phone)):
        said = run("api", "GET", DEVICE, "--device", number)
        assert json.loads(said.out)["DeviceToken"] == device.token


def test_a_dry_run_shows_what_would_be_sent_without_secrets(
    run: Run, siperb_server: SiperbServer, tmp_path: Path
) -> None:
    anna = siperb_server.add_domain_user("anna@contact.example")
    device = siperb_server.add_device(anna, description="Headset")
    body = tmp_path / "body.json"
    body.write_text('{"Description": "Desk", "SipPassword": "hush"}')
    argv = ("--input", str(body), "-f", "x=y", "--device", "Headset", "--user", anna.email, "--dry-run")
    result = run("api", "PUT", DEVICE, *argv)
    assert result.code == 0
    said = {"method": "PUT", "path": DEVICE, "query": {"x": "y"}, "body": {"Description": "Desk", "SipPassword": "•••"}}
    assert json.loads(result.out) == said
    assert "dry run" in result.err
    for secret in (device.token, "hush", siperb_server.user.session_token, siperb_server.pat):
        assert secret not in result.out + result.err
    assert not writes(siperb_server)


def test_a_delete_in_a_pipe_takes_yes(run: Run, siperb_server: SiperbServer) -> None:
    argv = ("api", "DELETE", DEVICE, "--device", "Door bell")
    for refused in run(*argv), spawn(*argv, stdin="y\n"):
        assert (refused.code, refused.out) == (2, "")
        assert "--yes" in refused.err
    assert not writes(siperb_server)
    result = run(*argv, "--yes")
    assert (result.code, result.out) == (0, "")
    assert [device.description for device in siperb_server.user.devices] == ["Front Desk", "A phone"]


@posix_terminal
@pytest.mark.parametrize(("typed", "code", "left"), [("y", 0, 2), ("n", 1, 3), ("\x04", 1, 3), ("yup", 1, 3)])
def test_a_delete_on_a_terminal_asks(siperb_server: SiperbServer, typed: str, code: int, left: int) -> None:
    result = in_terminal("api", "DELETE", DEVICE, "--device", "door", prompt="[y/N]", typed=typed)
    assert 'DELETE /Users/{user_id}/Devices/{device} (device "Door bell")? [y/N]' in result.out
    assert (result.code, len(list(siperb_server.user.devices))) == (code, left)


@posix_terminal
def test_secrets_are_masked_on_a_terminal_alone(run: Run, siperb_server: SiperbServer) -> None:
    server = siperb_server
    device, sid = server.user.devices[0], server.user.session_token
    server.user.settings |= {"TurnPassword": "hush-hush"}
    server.add_log(f"Devices/{device.token}/SipTraceLog", {"Raw": f"INVITE x\r\nX-Siperb-Sid: {sid}\r\n"})
    shown = {
        ("GET", DEVICE, "-f", "settings_json=yes", "--device", "1"): (
            device.token,
            "SipUsername",
        ),
        ("GET", SETTINGS): ("hush-hush", "TurnPassword"),
        ("GET", DEVICE + "/SipTraceLog", "--device", "1"): (sid, "INVITE"),
        ("POST", "/Users/{user_id}/PAT", "-f", "friendlyName=ci"): ("", "PersonalAccessToken"),
    }
    for argv, (secret, other) in shown.items():
        result = in_terminal("api", *argv)
        tokens = {pat.token for pat in server.user.pats.values()} | ({secret} if secret else set())
        assert not [token for token in tokens if token in result.out]
        assert other in result.out
        assert "Secrets are masked" in result.out
        if argv[0] == "GET":
            assert secret in run("api", *argv).out
            assert secret in in_terminal("api", *argv, "--reveal").out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["FETCH", SETTINGS], "no such value"),
        (["GET", "https://api.siperb.com/Billing"], "--base-url"),
        (["GET", SETTINGS + "?a=b"], "-f NAME=TEXT"),
        (["GET", "/Users/{user_id}/../x"], "dots"),
        (["GET", "/Users/{user_id}/Connections/{connection}"], "{connection}"),
        (["GET", DEVICE], "--device go together"),
        (["GET", SETTINGS, "--device", "1"], "--device go together"),
        (["GET", f"/Users/{{user_id}}/Devices/t{'0' * 64}"], "--device"),
        (["GET", "/Users/{user_id}/DomainUsers", "--user", "anna@contact.example"], "--user"),
        (["GET", "/Billing", "--user", "anna@contact.example"], "--user"),
        (["GET", SETTINGS, "--dry-run"], "--dry-run"),
        (["GET", SETTINGS, "--input", os.devnull], "--input"),
        (["PUT", SETTINGS, "--all"], "--all"),
        (["PUT", SETTINGS, "-f", "a"], "name=value"),
        (["PUT", SETTINGS, "-F", "a=b"], "-f takes a text"),
        (["PUT", SETTINGS, "-F", "a=NaN"], "cannot be sent"),
        (["PUT", SETTINGS, "-f", "SipPassword=hush"], "--input"),
        (["PUT", SETTINGS, "-F", "VoicemailPin=1234"], "--input"),
        (["PUT", SETTINGS, "-f", "X-Api-Key=hush"], "--input"),
        (["POST", "/Login"], "login"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is(
    run: Run, siperb_server: SiperbServer, argv: list[str], said: str
) -> None:
    result = run("api", *argv)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    for value in ("hush", "1234", "0" * 64):
        assert value not in result.err
    assert not siperb_server.requests


def test_a_file_that_is_not_there(run: Run, siperb_server: SiperbServer) -> None:
    result = run("api", "PUT", SETTINGS, "--input", "no-such-file")
    assert (result.code, result.err) == (1, "siperb: no-such-file: No such file or directory.\n")


def test_the_reason_of_the_api_is_told(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.seats = 0
    argv = ("api", "POST", "/Users/{user_id}/DomainUsers", "-f", "Email=anna@contact.example")
    result = run(*argv)
    assert result.code == 1
    reason = "No available seats: buy another one first (POST /Users/{id}/DomainUsers answered 403).\n"
    assert result.err.endswith(reason)
    assert json.loads(run(*argv, "--json").err)["status_code"] == 403


def test_a_write_whose_answer_was_lost_is_made_once_and_told_as_such(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Lost(), method="POST")
    argv = ("api", "POST", "/Users/{user_id}/Devices", "-f", "platform=script", "-f", "provision_name=Headset")
    result = run(*argv)
    assert (result.code, result.out) == (1, "")
    assert "The API may have done it" in result.err
    assert [device.description for device in siperb_server.user.devices].count("Headset") == 1
    siperb_server.fail("devices", Lost(), method="POST")
    assert json.loads(run(*argv, "--json").err)["maybe_done"] is True


@posix_terminal
def test_an_answer_that_is_no_json(siperb_server: SiperbServer, tmp_path: Path) -> None:
    siperb_server.fail("user", Body(b"\x89PNG", content_type="image/png"), times=None)
    with open(tmp_path / "picture", "wb") as file:
        assert start("api", "GET", "/Users/{user_id}", stdout=file).communicate(timeout=60) == (None, "")
    assert (tmp_path / "picture").read_bytes() == b"\x89PNG"
    result = in_terminal("api", "GET", "/Users/{user_id}")
    assert (result.code, "no JSON but 4 bytes" in result.out) == (1, True)
