"""From the first call to the last: event loops, threads, forks, and what is left behind, which is nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from facades import Facade
from hostile import TcpServer, certificate
from lifecycle_programs import PROGRAMS

from siperb import ConfigurationError
from siperb.testing import Hold, SiperbServer, Status

SILENT = {"cancelled_and_timed_out", "ended_in_mid_call"}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def api(tls: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[SiperbServer]:
    """With TLS, which leaves more behind than plain http does."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    with SiperbServer(ssl_context=tls[1]) as running:
        yield running


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_in_silence(api: SiperbServer, name: str) -> None:
    if "fork" in name and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    if name in SILENT:
        api.fail("login", Hold(), times=None)
    assert_silent(name, api.base_url, api.pat)


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_server_that_says_no_goodbye(name: str, tls: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A TLS connection that is given up is not waited for: the event loop ends before."""
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with tls[1].wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            ended.wait(60)

    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    with TcpServer(serve) as server:
        try:
            assert_silent(name, f"https://{server.address}", "pat")
        finally:
            ended.set()


def assert_silent(name: str, base_url: str, pat: str) -> None:
    program = Path(__file__).parents[1] / "helpers" / "lifecycle_programs.py"
    command = [sys.executable, "-X", "dev", "-W", "error", str(program), name, base_url, pat]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    slow = "Executing <"  # asyncio's debug mode tells of a busy machine
    assert [line for line in run.stderr.splitlines() if not line.startswith(slow)] == []
    assert (run.stdout, run.returncode) == ("done\n", 0)


def test_close_twice_and_use_after_close(facade: Facade) -> None:
    client = facade.client(strict=False)
    facade.call(client.login)
    facade.close(client)
    facade.close(client)
    facade.server.clear()
    for call, arguments in (
        (client.login, ()),
        (client.get_devices, ()),
        (client.get_provisioning, ("t",)),
        (client.logout, ()),
    ):
        with pytest.raises(ConfigurationError, match="closed: make a new one"):
            facade.call(call, *arguments)
    assert facade.server.requests == []


def test_close_lets_calls_under_way_end(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one that has to try again; and no call begins after it."""
    monkeypatch.setattr("siperb.client.steps.random_number", lambda: 0.0)
    hold = Hold()
    client = facade.client(strict=True)
    facade.call(client.login)
    facade.server.fail("devices", hold, Status(503))

    def close_when_asked() -> None:
        facade.server.wait_for_requests(1, route="devices")
        if not facade.is_async:
            client.close()
        hold.release()

    async def close() -> None:
        await facade.server.requests_arrived(1, route="devices")
        await client.close()

    calls = [client.get_devices, close] if facade.is_async else [client.get_devices]
    results = facade.together(*calls, meanwhile=close_when_asked)
    assert len(results[0]) == 2
    with pytest.raises(ConfigurationError):
        facade.call(client.get_devices)


async def test_close_is_not_held_by_calls_that_were_cancelled(server: SiperbServer) -> None:
    from siperb import AsyncSiperb

    server.fail("login", Hold(), times=None)
    client = AsyncSiperb(server.pat, base_url=server.base_url)
    task = asyncio.create_task(client.login())
    await server.requests_arrived(1)
    task.cancel()
    await asyncio.wait_for(client.close(), 5)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_two_who_close_at_once(server: SiperbServer) -> None:
    from siperb import AsyncSiperb

    client = AsyncSiperb(server.pat, base_url=server.base_url)
    await client.login()
    await asyncio.gather(client.close(), client.close())
    with pytest.raises(ConfigurationError):
        await client.login()


SLOW_REFRESHES = """
import siperb.client.kept, siperb.sync.ports
from siperb import MemoryCache, Siperb
from siperb.testing import Delay, SiperbServer

siperb.client.kept.REFRESH_TIMEOUT = siperb.sync.ports.REFRESH_TIMEOUT = 1.0
server = SiperbServer()
server.add_devices(6)
server.start()
client = Siperb(server.pat, base_url=server.base_url, cache=MemoryCache(), state=None)
tokens = [device.device_token for device in client.get_devices()]
for _ in range(2):
    for token in tokens:
        client.get_provisioning(token, enable_cache=True)
    server.fail("provisioning", Delay(0.9), times=None)
server.wait_for_requests(len(tokens) + 1, route="provisioning")
wait_for_threads = siperb.sync.ports.threading._shutdown

def shutdown():
    server.clear()
    wait_for_threads()
    print(len(server.requests))

siperb.sync.ports.threading._shutdown = shutdown
"""


def test_refreshes_hold_the_exit_no_longer_than_one_may_take() -> None:
    run = subprocess.run([sys.executable, "-c", SLOW_REFRESHES], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) <= 1  # of the seven that were waiting
