"""`aiohttp` made safe: one deadline, a size cap, no redirect, no netrc, no cookies."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from functools import cache, lru_cache
from io import BytesIO
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from siperb.core.wire import ANSWERS, MAX_REASON, Request, Response, request_id
from siperb.errors import ConfigurationError, SiperbError
from siperb.facade.body import Body
from siperb.facade.network import (
    CONNECT_TIMEOUT,
    REASON_TIMEOUT,
    Kinds,
    TooLate,
    environment_proxy,
    no_answer,
    tls_context,
    without_credentials,
)
from siperb.facade.runtime import causes, signal_handlers_own

LONGEST_LINE = 65536  # bytes of a header, as in http.client


class Transport:
    """Sends requests, within one event loop, through a session of its own or through the user's."""

    def __init__(self, http_session: aiohttp.ClientSession | None = None) -> None:
        self._session = http_session
        self._own_options = cache(_own_options)
        self._own: AsyncGenerator[aiohttp.ClientSession, None] | None = None

    async def send(self, base_url: str, request: Request, headers: Mapping[str, str], deadline: float) -> Response:
        """The answer; `APIConnectionError` without one, `APIResponseError` for a body that is too large or unreadable.

        deadline: by `time.monotonic`.
        """
        handled = sys.exc_info()[1]
        while True:
            try:
                return await self._exchange(base_url, request, headers, deadline)
            except _NETWORK as error:
                if isinstance(error, _StaleConnection) and request.repeatable:
                    continue
                errors = list(causes(error, handled))
            # Outside of the block above: the library's own error holds the URL, which is a secret.
            was_sent = not isinstance(errors[0], _NEVER_SENT)
            raise signal_handlers_own(errors) or no_answer(
                request, base_url, deadline, errors, _KINDS, was_sent=was_sent
            )

    async def _exchange(self, base_url: str, request: Request, headers: Mapping[str, str], deadline: float) -> Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TooLate
        if self._session is None or (self._own and self._session.closed):
            self._own = _own_session()
            self._session = await anext(self._own)
        options: Mapping[str, Any] = {}
        if self._own:
            options, login = self._own_options(base_url)
            headers = {**headers, **login} if login else headers
        else:
            _check(self._session)  # each time, as it may have been closed meanwhile
        scheme, _, rest = base_url.partition("://")
        authority, _, base_path = rest.partition("/")
        path, _, query = f"{base_path and '/'}{base_path}{request.path}".partition("?")
        async with await self._session.request(  # without `await`, a coroutine more for as long as it takes
            request.method,
            URL.build(scheme=scheme, authority=authority, path=path, query_string=query, encoded=True),
            headers=headers,
            data=BytesIO(request.body) if len(request.body) > 2**20 else request.body or None,  # it warns of long bytes
            timeout=_timeout(left // 0.125 * 0.125 if left > CONNECT_TIMEOUT else left),
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            **options,
        ) as answer:
            status, encoding = answer.status, answer.headers.get("Content-Encoding")
            said = {name.lower(): value for name, value in answer.headers.items()}
            if len(said) < len(answer.headers):
                said = {name: ", ".join(answer.headers.getall(name)) for name in said}
            if status in ANSWERS:
                return Response(status, await _read(answer, Body(request, encoding, request_id=request_id(said))), said)
            body = b""
            if status >= 400:
                body = await _read_reason(answer, Body(request, encoding, MAX_REASON))
            else:
                _hang_up(answer.connection)
            return Response(status, body, said)

    async def close(self) -> None:
        """Close the session, unless it is the user's."""
        own, self._own = self._own, None
        if own:
            await own.aclose()


def _own_options(base_url: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Those of a request in a session of our own, and headers beside its own: looked up in environment and system."""
    is_tls = base_url.startswith("https:")
    options: dict[str, Any] = {"ssl": tls_context()} if is_tls else {}
    login: dict[str, str] = {}
    if proxy := environment_proxy(base_url):
        options["proxy"], login = without_credentials(proxy)
        if is_tls:
            options["proxy_headers"], login = login, {}
    return options, login


@lru_cache
def _timeout(total: float) -> aiohttp.ClientTimeout:
    """Long ones are in steps, so that calls share them: the library itself rounds those up to a second."""
    # Two timeouts that end together cancel once under Python 3.10, and the next address has the time anew.
    return aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_TIMEOUT if total > CONNECT_TIMEOUT else None)


def _check(session: object) -> None:
    """Refuse what no argument of a single request can undo."""
    if not isinstance(session, aiohttp.ClientSession):
        raise ConfigurationError(f"The http_session must be an aiohttp.ClientSession, not {type(session).__name__}.")
    if session.closed:
        raise ConfigurationError("The http_session is closed: pass an open one.")
    if getattr(session, "_loop", loop := asyncio.get_running_loop()) is not loop:
        raise ConfigurationError("The http_session belongs to another event loop: pass one that was made in this one.")
    if session.trust_env:
        raise ConfigurationError(
            "The http_session has trust_env=True, with which aiohttp reads ~/.netrc: pass one without it."
        )
    if getattr(session, "auth", None) is not None:  # gone with aiohttp 4
        raise ConfigurationError(
            "The http_session has auth=, which aiohttp does not allow beside the Bearer token: pass one without it."
        )


async def _own_session() -> AsyncGenerator[aiohttp.ClientSession, None]:
    """A generator, as an event loop that ends closes first what generators hold open."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=_ClientResponse,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
    ) as session:
        session.trace_configs.clear()  # trackers that have patched aiohttp write down each URL, device token included
        yield session


class _StaleConnection(aiohttp.ClientConnectionError):
    """The server has closed a connection that had served before: the request goes over another one."""


class _ClientResponse(aiohttp.ClientResponse):
    """Left alone, aiohttp repeats a GET, but no POST, and over new connections too, past `max_retries`."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        try:
            answer = await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            has_served = protocol in _have_served
        except BaseException:
            _hang_up(connection)
            raise
        else:
            _have_served.add(protocol)
            return answer
        raise _StaleConnection if has_served else _Disconnected


_have_served: WeakSet[Any] = WeakSet()  # protocols, of which a connection has one


class _Disconnected(aiohttp.ClientConnectionError):
    """The server has closed a new connection."""


async def _read_reason(answer: aiohttp.ClientResponse, body: Body) -> bytes:
    """The body of a failure; nothing when it is long, late or broken, as the status says enough."""
    late = asyncio.get_running_loop().call_later(REASON_TIMEOUT, _hang_up, answer.connection)
    try:
        return await _read(answer, body)
    except (SiperbError, aiohttp.ClientError, asyncio.TimeoutError):
        return b""
    finally:
        late.cancel()


async def _read(answer: aiohttp.ClientResponse, body: Body) -> bytes:
    try:
        if answer.content.is_eof():
            body.take(await answer.read())  # all here, as most are, or read by a trace of the user's session
        else:
            async for chunk in answer.content.iter_any():
                body.take(chunk)
    except BaseException:
        _hang_up(answer.connection)
        raise
    return body.whole()


def _hang_up(connection: Any) -> None:
    """At once: TLS would wait half a minute for the peer's goodbye, longer than the event loop may last."""
    if connection and connection.transport:
        connection.transport.abort()


_NETWORK = (aiohttp.ClientError, OSError, asyncio.TimeoutError, HttpProcessingError, UnicodeError)
_KINDS: dict[str, Kinds] = {
    "timeout": (asyncio.TimeoutError, TimeoutError),
    "proxy": (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),
}

_NEVER_SENT = (
    TooLate,
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerTimeoutError,  # to connect: no other is set
)
