"""``siperb doctor``: a good day, and every bad one that can be had on loopback."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from aiohttp import web
from cli_helpers import Run, secrets_of
from doctor_helpers import NAMES, StartRegistrar, findings, point_at
from hostile import certificate
from sip_registrars import answer

from siperb.cli import doctor
from siperb.testing import MISSING, Hold, SiperbServer

pytest_plugins = ("cli_fixtures",)


def test_a_good_day(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar, file_keyring: Path) -> None:
    registrar()
    secrets = secrets_of(siperb_server)
    result = run("doctor", "-v")
    assert result.code == 0
    assert dict(line.split("\t")[1::-1] for line in result.out.splitlines()) == dict.fromkeys(NAMES, "ok")
    assert result.err.endswith("All is well.\n")
    assert not [secret for secret in secrets if secret in result.out + result.err]
    assert list(file_keyring.iterdir()) == []


def test_without_a_token(
    run: Run, siperb_server: SiperbServer, file_keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIPERB_PAT")
    code, found = findings(run)
    assert code == 4
    assert (found["token"]["status"], "siperb login" in found["token"]["detail"]) == ("failed", True)
    for name in ("login", "devices", "provisioning", "registration"):
        assert (found[name]["status"], found[name]["detail"]) == ("skipped", "because of the token")


def test_a_refused_token(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.revoke_pat()
    code, found = findings(run)
    assert (code, found["login"]["status"]) == (4, "failed")
    assert found["registration"]["detail"] == "because of the login"


@pytest.mark.usefixtures("no_keyring")
def test_a_missing_keyring_is_a_failure_for_who_needs_one(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, found = findings(run)
    assert (code, found["keyring"]["status"]) == (0, "skipped")
    assert "not needed, as the token comes from SIPERB_PAT" in found["keyring"]["detail"]
    monkeypatch.delenv("SIPERB_PAT")
    code, found = findings(run)
    assert (code, found["keyring"]["status"]) == (1, "failed")
    assert "keyring here" in found["keyring"]["detail"]


def test_a_bad_address_and_one_where_nobody_listens(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, found = findings(run, "--base-url", "http://api.siperb.com")
    assert (code, found["address"]["status"], "https" in found["address"]["detail"]) == (1, "failed", True)
    assert found["token"]["detail"] == "because of the address"
    siperb_server.stop()
    code, found = findings(run)
    assert (code, "refused the connection" in found["login"]["detail"]) == (1, True)

    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    _, found = findings(run, "--base-url", "https://api.siperb.example")
    assert "api.siperb.example has no address" in found["login"]["detail"]


def test_a_proxy_is_named_without_its_password(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:hush@127.0.0.1:{port}")
    code, found = findings(run, "--base-url", "https://api.siperb.example")
    assert code == 1
    assert found["address"]["detail"].endswith(f" through the proxy 127.0.0.1:{port}")
    assert (found["login"]["status"], "proxy" in found["login"]["detail"]) == ("failed", True)
    assert "hush" not in json.dumps(found)


def test_a_certificate_that_is_trusted_and_one_that_is_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, context = certificate(tmp_path)
    with SiperbServer(ssl_context=context) as server:
        monkeypatch.setenv("SIPERB_PAT", server.pat)
        monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)
        _, refused = findings(run)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        _, taken = findings(run)
    assert "REQUESTS_CA_BUNDLE" in refused["login"]["detail"]
    assert taken["login"]["status"] == "ok"


def test_a_user_without_devices(run: Run, siperb_server: SiperbServer) -> None:
    for device in list(siperb_server.user.devices):
        siperb_server.remove_device(device)
    code, found = findings(run)
    assert (code, "no script device" in found["devices"]["detail"]) == (1, True)


def test_an_incomplete_document_and_a_jwt_that_has_ended(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.jwt_lifetime = -60
    detail = findings(run)[1]["provisioning"]["detail"]
    assert "The JWT ended" in detail
    assert "clock" in detail
    siperb_server.set_settings(siperb_server.user.devices[0], {"sip_websocket_port": MISSING})
    assert "SipWebsocketPort" in findings(run)[1]["provisioning"]["detail"]


def test_the_made_up_hosts_of_a_loopback_api_are_skipped(run: Run, siperb_server: SiperbServer) -> None:
    code, found = findings(run)
    assert (code, found["registration"]["status"]) == (0, "skipped")
    assert "ws-eu-west-1.siperb.example is made up" in found["registration"]["detail"]


@pytest.mark.parametrize("name", ["nobody", "70007000", "t" + "0" * 64])
def test_a_device_that_is_not_there(run: Run, siperb_server: SiperbServer, name: str) -> None:
    code, found = findings(run, "--device", name)
    assert (code, found["devices"]["status"]) == (1, "failed")
    assert name not in found["devices"]["detail"]


def test_another_device_of_a_user(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    running = registrar()
    anna = siperb_server.add_domain_user("anna@contact.example")
    settings = {
        "sip_wss_server": "127.0.0.1",
        "sip_websocket_port": str(running.port),
        "sip_username": "other",
        "registration_mode": "WebSocket",
    }
    siperb_server.add_device(anna, description="The Other", settings=settings)
    code, found = findings(run, "--device", "the other", "--user", anna.email)
    assert code == 0
    assert found["provisioning"]["detail"].startswith('"The Other" is complete')
    assert "sip:other@" in running.requests[0]


def test_a_check_without_an_end_is_ended(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT", 1.0)
    siperb_server.fail("login", Hold())
    _, found = findings(run)
    assert (found["login"]["status"], "time" in found["login"]["detail"]) == ("failed", True)


def test_an_unknown_error_is_named_without_its_text(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> str:
        raise RuntimeError(siperb_server.pat)

    monkeypatch.setattr(doctor, "choose_device", burst)
    _, found = findings(run)
    assert found["devices"]["detail"] == "RuntimeError: please report it."
    assert siperb_server.pat not in json.dumps(found)


def test_phones_that_are_registered(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        contacts = 'Contact: <sip:a@192.0.2.1>;expires=60;user-agent="Desk 1.0", <sip:b@192.0.2.2>'
        await websocket.send_str(answer(request, "200 OK", contacts))

    registrar(say)
    said = "accepted; registered: sip:a@192.0.2.1 (Desk 1.0), sip:b@192.0.2.2 (unknown phone)"
    assert findings(run)[1]["registration"]["detail"] == said


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        ("403 Forbidden", "The registrar refuses without asking for the password (403 Forbidden)", "SipDomain"),
        ("401 No", "The registrar wants an authentication that is not known here (401 No)", "digest"),
        ("404 Not Found", "The registrar says no (404 Not Found)", "SipDomain"),
        ("503 \x1b[1m", "The registrar is in trouble (503 [1m)", "try again later"),
    ],
)
def test_a_registrar_that_refuses(
    run: Run, siperb_server: SiperbServer, registrar: StartRegistrar, status: str, said: str, advice: str
) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.send_str(answer(request, status))

    registrar(say)
    code, found = findings(run)
    assert (code, found["registration"]["status"]) == (1, "failed")
    assert found["registration"]["detail"].startswith(said)
    assert advice in found["registration"]["detail"]
    assert "\x1b" not in run("doctor").out


def test_a_server_that_is_no_registrar(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        point_at(siperb_server, closed.getsockname()[1])
    assert findings(run)[1]["registration"]["status"] == "failed"
    registrar(instead=web.Response(status=404))
    assert "404" in findings(run)[1]["registration"]["detail"]
