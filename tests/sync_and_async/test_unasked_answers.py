"""An answer that nobody asked for, on a kept connection, is never taken for the answer to the next call."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from facades import Facade
from hostile import TcpServer, certificate, head

from siperb.aio.transport import _own_session
from siperb.testing.signals import Signal


def answer(body: bytes) -> bytes:
    return head(b"Content-Length: %d" % len(body)) + body


def login(size: int = 0) -> bytes:
    return answer(b'{"UserId": "u1", "SessionToken": "s1", "More": "%s"}' % (b"x" * size))


def phone_of(name: bytes) -> bytes:
    return answer(b'{"Platform": "script", "Settings_json": {"SipUsername": "%s"}}' % name)


def asked(connection: socket.socket) -> bool:
    """Whether one more request has come."""
    got = b""
    while b"\r\n\r\n" not in got and (chunk := connection.recv(65536)):
        got += chunk
    return bool(got)


def phone_after(facade: Facade, url: str, meanwhile: Callable[[], None]) -> str:
    client = facade.client(base_url=url, strict=True, timeout=20)
    facade.call(client.login)
    meanwhile()
    found: str = facade.call(client.get_provisioning, "t1").sip_username
    facade.close(client)
    return found


@pytest.mark.parametrize("unasked", [phone_of(b"mallory"), b"HTTP/1.1 200 OK\r\n"])
@pytest.mark.parametrize("is_read", [True, False])
def test_an_answer_that_comes_while_nothing_is_asked(facade: Facade, unasked: bytes, is_read: bool) -> None:
    """is_read: by the event loop, before the next call; else the system still has it."""
    idle, sent, first = Signal(), Signal(), iter([True])

    def serve(connection: socket.socket) -> None:
        if next(first, False):
            assert asked(connection)
            connection.sendall(login())
            assert idle.block(20)
            connection.sendall(unasked)
            sent.set()
        while asked(connection):
            connection.sendall(phone_of(b"alice"))

    async def turn_of_the_loop() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    def meanwhile() -> None:
        idle.set()
        assert sent.block(20)
        if is_read:
            facade.loop.run_until_complete(turn_of_the_loop())

    with TcpServer(serve) as other:
        assert phone_after(facade, f"http://{other.address}", meanwhile) == "alice"


def test_an_answer_in_the_same_tls_record(facade: Facade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies decrypted in the TLS library, where the socket does not show it."""
    bundle, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    first = iter([True])

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            if next(first, False):
                assert asked(secure)
                secure.sendall(login(size=9000) + phone_of(b"mallory"))
            while asked(secure):
                secure.sendall(phone_of(b"alice"))

    with TcpServer(serve) as other:
        assert phone_after(facade, f"https://{other.address}", lambda: None) == "alice"


async def test_a_kept_connection_is_else_as_aiohttp_has_it() -> None:
    """The connector of our own has the options that a session gives its own."""
    own = _own_session()
    async with aiohttp.ClientSession() as theirs:
        expected, found = vars(theirs.connector), vars((await anext(own)).connector)
        assert found.keys() == expected.keys()
        plain = {name for name, value in expected.items() if isinstance(value, (bool, int, float, str, type(None)))}
        assert {name: found[name] for name in plain} == {name: expected[name] for name in plain}
    await own.aclose()
