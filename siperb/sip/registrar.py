"""Asks a SIP registrar over a WebSocket, with `aiohttp` for both facades. `siperb.sip.register` has the question."""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

import aiohttp
from attrs import evolve
from yarl import URL

from siperb.client.network import CONNECT_TIMEOUT, environment_proxy, tls_context, without_credentials
from siperb.errors import (
    ConfigurationError,
    RegistrarConnectionError,
    RegistrarError,
    RegistrarResponseError,
    RegistrarTimeoutError,
)
from siperb.models import Provisioning, Session
from siperb.sip.message import ADVICE, MAX_MESSAGE, too_large
from siperb.sip.register import Conversation, Question
from siperb.sip.registration import Registration
from siperb.threads import Answer, Outcome, WorkerPool

P = ParamSpec("P")
T = TypeVar("T")

PAGE = "https://www.siperb.com"  # a page of Siperb's, as the Origin: some registrars refuse a WebSocket without one
HEARTBEAT = 0.5  # seconds; on Windows a wait without an end hears no signal
GOODBYE = 0.1  # seconds, for the registrar to close its side of the WebSocket
TURN = 0.01  # seconds after which the event loop gets its turn, however much has come


async def ask(
    provisioning: Provisioning,
    session: Session | None,
    *,
    insecure: bool,
    origin: str | None,
    timeout: float,
    user_agent: str,
) -> Registration:
    """Return the registrar's answer. `timeout` is in seconds, for all of it.

    Raises:
        RegistrarError: The registrar cannot be reached or understood.
        IncompleteProvisioningError, ConfigurationError: An argument cannot be used. Nothing was sent.
    """
    question = Question.of(provisioning, session, insecure=insecure)
    if origin is not None and not re.fullmatch(r"[!-~]+", origin):
        raise ConfigurationError("The origin is no address of a page: give it as https://host[:port], or None.")
    failure: RegistrarError
    try:
        return await asyncio.wait_for(_converse(question, origin, timeout, user_agent), timeout)
    except FAILURES as error:
        failure = failure_of(error)
    finally:
        for _ in range(3):  # turns of the loop in which an aborted connection, of TLS in a tunnel, closes its socket
            await asyncio.sleep(0)
    # Raised out here, without frames: the library's own error holds the address, and the frames hold secrets.
    try:
        raise failure.with_traceback(None)
    finally:
        del failure


FAILURES = (RegistrarError, aiohttp.ClientError, OSError, asyncio.TimeoutError)


def failure_of(error: BaseException) -> RegistrarError:
    """The words for one of `FAILURES`, without frames: they hold secrets, and the library's own error the address."""
    if isinstance(error, RegistrarError):
        return error.with_traceback(None)
    if isinstance(error, aiohttp.WSServerHandshakeError):
        advice = f"it may not like the page in origin=; else {ADVICE}" if error.status == 403 else ADVICE
        return RegistrarResponseError(
            f"The registrar's address answers HTTP {error.status} instead of a WebSocket: {advice}."
        )
    return _no_answer(next((kind for kind, causes in _KINDS.items() if isinstance(error, causes)), "connection"))


def in_a_thread(function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the coroutine function in an event loop of its own: the caller's thread may have one that runs.

    An interrupt goes through at once, and cancels the coroutine. Nothing can end the look-up of a host's name, which
    may hold the thread for longer than the caller.
    """
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    answer = Answer[Outcome[Any]]()

    async def run() -> None:
        task = asyncio.ensure_future(function(*args, **kwargs))
        running.append((asyncio.get_running_loop(), task))
        await asyncio.wait([task])
        answer.give(Outcome(task.result))

    # Its own outcome counts where there was no event loop to be had.
    WorkerPool("siperb-registrar", 1, linger=0.0).submit(lambda: asyncio.run(run()), answer.give)
    try:
        while not answer.wait(HEARTBEAT):
            pass
    except BaseException:
        with suppress(IndexError, RuntimeError):  # not begun yet, or just over
            running[0][0].call_soon_threadsafe(running[0][1].cancel)
        raise
    return cast(T, answer.value.get())


async def _converse(question: Question, origin: str | None, timeout: float, user_agent: str) -> Registration:
    began = time.monotonic()
    async with connected(question.url, origin, timeout, user_agent) as websocket:
        conversation = question.ask(user_agent, lambda: secrets.token_hex(16))
        registration = await _hold(conversation, websocket)
        return evolve(registration, seconds=round(time.monotonic() - began, 3))


async def _hold(conversation: Conversation, websocket: aiohttp.ClientWebSocketResponse) -> Registration:
    to_send = next(conversation)
    turn_began = time.monotonic()
    try:
        while True:
            if to_send is not None:
                await websocket.send_str(to_send)
                to_send = None  # it holds secrets, and a cancelled call leaves this frame in its traceback
            message = await websocket.receive()
            if time.monotonic() - turn_began > TURN:  # a message that has come already is received without a wait
                await asyncio.sleep(0)  # the deadline ends it here
                turn_began = time.monotonic()
            if message.type is aiohttp.WSMsgType.PING:
                await websocket.pong(message.data)
            to_send = conversation.send(content_of(message))
    except StopIteration as stop:
        registration: Registration = stop.value
        return registration


@asynccontextmanager
async def connected(
    url: str, origin: str | None, timeout: float, user_agent: str
) -> AsyncGenerator[aiohttp.ClientWebSocketResponse, None]:
    """Open a WebSocket for SIP, and hang up at the end: politely, or at once after a failure."""
    http_url = url.replace("ws", "http", 1)
    found = environment_proxy(http_url)
    proxy, login = without_credentials(found) if found else (None, None)
    # Two timeouts that end together cancel once under Python 3.10.
    connect_timeout = CONNECT_TIMEOUT if timeout > CONNECT_TIMEOUT else None
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
        trace_configs=[_no_redirects()],
    ) as session:
        websocket: Any = await session.ws_connect(
            URL(url, encoded=True),
            protocols=("sip",),
            origin=origin,
            headers={"User-Agent": user_agent},
            proxy=proxy,
            proxy_headers=login,
            ssl=tls_context() if http_url.startswith("https:") else True,
            autoping=False,  # it would answer any number of pings without a turn for the event loop
            max_msg_size=MAX_MESSAGE,
            timeout=cast(Any, aiohttp.ClientWSTimeout)(ws_close=GOODBYE),
        )
        connection = websocket._response.connection
        transport = connection.transport if connection else None  # which the connection forgets when it is closed
        try:
            if websocket.protocol != "sip":
                raise RegistrarResponseError(
                    f"The registrar's address takes WebSockets, but does not speak SIP: {ADVICE}."
                )
            yield websocket
            await websocket.close()
        finally:
            if transport:
                transport.abort()  # TLS would wait half a minute for the other side's goodbye
            await websocket.close()


def content_of(message: aiohttp.WSMessage) -> bytes:
    match message.type:
        case aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        case aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        case aiohttp.WSMsgType.PING | aiohttp.WSMsgType.PONG:
            return b""
        case aiohttp.WSMsgType.ERROR:
            if getattr(message.data, "code", None) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                raise too_large()
            raise RegistrarResponseError(f"The registrar breaks the rules of WebSockets: {ADVICE}.")
        case _:
            raise RegistrarConnectionError(f"The registrar closed the connection before it answered: {ADVICE}.")


def _no_redirects() -> aiohttp.TraceConfig:
    """`ws_connect` follows redirects, to any host, and has no argument against it."""

    async def refuse(*_: object) -> NoReturn:
        raise RegistrarResponseError(f"The registrar's address answers a redirect, which is not followed: {ADVICE}.")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _no_answer(kind: str) -> RegistrarConnectionError:
    error = RegistrarTimeoutError if kind == "timeout" else RegistrarConnectionError
    return error(f"The registrar gave no answer: {_NO_ANSWER[kind]}.")


_KINDS: dict[str, tuple[type[Exception], ...]] = {
    "timeout": (asyncio.TimeoutError,),
    "tls": (aiohttp.ClientSSLError, ssl.SSLError),
    "dns": (aiohttp.ClientConnectorDNSError,),
    "proxy": (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),
}
_NO_ANSWER = {
    "connection": f"the connection failed or broke off; check the network and the firewall, and {ADVICE}",
    "dns": "its host has no address; check DNS, and SipWssServer in the device's settings at Siperb",
    "proxy": "the proxy failed; check HTTPS_PROXY and NO_PROXY",
    "timeout": "the time was up; check that it runs and no firewall is in the way, or raise the timeout",
    "tls": "its certificate was not accepted; name your CA bundle in REQUESTS_CA_BUNDLE, and check the clock",
}
