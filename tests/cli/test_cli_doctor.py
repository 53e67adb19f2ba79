"""``siperb doctor``: a good day, and every bad one that can be had on loopback."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path

import pytest
from cli_helpers import Run, secrets_of
from doctor_helpers import NAMES, StartRegistrar, findings
from hostile import certificate

from siperb.cli import check, checks
from siperb.testing import MISSING, Hold, SiperbServer

pytest_plugins = ("cli_fixtures",)


def test_a_good_day(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar, file_keyring: Path) -> None:
    registrar()
    secrets = secrets_of(siperb_server)
    result = run("doctor", "-v")
    assert result.code == 0
    statuses = dict(line.split()[1::-1] for line in result.out.splitlines())
    assert statuses == {name: "skipped" if name == "tls" else "ok" for name in NAMES}
    assert result.err.endswith("All is well.\n")
    assert not [secret for secret in secrets if secret in result.out + result.err]
    assert list(file_keyring.iterdir()) == []


def test_without_a_token(run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIPERB_PAT")
    code, found = findings(run)
    assert code == 4
    assert found["token"]["status"] == "failed"
    assert "siperb login" in found["token"]["advice"]
    for name in ("login", "devices", "provisioning", "websocket"):
        assert (found[name]["status"], found[name]["detail"]) == ("skipped", "because token failed")


def test_a_refused_token(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.revoke_pat()
    code, found = findings(run)
    assert code == 4
    assert found["login"]["status"] == "failed"
    assert "siperb login" in found["login"]["advice"]
    assert found["websocket"]["detail"] == "because login failed"


@pytest.mark.usefixtures("no_keyring")
def test_a_missing_keyring_is_a_warning_for_who_needs_one(
    run: Run, siperb_server: SiperbServer, registrar: StartRegistrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrar()
    code, found = findings(run)
    assert code == 0
    assert found["keyring"]["status"] == "skipped"
    assert "the token comes from SIPERB_PAT" in found["keyring"]["detail"]
    monkeypatch.delenv("SIPERB_PAT")
    code, found = findings(run)
    assert code == 4
    assert found["keyring"]["status"] == "warning"
    assert "no keyring here" in found["keyring"]["detail"]


def test_a_bad_address(run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPERB_BASE_URL", "http://api.siperb.com")
    code, found = findings(run)
    assert code == 1
    assert found["address"]["status"] == "failed"
    assert "https" in found["address"]["detail"]
    assert found["dns"]["detail"] == "because address failed"


def test_a_name_without_an_address(run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code, found = findings(run, "--base-url", "https://api.siperb.example")
    assert code == 1
    assert found["dns"]["detail"] == "api.siperb.example has no address (Name or service not known)"
    assert found["login"]["detail"] == "because dns failed"


def test_a_proxy_is_named_without_its_password(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:hush@127.0.0.1:{port}")
    code, found = findings(run, "--base-url", "https://api.siperb.example")
    assert code == 1
    assert found["proxy"]["detail"] == f"http://127.0.0.1:{port}"
    assert [found[name]["status"] for name in ("dns", "connection", "tls")] == ["skipped"] * 3
    assert found["login"]["status"] == "failed"
    assert "proxy" in found["login"]["detail"]
    assert "hush" not in json.dumps(found)


def test_a_port_where_nobody_listens(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.stop()
    code, found = findings(run)
    assert code == 1
    assert found["connection"]["status"] == "failed"
    assert "service runs" in found["connection"]["advice"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


def test_a_certificate_that_is_trusted_and_one_that_is_not(
    run: Run, authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, context = authority
    with SiperbServer(ssl_context=context) as server:
        monkeypatch.setenv("SIPERB_PAT", server.pat)
        monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)
        _, refused = findings(run)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        _, taken = findings(run)
    assert refused["tls"]["status"] == "failed"
    assert "REQUESTS_CA_BUNDLE" in refused["tls"]["advice"]
    assert taken["tls"]["detail"].startswith("TLSv1.3, certificate good for ")
    assert taken["login"]["status"] == "ok"


def test_a_user_without_devices(run: Run, siperb_server: SiperbServer) -> None:
    for device in list(siperb_server.user.devices):
        siperb_server.remove_device(device)
    code, found = findings(run)
    assert code == 1
    assert found["devices"]["detail"] == "there is no script device"
    assert found["websocket"]["detail"] == "because devices failed"


def test_an_incomplete_document(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"sip_websocket_port": MISSING})
    _, found = findings(run)
    assert found["provisioning"]["status"] == "failed"
    assert "SipWebsocketPort" in found["provisioning"]["detail"]


def test_a_jwt_that_has_ended(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.jwt_lifetime = -60
    _, found = findings(run)
    assert "the JWT ended" in found["provisioning"]["detail"]
    assert "clock" in found["provisioning"]["advice"]


def test_the_made_up_hosts_of_a_loopback_api_are_skipped(run: Run, siperb_server: SiperbServer) -> None:
    code, found = findings(run)
    assert code == 0
    for name in ("websocket", "registration"):
        assert found[name]["status"] == "skipped"
        assert "made-up host ws-eu-west-1.siperb.example" in found[name]["detail"]


@pytest.mark.parametrize("name", ["nobody", "70007000", "t" + "0" * 64])
def test_a_device_that_is_not_there(run: Run, siperb_server: SiperbServer, name: str) -> None:
    code, found = findings(run, "--device", name)
    assert code == 1
    assert found["devices"]["status"] == "failed"
    assert name not in found["devices"]["detail"]  # elsewhere a port may have its digits
    assert found["registration"]["detail"] == "because devices failed"


def test_a_check_without_an_end_is_ended(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "LIMIT", 1.0)
    siperb_server.fail("login", Hold())
    _, found = findings(run)
    assert found["login"]["status"] == "failed"
    assert "no end within 1 s" in found["login"]["detail"]
    assert found["login"]["seconds"] < 10


def test_what_nobody_thought_of_is_named_without_its_text(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(context: object) -> str:
        raise RuntimeError(siperb_server.pat)

    monkeypatch.setitem(checks.CHECKS, "devices", (burst, ()))
    _, found = findings(run)
    assert found["devices"]["detail"] == "failed with RuntimeError"
    assert siperb_server.pat not in json.dumps(found)
