"""`aiohttp` made safe: one deadline, a size limit, no redirect, no netrc, no cookies."""

from __future__ import annotations

import asyncio
import select
import sys
import time
from collections.abc import AsyncGenerator
from functools import lru_cache
from io import BytesIO
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from siperb.client.body import Body
from siperb.client.network import (
    CONNECT_TIMEOUT,
    REASON_TIMEOUT,
    Kinds,
    TooLate,
    causes,
    environment_proxy,
    no_answer,
    tls_context,
    without_credentials,
)
from siperb.core.wire import ANSWERS, MAX_REASON, Request, Response, request_id
from siperb.errors import ConfigurationError, SiperbError

LONGEST_LINE, MOST_HEADERS = 65536, 99  # bytes of a header, and headers, as in http.client


class Transport:
    """Sends requests, within one event loop, through a session of its own or through the user's."""

    def __init__(self, http_session: aiohttp.ClientSession | None, user_agent: str) -> None:
        self._session = http_session
        self._own: AsyncGenerator[aiohttp.ClientSession, None] | None = None
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._addresses: dict[str, tuple[str, str, str, dict[str, str], dict[str, Any]]] = {}

    async def send(self, request: Request, base_url: str, deadline: float) -> Response:
        """The answer; `APIConnectionError` without one, `APIResponseError` for a body that is too large or unreadable.

        deadline: by `time.monotonic`.
        """
        handled = sys.exc_info()[1]
        try:
            return await self._exchange(request, base_url, deadline)
        except _NETWORK as error:
            was_sent = not isinstance(error, _NEVER_SENT)
            failure = no_answer(request, base_url, deadline, causes(error, handled), _KINDS, was_sent=was_sent)
        # Outside of the block above: the library's own error holds the URL, which is a secret, and its connection.
        raise failure

    async def _exchange(self, request: Request, base_url: str, deadline: float) -> Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TooLate
        if self._session is None or (self._own and self._session.closed):
            self._own = _own_session()
            self._session = await anext(self._own)
        elif not self._own:
            _check(self._session)  # each time, as it may have been closed meanwhile
        scheme, authority, base_path, headers, options = self._addresses.get(base_url) or self._address(base_url)
        path, _, query = request.path.partition("?")
        async with await self._session.request(  # without `await`, a coroutine more for as long as it takes
            request.method,
            URL.build(scheme=scheme, authority=authority, path=base_path + path, query_string=query, encoded=True),
            headers={**headers, **request.headers},
            data=BytesIO(request.body) if len(request.body) > 2**20 else request.body or None,  # it warns of long bytes
            timeout=_timeout(left // 0.125 * 0.125 if left > CONNECT_TIMEOUT else left),
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            **options,
        ) as answer:
            if answer.status in ANSWERS:
                return Response(answer.status, await _read(answer, request, request.limit), answer.headers)
            body = b""
            if answer.status >= 400:
                body = await _read_reason(answer, request)
            else:
                _hang_up(answer.connection)
            said = {name.lower(): ", ".join(answer.headers.getall(name)) for name in answer.headers}
            return Response(answer.status, body, said)

    def _address(self, base_url: str) -> tuple[str, str, str, dict[str, str], dict[str, Any]]:
        """Parts of the address, headers, and the options of a session of our own: looked up in the environment once."""
        scheme, _, rest = base_url.partition("://")
        authority, slash, path = rest.partition("/")
        headers, options = self._headers, dict[str, Any]()
        if self._own:
            if scheme == "https":
                options["ssl"] = tls_context()
            if proxy := environment_proxy(base_url):
                options["proxy"], login = without_credentials(proxy)
                if scheme == "https":
                    options["proxy_headers"] = login
                else:
                    headers = headers | login
        return self._addresses.setdefault(base_url, (scheme, authority, slash + path, headers, options))

    async def close(self) -> None:
        """Close the session, unless it is the user's."""
        own, self._own = self._own, None
        if own:
            await own.aclose()


@lru_cache
def _timeout(total: float) -> aiohttp.ClientTimeout:
    """Long ones are in steps, so that calls share them: the library itself rounds those up to a second."""
    # Two timeouts that end together cancel once under Python 3.10.
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
        connector=_Connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=_ClientResponse,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
        max_headers=MOST_HEADERS,
    ) as session:
        session.trace_configs.clear()  # trackers that have patched aiohttp write down each URL, device token included
        yield session


class _Connector(aiohttp.TCPConnector):
    async def _get(self, key: Any, traces: Any) -> Any:
        """A kept connection on which nothing has come: it would be taken for the answer to the next request."""
        while (kept := await super()._get(key, traces)) and _has_unread_data(kept):
            kept.close()
        return kept


def _has_unread_data(connection: Any) -> bool:
    """Whether aiohttp, or the system, holds data of this connection, or its end."""
    socket = connection.transport.get_extra_info("socket")
    if connection.protocol.should_close or socket is None or not hasattr(select, "poll"):  # as on Windows
        return bool(connection.protocol.should_close)
    readable = select.poll()
    readable.register(socket, select.POLLIN)
    return bool(readable.poll(0))


class _ClientResponse(aiohttp.ClientResponse):
    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        try:
            return await super().start(connection)
        except BaseException:
            _hang_up(connection)
            raise


async def _read_reason(answer: aiohttp.ClientResponse, request: Request) -> bytes:
    """The body of a failure; nothing when it is long, late or broken, as the status says enough."""
    late = asyncio.get_running_loop().call_later(REASON_TIMEOUT, _hang_up, answer.connection)
    try:
        return await _read(answer, request, MAX_REASON)
    except (SiperbError, aiohttp.ClientError, asyncio.TimeoutError):
        return b""
    finally:
        late.cancel()


async def _read(answer: aiohttp.ClientResponse, request: Request, limit: int) -> bytes:
    encoding = answer.headers.get("Content-Encoding")
    if encoding is None and answer.content.is_eof():  # all here, as most are, or read by a trace of the user's session
        body = await answer.read()
        if len(body) <= limit:
            return body
    whole = Body(request, encoding, limit, request_id(answer.headers))
    try:
        if answer.content.is_eof():
            whole.take(await answer.read())
        else:
            async for chunk in answer.content.iter_any():
                whole.take(chunk)
    except BaseException:
        _hang_up(answer.connection)
        raise
    return whole.whole()


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
