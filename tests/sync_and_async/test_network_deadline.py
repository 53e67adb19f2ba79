"""One deadline a call, over name, connect, TLS, proxy, headers, body, chunks and retries: however slowly it drips."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from facades import Facade, chain
from hostile import HOST, Proxy, Raw, TcpServer, certificate, head

from siperb import APIConnectionError, APITimeoutError, InternalServerError, RateLimitError, SiperbError
from siperb.testing import Drip, Endless, Fault, Hold, Redirect, SiperbServer, Status

TIMEOUT, AT_MOST = 0.3, 15.0  # seconds: what is asked for, and what a busy machine may make of it

FAULTS: dict[str, Fault] = {
    "silence": Hold(),
    "a dripping status line": Raw(b"HTTP/1.1 200 " + b"O" * 60_000, drip=0.02),
    "a dripping head": Drip("head", 0.03),
    "headers without end": Raw(b"HTTP/1.1 200 OK\r\n", endless=b"X: y\r\n", drip=0.1),
    "103 without end": Raw(b"", endless=b"HTTP/1.1 103 Early Hints\r\n\r\n", drip=0.01),
    "a dripping body": Drip("body", 0.03),
    "a body that stalls": Raw(head(b"Content-Length: 99") + b"[", hang_up=False),
    "a body that stalls, no length": Raw(head(b"Connection: close") + b"[", hang_up=False),
    "dripping chunks": Endless(interval=0.02, chunk=1),
    "a dripping chunk": Raw(head(b"Transfer-Encoding: chunked") + b"ffff\r\n" + b" " * 65535, drip=0.02),
    "a dripping chunk size": Raw(head(b"Transfer-Encoding: chunked"), endless=b"0", drip=0.02),
    "a dripping trailer": Raw(head(b"Transfer-Encoding: chunked") + b"0\r\n", endless=b"X: y\r\n", drip=0.1),
}


def assert_timeout(facade: Facade, call: Callable[..., Any], **own: str) -> None:
    begin = time.monotonic()
    with pytest.raises(APITimeoutError) as caught:
        facade.call(call, **own)
    assert time.monotonic() - begin < AT_MOST
    assert chain(caught.value) == [caught.value]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_server(tls: Any) -> Iterator[SiperbServer]:
    with SiperbServer(ssl_context=tls[1]) as running:
        yield running


@pytest.mark.parametrize("name", FAULTS)
def test_the_deadline_holds(facade: Facade, name: str) -> None:
    facade.server.fail(None, FAULTS[name])
    assert_timeout(facade, facade.client(timeout=TIMEOUT).login)


@pytest.mark.parametrize("name", ["silence", "a dripping head", "a dripping body", "dripping chunks"])
def test_the_deadline_holds_inside_tls(
    facade: Facade, name: str, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    client = facade.client(tls_server.pat, base_url=tls_server.base_url, timeout=TIMEOUT, strict=True)
    user = tls_server.user
    tls_server.clear_faults()
    tls_server.fail("devices", FAULTS[name])
    assert_timeout(facade, client.get_devices, user_id=user.user_id, session_token=user.session_token)


def silence(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_the_deadline_holds_in_a_handshake(facade: Facade) -> None:
    for serve in (silence, lambda connection: server.drip(connection, b"\x16\x03\x03\x3f\xff" + b"\x02" * 9999)):
        with TcpServer(serve) as server:
            client = facade.client(base_url=f"https://{server.address}", timeout=TIMEOUT)
            assert_timeout(facade, client.login)


def test_the_deadline_holds_in_a_proxys_answer(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(drips=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        assert_timeout(facade, facade.client(base_url="https://api.siperb.example", timeout=2.0).login)
        assert proxy.heads[0].startswith("CONNECT api.siperb.example:443 ")


def test_the_deadline_holds_behind_a_proxy_that_took_its_time(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its answer took is not there twice, for the handshake that follows."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        answering.wait(0.8 * timeout)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        silence(connection)

    timeout, answering = 4.0, threading.Event()
    with TcpServer(serve) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        client = facade.client(base_url="https://api.siperb.example", timeout=timeout, max_retries=0)
        begin = time.monotonic()
        with pytest.raises(APITimeoutError):
            facade.call(client.login)
        assert time.monotonic() - begin < 1.7 * timeout


@pytest.mark.skipif(sys.platform != "linux", reason="a full queue lets a connection hang on Linux alone")
def test_the_address_that_answers_is_found(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    port = facade.server.port
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.9", HOST)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert facade.call(facade.client(base_url=f"http://localhost:{port}", max_retries=0).login)


def test_a_host_without_an_address(facade: Facade) -> None:
    with pytest.raises(APIConnectionError) as caught:
        facade.call(facade.client(base_url="https://api.siperb.invalid", max_retries=0).login)
    assert chain(caught.value) == [caught.value]


@pytest.mark.parametrize(
    ("fault", "timeout", "error"),
    [
        (Status(503), TIMEOUT, (InternalServerError, APITimeoutError)),  # the time may be up in the midst of a try
        (Status(503, retry_after=10), 5, InternalServerError),
        (Status(429, retry_after=30), 5, RateLimitError),
    ],
)
def test_one_deadline_spans_the_retries(facade: Facade, fault: Fault, timeout: float, error: Any) -> None:
    facade.server.fail("login", fault, times=None)
    begin = time.monotonic()
    with pytest.raises(error):
        facade.call(facade.client(timeout=timeout, max_retries=1_000).login)
    assert time.monotonic() - begin < AT_MOST


def test_what_a_users_requests_session_is_promised(server: SiperbServer) -> None:
    """Less: a body that drips ends at the deadline, headers that drip end when they end."""
    faults = [Hold(), Endless(interval=0.02, chunk=1), FAULTS["a body that stalls"]]
    if hasattr(urllib3.HTTPResponse, "read1"):
        faults.append(FAULTS["a dripping body"])
    with Facade("sync", server) as facade, requests.Session() as session:
        client = facade.client(http_session=session, timeout=TIMEOUT, max_retries=0)
        for fault in faults:
            server.fail("login", fault)
            assert_timeout(facade, client.login)
        server.fail("login", Raw(b"", endless=b"HTTP/1.1 100 Continue\r\n\r\n", drip=0.02))
        begin = time.monotonic()
        # Headers that drip have no end of their own here; this server ends them, after four deadlines.
        ended = FAULTS["a dripping head"]
        server.clear_faults()
        server.fail("login", ended)
        with pytest.raises(APITimeoutError):
            facade.call(client.login)
        assert time.monotonic() - begin > TIMEOUT


def test_a_redirects_body_is_not_waited_for(facade: Facade) -> None:
    facade.server.fail("login", Redirect("/elsewhere", body=b" " * 2**24))
    stalls = head(b"Location: /x", b"Content-Length: 9", status=b"HTTP/1.1 302 X")
    facade.server.fail("login", Raw(stalls, hang_up=False))
    for _ in range(2):
        begin = time.monotonic()
        with pytest.raises(SiperbError, match="redirect"):
            facade.call(facade.client(timeout=20).login)
        assert time.monotonic() - begin < AT_MOST
