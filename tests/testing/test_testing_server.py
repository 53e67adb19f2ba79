"""The loopback API as a server: what it records, how it starts, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import aiohttp
import pytest
from plain_client import ask, get, get_document, log_in

from siperb.testing import SiperbServer

# Records


def test_requests_are_recorded_as_they_were_sent(server: SiperbServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/Users/%2E%2e/a%20b/?x=%41&y", skip_accept_encoding=True)
    for name, value in (("X-Api-Key", "one"), ("x-api-key", "two"), ("Content-Length", "3")):
        connection.putheader(name, value)
    connection.endheaders(b"abc")
    with connection.getresponse() as response:
        assert response.status == 404
    connection.close()
    (request,) = server.requests
    assert request.method == "POST"
    assert request.route is None
    assert request.path_qs == "/Users/%2E%2e/a%20b/?x=%41&y"
    assert request.path == "/Users/%2E%2e/a%20b/"
    assert request.headers.getall("X-API-KEY") == ["one", "two"]
    assert request.body == b"abc"


def test_requests_know_their_route_and_can_be_cleared(server: SiperbServer) -> None:
    log_in(server, server.pat)
    get(server, "/Devices/")
    get(server, f"/Devices/{server.user.devices[0].token}/")
    get(server, "")
    assert [request.route for request in server.requests] == ["login", "devices", "provisioning", "user"]
    assert server.wait_for_requests(1, route="devices") == [server.requests[1]]
    server.clear()
    assert server.requests == []
    with pytest.raises(TimeoutError):
        server.wait_for_requests(1, timeout=0)


def test_a_server_for_long_keeps_no_requests() -> None:
    with SiperbServer(keep_requests=False) as server:
        log_in(server, server.pat)
        assert server.wait_for_requests(1) == []


def test_no_secret_is_in_a_repr(server: SiperbServer) -> None:
    ask(server, "POST", "/Login", {"Authorization": f"Bearer {server.pat}"}, body=server.pat.encode())
    document = get_document(server, server.add_device(settings={"sip_password": "hunter2"}))
    said = repr((server, server.users, list(server.user.devices), server.user.devices, server.requests, server.faults))
    for secret in (server.pat, server.user.session_token, document["SipJwt"], "hunter2"):
        assert secret not in said
    assert not any(device.token in said for device in server.user.devices)


def test_requests_are_waited_for(server: SiperbServer) -> None:
    threads = [threading.Thread(target=log_in, args=(server, server.pat)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert len(server.wait_for_requests(3, route="login")) == 3
    with pytest.raises(TimeoutError, match=r"^3 of 4 login requests came in 0\.01 s$"):
        server.wait_for_requests(4, timeout=0.01, route="login")
    for thread in threads:
        thread.join()


async def test_requests_are_waited_for_while_the_loop_goes_on() -> None:
    async with SiperbServer() as server, aiohttp.ClientSession() as client:
        waiting = asyncio.create_task(server.requests_arrived(2))
        for _ in range(2):
            async with client.post(f"{server.base_url}/Login") as response:
                assert response.status == 401
        assert len(await waiting) == 2
        with pytest.raises(TimeoutError, match=r"^2 of 3 requests"):
            await server.requests_arrived(3, timeout=0.01)


# Whom it answers


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}", "[::1]:{port}"])
def test_it_answers_to_the_names_of_loopback(server: SiperbServer, host: str) -> None:
    headers = {"Host": host.format(port=server.port), "Authorization": f"Bearer {server.pat}"}
    assert ask(server, "POST", "/Login", headers)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["rebound.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.rebound.example:{port}", "localhost:{port}.", ""],
)
def test_it_answers_to_no_other_host(server: SiperbServer, host: str) -> None:
    """A web page makes its own host's name stand for 127.0.0.1, and reads what is served there (DNS rebinding)."""
    headers = {"Host": host.format(port=server.port), "Authorization": f"Bearer {server.pat}"}
    status, said = ask(server, "POST", "/Login", headers)
    assert status == 421
    assert server.base_url in said["message"]
    assert server.requests == []


# Starting and stopping


def test_nothing_is_left_when_it_has_stopped() -> None:
    before = threading.enumerate()
    server = SiperbServer()
    server.start()
    idle = socket.create_connection(("127.0.0.1", server.port))
    server.stop()
    server.stop()
    assert threading.enumerate() == before
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


async def test_it_runs_for_async_code_too() -> None:
    before = threading.enumerate()
    async with SiperbServer() as server, aiohttp.ClientSession() as client:
        headers = {"Authorization": f"Bearer {server.pat}"}
        async with client.post(f"{server.base_url}/Login", headers=headers) as response:
            assert (await response.json())["UserId"] == server.user.user_id
    assert threading.enumerate() == before


def test_started_again_it_has_the_same_address_and_sessions() -> None:
    server = SiperbServer()
    with pytest.raises(RuntimeError, match="start it"):
        server.base_url  # noqa: B018
    with server:
        assert get(server, "/Devices/")[0] == 200
        address = server.base_url
        with pytest.raises(RuntimeError, match="runs already"):
            server.start()
    with server:
        assert server.base_url == address
        assert get(server, "/Devices/")[0] == 200


def test_a_port_that_is_taken_is_said_so(server: SiperbServer) -> None:
    other = SiperbServer(port=server.port)
    with pytest.raises(OSError, match=f"port {server.port} of 127.0.0.1 .*choose another"):
        other.start()
    assert "stopped" in repr(other)
    assert log_in(server, server.pat)[0] == 200


def test_a_start_that_fails_says_why_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.enumerate()

    def no_more_files() -> None:
        raise OSError(24, "Too many open files")

    server = SiperbServer()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "SelectorEventLoop", no_more_files)
        with pytest.raises(OSError, match="Too many open files"):
            server.start()
    assert threading.enumerate() == before
    with server:
        assert get(server, "/Devices/")[0] == 200


def test_a_stop_cuts_what_is_under_way_without_a_word(tmp_path: Path) -> None:
    """Idle, held, delayed and endless connections at once, in a Python that tells of every task and socket."""
    script = tmp_path / "script.py"
    script.write_text("""
import gc, logging, socket
from siperb.testing import *

logging.getLogger("asyncio").setLevel(logging.ERROR)  # a slow machine is no fault
server = SiperbServer()
server.start()
def connect(request):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(request)
    return connection
request = f"POST /Login HTTP/1.1\\r\\nHost: 127.0.0.1:{server.port}\\r\\n\\r\\n".encode()
for fault in (Hold(), Delay(60), Drip("head", 60), Drip("body", 60), Endless(), Endless(interval=60)):
    server.fail("login", fault)
connections = [connect(b""), connect(request[:20])] + [connect(request) for _ in range(6)]
server.wait_for_requests(6)
server.stop()
for connection in connections:
    connection.close()
del server
gc.collect()
print("done")
""")
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(script)], capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.stderr) == ("done\n", "")


def test_https(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl and not os.environ.get("CI"):
        pytest.skip("this test makes a certificate with openssl: install it")
    assert openssl
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    key_type = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=siperb", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", "-x509", *key_type, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with SiperbServer(ssl_context=context) as server:
        assert server.base_url == f"https://127.0.0.1:{server.port}"
        trust = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=trust)
        connection.request("POST", "/Login", headers={"Authorization": f"Bearer {server.pat}"})
        with connection.getresponse() as response:
            assert response.status == 200
        connection.close()
