"""The process that a client runs in: watchdogs, patched libraries, event loops, no descriptors, error trackers."""

from __future__ import annotations

import asyncio
import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
import requests
from facades import Facade, said
from hostile import Raw, head
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from siperb import APIConnectionError, AsyncSiperb, ConfigurationError, Siperb
from siperb.testing import Fault, Hold, SiperbServer

resource = pytest.importorskip("resource", reason="signals and limits as Unix has them")


class SoftTimeLimitExceeded(Exception):
    """As the task queues raise it from a signal handler."""


# Watchdogs.


@pytest.fixture
def watchdog(server: SiperbServer) -> Iterator[Callable[[BaseException, Any], threading.Thread]]:
    """Raises the error, in this thread, as soon as the route has been asked."""
    threads: list[threading.Thread] = []
    before = signal.getsignal(signal.SIGUSR1)

    def set_up(error: BaseException, route: Any) -> None:
        def bite(*_: object) -> None:
            raise error

        def watch(thread: int = threading.get_ident()) -> None:
            server.wait_for_requests(1, route=route)
            signal.pthread_kill(thread, signal.SIGUSR1)

        signal.signal(signal.SIGUSR1, bite)
        threads.append(threading.Thread(target=watch))
        threads[-1].start()

    yield set_up
    for thread in threads:
        thread.join()
    signal.signal(signal.SIGUSR1, before)


BODY_THAT_STALLS = Raw(head(b"Content-Length: 99") + b"[", hang_up=False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it may strike a socket in the making
@pytest.mark.parametrize("fault", [Hold(), BODY_THAT_STALLS], ids=["answer", "body"])
@pytest.mark.parametrize("kind", [SoftTimeLimitExceeded, ValueError])
@pytest.mark.parametrize("strict", [True, False])
def test_a_signal_handlers_exception_goes_through(
    server: SiperbServer, kind: type[Exception], fault: Fault, strict: bool, watchdog: Any
) -> None:
    error = kind("time is up")
    with Siperb(server.pat, base_url=server.base_url, state=None, strict=strict, timeout=20) as client:
        client.login()  # the connection has served, and could be taken for one that the server has closed
        server.fail("devices", fault)
        watchdog(error, "devices")
        with pytest.raises(kind) as caught:
            client.get_devices()
        assert caught.value is error
        assert said(server) == ["login", "devices"]
        server.clear_faults()
        assert client.get_devices()


@pytest.mark.parametrize("kind", [SoftTimeLimitExceeded, RuntimeError, ValueError, KeyError])
def test_a_hooks_exception_goes_through(server: SiperbServer, kind: type[Exception]) -> None:
    error = kind("mine")

    def hook(answer: requests.Response, **_: object) -> None:
        answer.close()
        raise error

    with (
        requests.Session() as session,
        Siperb(server.pat, base_url=server.base_url, state=None, http_session=session) as client,
    ):
        session.hooks["response"].append(hook)
        with pytest.raises(kind) as caught:
            client.get_devices()
    assert caught.value is error
    assert said(server) == ["login"]


def test_an_adapters_exception_goes_through(server: SiperbServer) -> None:
    class Adapter(HTTPAdapter):
        def send(self, *_: Any, **__: Any) -> Any:
            raise SoftTimeLimitExceeded

    with (
        requests.Session() as session,
        Siperb(server.pat, base_url=server.base_url, state=None, http_session=session) as client,
    ):
        session.mount("http://", Adapter())
        with pytest.raises(SoftTimeLimitExceeded):
            client.get_devices()


@pytest.mark.parametrize("kind", [SoftTimeLimitExceeded, RuntimeError, ValueError, KeyError])
@pytest.mark.parametrize("when", ["on_request_start", "on_request_end"])
async def test_a_traces_exception_goes_through(server: SiperbServer, kind: type[Exception], when: str) -> None:
    error = kind("mine")

    async def trace(*_: object) -> None:
        raise error

    tracing = aiohttp.TraceConfig()
    getattr(tracing, when).append(trace)
    async with (
        aiohttp.ClientSession(trace_configs=[tracing]) as session,
        AsyncSiperb(server.pat, base_url=server.base_url, http_session=session) as client,
    ):
        with pytest.raises(kind) as caught:
            await client.get_devices()
    assert caught.value is error
    assert said(server) == (["login"] if when == "on_request_end" else [])


# Patched libraries.


def run(program: str) -> str:
    program = f"from siperb import *\nfrom siperb.testing import SiperbServer\n{program}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_session_that_another_package_has_put_in_place_is_not_ours() -> None:
    assert (
        run("""
import requests, requests.sessions
plain = requests.Session()
class Keeping(requests.Session):
    def request(self, *args, **kwargs):
        raise SystemExit("kept")
requests.Session = requests.sessions.Session = Keeping
with SiperbServer() as server:
    for given in None, plain:
        with Siperb(server.pat, base_url=server.base_url, http_session=given, strict=True) as client:
            print(len(client.get_devices()))
""")
        == "2\n2\n"
    )


def test_a_connection_of_another_packages_is_told_the_path(
    server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Recording(HTTPConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    with Siperb(server.pat, base_url=server.base_url, state=None, strict=True) as client:
        assert client.get_devices()
        with monkeypatch.context() as patched:
            patched.setattr(HTTPConnectionPool, "ConnectionCls", Recording)
            client._transport().close()  # or the connection that is kept would serve
            assert client.get_provisioning(server.user.devices[0].token)
            assert len(made) == 1
        client._transport().close()
        assert client.get_devices()
        assert len(made) == 1


def test_what_watches_the_libraries_sees_no_device_token(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Sentry does: it patches `putrequest` of http.client, and gives every session of aiohttp a trace."""
    seen: list[str] = []
    putrequest, init = http.client.HTTPConnection.putrequest, aiohttp.ClientSession.__init__

    def watched_putrequest(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        seen.append(url)
        putrequest(self, method, url, *args, **kwargs)

    async def trace(_: Any, __: Any, begun: Any) -> None:
        seen.append(str(begun.url))

    def watched_init(self: Any, **kwargs: Any) -> None:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_start.append(trace)
        init(self, **kwargs, trace_configs=[tracing])

    monkeypatch.setattr(http.client.HTTPConnection, "putrequest", watched_putrequest)
    monkeypatch.setattr(aiohttp.ClientSession, "__init__", watched_init)
    token = facade.server.user.devices[0].token
    assert facade.call(facade.client(strict=True).get_provisioning, token)
    assert seen == ([] if facade.is_async else ["/Login", "/Users/{id}/Devices/{device}/"])
    assert token in facade.server.requests[-1].path


def test_a_library_that_is_patched_late_is_refused(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    client = facade.client()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "local", type("local", (), {}))
        with pytest.raises(ConfigurationError, match="patch first"):
            facade.call(client.login)
    assert facade.call(client.login)


# Event loops.


def test_without_an_event_loop_of_asyncio_it_is_named() -> None:
    """As under trio, which drives coroutines of its own."""
    client = AsyncSiperb("pat", base_url="http://127.0.0.1:9")
    before = threading.active_count()
    for coroutine in client.get_devices(), client.login(), SiperbServer().__aenter__():
        with pytest.raises(ConfigurationError, match="asyncio"):
            coroutine.send(None)
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        client.close().send(None)


def test_a_session_of_another_loop_is_refused(server: SiperbServer) -> None:
    clients: list[Any] = []

    async def first() -> None:
        session = aiohttp.ClientSession()
        clients.append(AsyncSiperb(server.pat, base_url=server.base_url, http_session=session))
        assert await clients[0].get_devices()
        await session.close()
        with pytest.raises(ConfigurationError, match="closed"):
            await clients[0].get_devices()
        clients.append(AsyncSiperb(server.pat, base_url=server.base_url, http_session=aiohttp.ClientSession()))

    async def second() -> None:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await clients[1].get_devices()
        await clients[1]._http_session.close()
        await clients[1].close()
        await clients[0].close()

    asyncio.run(first())
    asyncio.run(second())


# File descriptors.


def test_no_file_descriptors_left_is_said(facade: Facade) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    client = facade.client(max_retries=0, strict=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(APIConnectionError, match="too many files are open"):
            facade.call(client.get_devices)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert facade.call(client.get_devices)


@pytest.mark.parametrize("left", [0, 1])
def test_an_import_without_a_file_descriptor_is_tried_again(facade: Facade, left: int) -> None:
    assert run(f"""
import asyncio, resource, threading
async def done(result):
    return await result
def call(method):
    return method() if {not facade.is_async} else loop.run_until_complete(method())
loop = asyncio.new_event_loop()
client = {"AsyncSiperb" if facade.is_async else "Siperb"}("pat", base_url={facade.server.base_url!r}, max_retries=0)
client._pat = {facade.server.pat!r}
probe = open("/dev/null")
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno() + {left}, limits[1]))
try:
    call(client.login)
except APIConnectionError as error:
    print("too many files are open" in str(error))
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
print(len(call(client.get_devices)))
call(client.close)
""") == ("True\n2\n")
