"""`check_registration` on both facades, against registrars on loopback that behave and that do not."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from facades import Facade
from hostile import Proxy, certificate
from registration_checks import check, fails
from sip_registrars import PHONE, accept, answer, running_registrar

from siperb import (
    ConfigurationError,
    IncompleteProvisioningError,
    Provisioning,
    RegistrarConnectionError,
    Siperb,
)


def test_accepted(facade: Facade) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        contacts = "Contact: <sip:a@192.0.2.1>;expires=60, <sip:b@192.0.2.2>;expires=61"
        await websocket.send_str(accept(request, contacts))

    with running_registrar(say) as registrar:
        registration = check(facade, registrar.phone)
    assert registration.accepted
    assert [(contact.uri, contact.expires) for contact in registration.contacts] == [
        ("sip:a@192.0.2.1", 60),
        ("sip:b@192.0.2.2", 61),
    ]
    assert 0 < registration.seconds < 10
    first, second = registrar.requests
    assert "Authorization" not in first
    assert "Contact" not in first + second
    assert "s3cret" not in first + second
    assert "User-Agent: siperb-python/" in first
    [handshake] = registrar.http_requests
    assert handshake.headers["Sec-WebSocket-Protocol"] == "sip"
    assert handshake.headers["User-Agent"].startswith("siperb-python/")
    assert handshake.headers["Origin"] == "https://www.siperb.com"
    assert not {"Authorization", "Cookie", "X-Api-Key"} & handshake.headers.keys()


@pytest.mark.parametrize("origin", ["https://phone.example.com", None])
def test_the_origin_is_the_callers_to_choose(facade: Facade, origin: str | None) -> None:
    with running_registrar() as registrar:
        client = facade.client()
        assert facade.call(client.check_registration, registrar.phone, insecure=True, origin=origin).accepted
    assert registrar.http_requests[0].headers.get("Origin") == origin


@pytest.mark.parametrize("strict", [False, True])
def test_a_refusal_is_no_error(facade: Facade, strict: bool) -> None:
    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        await websocket.send_str(answer(request, "403 Forbidden"))

    with running_registrar(say) as registrar:
        registration = check(facade, registrar.phone, strict=strict)
    assert (registration.accepted, registration.status, registration.reason) == (False, 403, "Forbidden")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


def test_a_certificate_that_is_trusted_and_one_that_is_not(
    facade: Facade, authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, context = authority
    with running_registrar(ssl_context=context) as registrar:
        fails(facade, registrar.phone, RegistrarConnectionError, "certificate", insecure=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        assert check(facade, registrar.phone, insecure=False).accepted
    gc.collect()  # a connection left open is a warning, which is an error here


def test_the_environments_proxy(
    facade: Facade, authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, context = authority
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with running_registrar(ssl_context=context) as registrar, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        assert check(facade, registrar.phone, insecure=False).accepted
        assert [head.split("\r\n")[0] for head in proxy.heads] == [f"CONNECT 127.0.0.1:{registrar.port} HTTP/1.1"]
        assert "s3cret" not in "".join(proxy.heads)
    with Proxy(refusal=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        fails(facade, PHONE, RegistrarConnectionError, "proxy failed", insecure=False)


def test_siperbs_own_proxy_gets_the_session_of_the_client(facade: Facade) -> None:
    with running_registrar() as registrar:
        phone = attrs.evolve(registrar.phone, registration_mode="Proxy", sip_jwt="aaa.bbb.ccc")
        client = facade.client()
        session = facade.call(client.login)
        assert facade.call(client.check_registration, phone, insecure=True).accepted
        assert facade.call(client.check_registration, registrar.phone, insecure=True).accepted
    assert [f"X-Siperb-Sid: {session.session_token}" in request for request in registrar.requests] == [
        True,
        True,
        False,
        False,
    ]
    assert ["Bearer" in request for request in registrar.requests] == [True, True, False, False]


def test_what_cannot_be_asked(facade: Facade) -> None:
    client = facade.client()
    for origin in ("", "https://a b", "https://a\r\nX-Evil: 1"):
        with pytest.raises(ConfigurationError, match="origin"):
            facade.call(client.check_registration, PHONE, insecure=True, origin=origin)
    for phone, insecure, kind in (
        (attrs.evolve(PHONE, sip_password=None), True, IncompleteProvisioningError),
        (attrs.evolve(PHONE, sip_wss_server="pbx.example.test"), True, ConfigurationError),
        (None, False, ConfigurationError),
    ):
        with pytest.raises(kind):
            facade.call(client.check_registration, phone, insecure=insecure)
    facade.close(client)
    with pytest.raises(ConfigurationError, match="closed"):
        facade.call(client.check_registration, PHONE)


def test_the_log_holds_no_secret(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running_registrar() as registrar:
        assert check(facade, registrar.phone).accepted
    assert not re.search("s3cret|n0nce", caplog.text)


async def test_the_sync_facade_works_within_a_running_event_loop() -> None:
    with running_registrar() as registrar, closing(Siperb("pat", state=None)) as client:
        assert client.check_registration(registrar.phone, insecure=True).accepted


def test_on_the_class() -> None:
    with running_registrar() as registrar:
        assert Siperb.check_registration(registrar.phone, insecure=True).accepted


def test_a_cancelled_check_hangs_up() -> None:
    gone = threading.Event()

    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        asyncio.get_running_loop().call_soon(asked.set)
        try:
            await websocket.receive()
        finally:  # it may be reset
            gone.set()

    asked = threading.Event()

    async def main(phone: Provisioning) -> None:
        from siperb import AsyncSiperb

        async with AsyncSiperb("pat") as client:
            task = asyncio.create_task(client.check_registration(phone, insecure=True))
            assert await asyncio.to_thread(asked.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with running_registrar(say) as registrar:
        asyncio.run(main(registrar.phone))
        assert gone.wait(10)


INTERRUPTED = """
import signal, sys, threading
import attrs
from siperb import Provisioning, Siperb
signal.signal(signal.SIGINT, signal.default_int_handler)
phone = Provisioning(sip_username="u", sip_password="p", sip_domain="d", sip_wss_server="127.0.0.1",
                     sip_websocket_port=int(sys.argv[1]), sip_server_path="/ws", registration_mode="WebSocket")
try:
    Siperb("pat", timeout=60).check_registration(phone, insecure=True)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to a process")
def test_an_interrupt_goes_through_at_once() -> None:
    asked, gone = threading.Event(), threading.Event()

    async def say(websocket: web.WebSocketResponse, request: str) -> None:
        asyncio.get_running_loop().call_soon(asked.set)
        try:
            await websocket.receive()
        finally:  # it may be reset
            gone.set()

    with running_registrar(say) as registrar:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore::ResourceWarning", "-c", INTERRUPTED, str(registrar.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert asked.wait(30)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=30)[0] == "interrupted\n"
            assert time.monotonic() - began < 20
            assert gone.wait(10)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "siperb-registrar":
            thread.join(10)
            assert not thread.is_alive()
