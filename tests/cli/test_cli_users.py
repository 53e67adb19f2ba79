"""``siperb users``, and ``--user`` and ``--everyone``: commands that are for users of the domain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, spawn

from siperb.testing import SiperbServer, Status, User

pytest_plugins = ("cli_fixtures",)


@pytest.fixture
def anna(siperb_server: SiperbServer) -> User:
    """A user of the domain with two devices, beside one whose address ends like hers."""
    siperb_server.add_domain_user("joanna@contact.example", "Sales")
    anna = siperb_server.add_domain_user("anna@contact.example", "Reception")
    siperb_server.add_device(anna, description="Headset")
    siperb_server.add_device(anna, description="Spare")
    return anna


def test_users_as_lines_and_as_json(run: Run, siperb_server: SiperbServer, anna: User) -> None:
    siperb_server.page_size = 1
    assert f"anna@contact.example\tReception\t{anna.user_id}" in run("users").out.splitlines()
    assert len(run("users").out.splitlines()) == 2
    said = json.loads(run("users", "--json", "--search", "RECEPTION").out)
    assert said == [{"email": "anna@contact.example", "user_id": anna.user_id, "description": "Reception"}]
    nobody = run("users", "--search", "nobody")
    assert (nobody.code, nobody.out) == (0, "")
    assert "No user" in nobody.err


def test_the_devices_of_a_user(run: Run, siperb_server: SiperbServer, anna: User) -> None:
    for name in ("anna@contact.example", " ANNA@contact.example ", anna.user_id, anna.user_id.upper()):
        said = json.loads(run("devices", "--json", "--user", name).out)
        assert [device["description"] for device in said] == ["Headset", "Spare"]
    assert "Front Desk" in run("devices").out


@pytest.mark.parametrize(
    ("name", "said"), [("ana@contact.example", "did you mean anna@contact.example?"), ("x", "`siperb users`"), ("", "")]
)
def test_no_such_user(run: Run, siperb_server: SiperbServer, anna: User, name: str, said: str) -> None:
    for argv in (["devices"], ["provision", "1"], ["log", "1"], ["pat", "list"], ["api", "GET", "/Users/{user_id}"]):
        result = run(*argv, "--user", name)
        assert (result.code, result.out) == (1, "")
        assert "The domain has no user with that e-mail address" in result.err
        assert said in result.err


def test_a_phone_of_a_user_gets_no_session_of_the_administrator(
    run: Run, siperb_server: SiperbServer, anna: User
) -> None:
    ways = ("headset", "--user", anna.email), ("--all", "--user", anna.email), ("--all", "--everyone")
    for way in ways:  # Siperb's proxy wants one
        result = run("provision", *way, "--format", "sipjs")
        assert result.code == 1
        assert "wants X-Siperb-Sid" in result.out + result.err
        assert siperb_server.user.session_token not in result.out
        assert run("provision", *way).code == 0
    for device in list(anna.devices):
        siperb_server.set_settings(device, {"registration_mode": "WebSocket"})
    for way in ways:
        result = run("provision", *way, "--format", "sipjs")
        assert result.code == 0
        assert '"sip:' in result.out
        assert "Siperb-Sid" not in result.out
    assert f"Siperb-Sid: {siperb_server.user.session_token}" in run("provision", "1", "--format", "sipjs").out


def test_everyone(run: Run, siperb_server: SiperbServer, anna: User, tmp_path: Path) -> None:
    ben = siperb_server.add_domain_user("ben@contact.example")
    devices = {device.token: anna.email for device in anna.devices}
    devices[siperb_server.add_device(ben).token] = ben.email
    result = run("provision", "--all", "--everyone")
    lines = list(map(json.loads, result.out.splitlines()))
    assert {line["device_token"]: line["user"] for line in lines} == devices
    assert all(line["provisioning"]["sip_password"] for line in lines)
    assert (result.code, result.err) == (0, "3 of 3 devices provisioned.\n")
    file = tmp_path / "phones.jsonl"
    assert run("provision", "--all", "--everyone", "-o", str(file)).code == 0
    assert len(file.read_text().splitlines()) == 3


def test_a_user_whose_devices_cannot_be_listed(run: Run, siperb_server: SiperbServer, anna: User) -> None:
    siperb_server.fail("devices", Status(404))
    result = run("provision", "--all", "--everyone", "--concurrency", "1")
    failed, *rest = map(json.loads, result.out.splitlines())
    assert failed["user"] == "joanna@contact.example"
    assert (failed["error"], "device_token" in failed) == ("NotFoundError", False)
    assert [line["user"] for line in rest] == [anna.email, anna.email]
    assert result.code == 1
    assert result.err == "2 of 2 devices provisioned; the devices of 1 user could not be listed.\n"


def test_no_secret_of_anybody_on_a_screen(siperb_server: SiperbServer, anna: User) -> None:
    result = in_terminal("provision", "--all", "--everyone")
    for line in spawn("provision", "--all", "--everyone").out.splitlines():
        phone = json.loads(line)
        for secret in (phone["device_token"], phone["provisioning"]["sip_password"]):
            assert secret not in result.out
    assert "Secrets are masked" in result.out


@pytest.mark.parametrize(
    "argv", [["--everyone", "1"], ["--everyone"], ["--all", "--everyone", "--user", "anna@contact.example"]]
)
def test_everyone_is_for_all_alone(run: Run, siperb_server: SiperbServer, argv: list[str]) -> None:
    assert run("provision", *argv).code == 2
    assert not siperb_server.requests
