"""``siperb doctor`` and ``provision --check`` at a SIP server: one that answers, one that refuses, one that is none."""

from __future__ import annotations

import json
import socket

import pytest
from aiohttp import web
from cli_helpers import Run
from doctor_helpers import StartRegistrar, findings, point_at
from sip_registrars import accept, answer

from siperb.cli import check
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)


def test_a_server_that_does_not_speak_sip(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    registrar(protocols=("chat",))
    code, found = findings(run)
    assert code == 1
    assert "does not speak SIP" in found["websocket"]["detail"]


def test_a_server_that_takes_no_websocket(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    registrar(instead=web.Response(status=404))
    _, found = findings(run)
    assert "answered 404" in found["websocket"]["detail"]
    assert "SipServerPath" in found["websocket"]["advice"]


def test_a_sip_server_that_redirects(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    other = registrar()
    there = {"Location": f"http://127.0.0.1:{other.port}/ws"}
    registrar(instead=web.Response(status=302, headers=there))
    _, found = findings(run)
    assert "a redirect, which is not followed" in found["websocket"]["detail"]
    assert other.http_requests == []


def test_a_sip_server_that_is_not_there(run: Run, siperb_server: SiperbServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        point_at(siperb_server, closed.getsockname()[1])
    _, found = findings(run)
    assert found["websocket"]["status"] == "failed"
    assert "cannot be reached" in found["websocket"]["detail"]


def test_phones_that_are_registered(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        contacts = 'Contact: <sip:a@192.0.2.1>;expires=60;user-agent="Desk 1.0", <sip:b@192.0.2.2>'
        await websocket.send_str(answer(request, "200 OK", contacts))

    asked = registrar(say)
    code, found = findings(run)
    assert code == 0
    said = "accepted; 2 phones registered: sip:a@192.0.2.1 (Desk 1.0, 60 s left), sip:b@192.0.2.2"
    assert found["registration"]["detail"] == said
    assert len(asked.requests) == 1


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        ("403 Forbidden", "the registrar refuses without asking for the password (403 Forbidden)", "SipDomain"),
        (
            "302 Moved",
            "the registrar sends phones to another address, which is not followed (302 Moved)",
            "SipWssServer",
        ),
        ("423 Brief", "the registrar wants phones to register for longer (423 Brief)", "RegisterExpires"),
        ("401 No", "the registrar wants an authentication that is not known here (401 No)", "digest"),
        ("404 Not Found", "the registrar says no (404 Not Found)", "SipDomain"),
        ("503 \x1b[1m", "the registrar is in trouble (503 \x1b[1m)", "try again later"),
    ],
)
def test_what_a_registrar_refuses(
    run: Run, siperb_server: SiperbServer, registrar: StartRegistrar, status: str, said: str, advice: str
) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.send_str(answer(request, status))

    registrar(say)
    code, found = findings(run)
    assert code == 1
    assert (found["registration"]["status"], found["registration"]["detail"]) == ("failed", said)
    assert advice in found["registration"]["advice"]
    assert "\x1b" not in run("doctor").out
    checked = run("provision", "1", "--check")
    assert checked.code == 1
    assert "\x1b" not in checked.out
    assert advice in checked.err


def test_a_registrar_that_misses_a_contact_has_taken_the_password(
    run: Run, siperb_server: SiperbServer, registrar: StartRegistrar
) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        said = accept(request)
        await websocket.send_str(answer(request, "400 Missing Contact") if "200 OK" in said else said)

    registrar(say)
    code, found = findings(run)
    said = "accepted; the registrar lists no phones to who registers none (400 Missing Contact)"
    assert (code, found["registration"]["detail"]) == (0, said)
    assert run("provision", "1", "--check")[:2] == (0, f"{said}\n")


def test_the_handshakes_say_a_page_of_siperbs(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    running = registrar()
    assert findings(run)[0] == 0
    assert [request.headers["Origin"] for request in running.http_requests] == ["https://www.siperb.com"] * 2


def test_a_registrar_that_closes(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.close()

    registrar(say)
    _, found = findings(run)
    assert "closed the connection" in found["registration"]["detail"]
    checked = run("provision", "1", "--check", "--json")
    assert (checked.code, checked.out, json.loads(checked.err)["error"]) == (1, "", "RegistrarConnectionError")


def test_a_registrar_that_is_silent(
    run: Run, siperb_server: SiperbServer, registrar: StartRegistrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        pass

    monkeypatch.setattr(check, "TIMEOUT", 1.0)
    registrar(say)
    _, found = findings(run)
    assert "the time was up" in found["registration"]["detail"]


def test_another_device(run: Run, siperb_server: SiperbServer, registrar: StartRegistrar) -> None:
    running = registrar()
    settings = {"sip_wss_server": "127.0.0.1", "sip_websocket_port": str(running.port), "sip_username": "other"}
    siperb_server.add_device(description="The Other", settings=settings)
    code, found = findings(run, "--device", "the other")
    assert code == 0
    assert found["provisioning"]["detail"].startswith("The Other: complete")
    assert "sip:other@" in running.requests[0]


@pytest.mark.parametrize("other", [["--all"], ["1", "-o", "phone.json"]])
def test_check_goes_alone(run: Run, siperb_server: SiperbServer, other: list[str]) -> None:
    refused = run("provision", "--check", *other)
    assert (refused.code, refused.out) == (2, "")
    assert "--check goes with neither" in refused.err
