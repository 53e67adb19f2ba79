"""Registrars on loopback that misbehave: `check_registration` ends in time, with an error of ours, on both facades."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from traceback import walk_tb

import attrs
import pytest
from aiohttp import web
from facades import Facade
from hostile import TcpServer
from interrupts import of_the_package
from registration_checks import check, fails
from sip_registrars import PHONE, accept, answer, running_registrar

import siperb.sip.registrar
from siperb import (
    AsyncSiperb,
    RegistrarConnectionError,
    RegistrarResponseError,
    RegistrarTimeoutError,
)


def test_nobody_listens(facade: Facade) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    fails(facade, attrs.evolve(PHONE, sip_websocket_port=port), RegistrarConnectionError, "connection failed")


@pytest.mark.parametrize(
    ("status", "match"), [(404, "HTTP 404"), (200, "HTTP 200"), (401, "HTTP 401"), (503, "HTTP 503")]
)
def test_an_address_that_takes_no_websocket(facade: Facade, status: int, match: str) -> None:
    with running_registrar(instead=web.Response(status=status, body=b"x" * 100_000)) as registrar:
        fails(facade, registrar.phone, RegistrarResponseError, match)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(facade: Facade, status: int) -> None:
    with running_registrar() as other:
        there = web.Response(status=status, headers={"Location": f"http://127.0.0.1:{other.port}/ws"})
        with running_registrar(instead=there) as registrar:
            fails(facade, registrar.phone, RegistrarResponseError, "redirect")
    assert other.http_requests == []


@pytest.mark.parametrize("protocols", [(), ("chat",)])
def test_a_server_of_another_subprotocol(facade: Facade, protocols: tuple[str, ...]) -> None:
    with running_registrar(protocols=protocols) as registrar:
        fails(facade, registrar.phone, RegistrarResponseError, "does not speak SIP")
    assert registrar.requests == []


class Silent(TcpServer):
    def serve(self, connection: socket.socket) -> None:
        self._stopped.wait()


class Dripping(TcpServer):
    def serve(self, connection: socket.socket) -> None:
        self.drip(connection, b"HTTP/1.1 101 Switching Protocols\r\n" + b"X-Wait: for it\r\n" * 9999)


@pytest.mark.parametrize("kind", [Silent, Dripping])
def test_a_handshake_without_an_end(facade: Facade, kind: type[TcpServer]) -> None:
    began = time.monotonic()
    with kind() as server:
        phone = attrs.evolve(PHONE, sip_websocket_port=int(server.address.partition(":")[2]))
        fails(facade, phone, RegistrarTimeoutError, "time was up", timeout=0.5)
    assert time.monotonic() - began < 5


def test_a_silent_registrar(facade: Facade) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.send_str(answer(request, "100 Trying"))

    began = time.monotonic()
    with running_registrar(say) as registrar:
        fails(facade, registrar.phone, RegistrarTimeoutError, "time was up", timeout=0.5)
    assert time.monotonic() - began < 5


def test_one_deadline_for_all(facade: Facade) -> None:
    """Each thing that is said comes in time, and the answer never does."""

    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        for _ in range(1000):
            await websocket.send_str("\r\n\r\n")
            await websocket.ping()
            await asyncio.sleep(0.02)

    with running_registrar(say) as registrar:
        fails(facade, registrar.phone, RegistrarTimeoutError, "time was up", timeout=0.5)


@pytest.mark.parametrize("abort", [False, True])
def test_a_registrar_that_hangs_up(facade: Facade, abort: bool) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        if abort:
            await websocket.send_str("SIP/2.0 200 OK\r\nVia: ")
            assert websocket._req
            assert websocket._req.transport
            websocket._req.transport.abort()
        else:
            await websocket.close()

    with running_registrar(say) as registrar:
        fails(facade, registrar.phone, RegistrarConnectionError, "closed the connection")


@pytest.mark.parametrize("said", ["HTTP/1.1 400 Bad Request\r\n\r\n", "SIP/3.0 200 OK\r\n\r\n", b"\x00\xff\r\n\r\n"])
def test_a_registrar_that_speaks_something_else(facade: Facade, said: str | bytes) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await (websocket.send_str(said) if isinstance(said, str) else websocket.send_bytes(said))

    with running_registrar(say) as registrar:
        fails(facade, registrar.phone, RegistrarResponseError, "does not speak SIP")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_megabyte(facade: Facade, at_once: bool) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        if at_once:
            await websocket.send_str(answer(request, "200 OK", "X: " + "x" * 2**20))
        else:
            await websocket.send_str("SIP/2.0 200 OK\r\nX: ")
            for _ in range(2**20 // 1024):
                await websocket.send_str("x" * 1024)

    with running_registrar(say) as registrar:
        fails(facade, registrar.phone, RegistrarResponseError, "larger than 64 KiB")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_answers_in_pieces_and_joined(facade: Facade, size: int) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        content = (answer(request, "100 Trying") + accept(request, "Contact: <sip:a@b>")).encode()
        for start in range(0, len(content), size):
            await websocket.send_bytes(content[start : start + size])

    with running_registrar(say) as registrar:
        assert [contact.uri for contact in check(facade, registrar.phone).contacts] == ["sip:a@b"]


PING, PONG = b"\x89\x00", b"\x8a\x00"


@pytest.mark.parametrize("frame", [b"\x81\x00", b"\x82\x00", PING, PONG], ids=["text", "binary", "ping", "pong"])
def test_frames_without_an_end(facade: Facade, frame: bytes) -> None:
    """They cost nothing to send, count for no limit of the library's, and would be kept until they are read."""

    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.send_str("SIP/2.0 200 OK\r\n" + "a:b\r\n" * 10_000)
        transport = websocket._req.transport if websocket._req else None
        while transport and not transport.is_closing():
            transport.write(frame * 10_000)
            await asyncio.sleep(0)

    with running_registrar(say) as registrar:
        if frame in (PING, PONG):  # which aiohttp 3.13 does not show: the deadline ends them
            said = "more than 1 MiB|the time was up"
            fails(facade, registrar.phone, RegistrarResponseError, said, or_kind=RegistrarTimeoutError, timeout=2)
        else:
            fails(facade, registrar.phone, RegistrarResponseError, "more than 1 MiB")


async def test_the_event_loop_gets_its_turn_between_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        assert websocket._req
        assert websocket._req.transport
        websocket._req.transport.write(b"\x81\x00" * 5_000)
        await websocket.send_str(answer(request, "403 Forbidden"))

    monkeypatch.setattr(siperb.sip.registrar, "TURN", 0.0)
    turns = 0
    with running_registrar(say) as registrar:
        async with AsyncSiperb("pat") as client:
            asking = asyncio.create_task(client.check_registration(registrar.phone, insecure=True))
            while not asking.done():
                await asyncio.sleep(0)
                turns += 1
    assert asking.result().status == 403
    assert turns > 5_000


def test_an_error_leaves_without_frames_that_hold_secrets(facade: Facade) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        said = accept(request)
        await websocket.send_str("HTTP/1.1 400 Bad Request\r\n\r\n" if "200 OK" in said else said)

    with running_registrar(say) as registrar:
        phone = attrs.evolve(registrar.phone, registration_mode="Proxy", sip_jwt="aaa.s3cret.ccc")
        client = facade.client()
        session = facade.call(client.login)
        with pytest.raises(RegistrarResponseError) as caught:
            facade.call(client.check_registration, phone, insecure=True)
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if of_the_package(frame)]
    assert "_converse" not in [frame.f_code.co_name for frame in frames]
    for value in [value for frame in frames for value in frame.f_locals.values()]:
        assert not re.search(f"s3cret|{session.session_token}", repr(value))


def test_invalid_utf8_in_a_text_message(facade: Facade) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.send_frame(b"SIP/2.0 200 \xff\r\n\r\n", web.WSMsgType.TEXT)

    with running_registrar(say) as registrar:
        fails(facade, registrar.phone, RegistrarResponseError, "breaks the rules")


def test_a_name_that_is_looked_up_without_an_end(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(60))
    began = time.monotonic()
    try:
        phone = attrs.evolve(PHONE, sip_wss_server="pbx.example.test")
        fails(facade, phone, RegistrarTimeoutError, "time was up", insecure=False, timeout=0.5)
        assert time.monotonic() - began < 20
    finally:
        found.set()
