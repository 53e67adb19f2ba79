"""Asks a SIP registrar over a WebSocket, with `aiohttp` on both facades: `siperb.sip.register` says what is asked."""

from __future__ import annotations

import asyncio
import queue
import secrets
import ssl
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

import aiohttp
from attrs import evolve
from yarl import URL

from siperb.client.network import CONNECT_TIMEOUT, environment_proxy, tls_context, without_credentials
from siperb.errors import RegistrarConnectionError, RegistrarError, RegistrarResponseError, RegistrarTimeoutError
from siperb.models import Provisioning, Session
from siperb.sip.message import ADVICE, MAX_MESSAGE, too_large
from siperb.sip.register import Question
from siperb.sip.registration import Registration
from siperb.threads import Outcome, WorkerPool

P = ParamSpec("P")
T = TypeVar("T")

HEARTBEAT = 0.5  # seconds; on Windows a wait without an end hears no signal
GOODBYE = 0.1  # seconds, for the registrar to close its side of the WebSocket


async def ask(
    provisioning: Provisioning, session: Session | None, *, insecure: bool, timeout: float, user_agent: str
) -> Registration:
    """What the registrar says; `RegistrarError` where it says nothing that can be understood.

    timeout: seconds for all of it.

    Raises `IncompleteProvisioningError` and `ConfigurationError` before anything is sent.
    """
    question = Question.of(provisioning, session, insecure=insecure)
    failure: RegistrarError
    try:
        return await asyncio.wait_for(_converse(question, timeout, user_agent), timeout)
    except RegistrarError as error:
        failure = error
    except aiohttp.WSServerHandshakeError as error:
        failure = RegistrarResponseError(
            f"The registrar's address answers HTTP {error.status} instead of a WebSocket: {ADVICE}."
        )
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        failure = _no_answer(next((kind for kind, causes in _KINDS.items() if isinstance(error, causes)), "connection"))
    finally:
        for _ in range(3):  # turns of the loop in which an aborted connection, of TLS in a tunnel, closes its socket
            await asyncio.sleep(0)
    # Raised out here: the library's own error holds the address, which may be a secret.
    raise failure


def in_a_thread(function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the coroutine function returns, in an event loop of its own: the caller's thread may have one that runs.

    An interrupt goes through at once, and ends the coroutine. Looking up a host's name, which nothing can end, may
    hold the thread longer than the caller.
    """
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    answers: queue.SimpleQueue[Outcome[Any]] = queue.SimpleQueue()

    async def run() -> None:
        task = asyncio.ensure_future(function(*args, **kwargs))
        running.append((asyncio.get_running_loop(), task))
        await asyncio.wait([task])
        answers.put(Outcome(task.result))

    # Its own outcome counts where there was no event loop to be had.
    WorkerPool("siperb-registrar", 1, linger=0.0).submit(lambda: asyncio.run(run()), answers.put)
    outcome: Outcome[T] | None = None
    try:
        while outcome is None:
            with suppress(queue.Empty):
                outcome = answers.get(timeout=HEARTBEAT)
    except BaseException:
        with suppress(IndexError, RuntimeError):  # not begun yet, or just over
            running[0][0].call_soon_threadsafe(running[0][1].cancel)
        raise
    return outcome.get()


async def _converse(question: Question, timeout: float, user_agent: str) -> Registration:
    began = time.monotonic()
    http_url = question.url.replace("ws", "http", 1)
    found = environment_proxy(http_url)
    proxy, login = without_credentials(found) if found else (None, None)
    # Two timeouts that end together cancel once under Python 3.10.
    connect_timeout = CONNECT_TIMEOUT if timeout > CONNECT_TIMEOUT else None
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
        trace_configs=[no_redirects()],
    ) as session:
        websocket = await session.ws_connect(
            URL(question.url, encoded=True),
            protocols=("sip",),
            headers={"User-Agent": user_agent},
            proxy=proxy,
            proxy_headers=login,
            ssl=tls_context() if http_url.startswith("https:") else True,
            max_msg_size=MAX_MESSAGE,
            timeout=cast(Any, aiohttp.ClientWSTimeout)(ws_close=GOODBYE),
        )
        try:
            if websocket.protocol != "sip":
                raise RegistrarResponseError(
                    f"The registrar's address takes WebSockets, but does not speak SIP: {ADVICE}."
                )
            conversation = question.ask(user_agent, _token)
            to_send = next(conversation)
            while True:
                if to_send is not None:
                    await websocket.send_str(to_send)
                to_send = conversation.send(_content(await websocket.receive()))
        except StopIteration as stop:
            registration: Registration = evolve(stop.value, seconds=round(time.monotonic() - began, 3))
            return registration
        finally:
            connection = cast(Any, websocket)._response.connection
            transport = connection.transport if connection else None  # which the connection forgets when it is closed
            await websocket.close()
            if transport:
                transport.abort()  # TLS would wait half a minute for the other side's goodbye


def _content(message: Any) -> bytes:
    match message.type:
        case aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        case aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        case aiohttp.WSMsgType.ERROR:
            if getattr(message.data, "code", None) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                raise too_large()
            raise RegistrarResponseError(f"The registrar breaks the rules of WebSockets: {ADVICE}.")
        case _:
            raise RegistrarConnectionError(f"The registrar closed the connection before it answered: {ADVICE}.")


def no_redirects() -> aiohttp.TraceConfig:
    """`ws_connect` follows redirects, to any host, and has no argument against it."""

    async def refuse(*_: object) -> NoReturn:
        raise RegistrarResponseError(f"The registrar's address answers a redirect, which is not followed: {ADVICE}.")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _token() -> str:
    return secrets.token_hex(16)


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
