"""`requests` made safe: one deadline for headers and body, a size limit, no redirect, netrc, cookie or log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import requests.auth
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError
from urllib3.response import HTTPResponse

from siperb.client.body import Body
from siperb.client.network import (
    CONNECT_TIMEOUT,
    REASON_TIMEOUT,
    Kinds,
    TooLate,
    ca_bundle,
    causes,
    environment_proxy,
    no_answer,
    tls_context,
    without_credentials,
)
from siperb.core.wire import ANSWERS, MAX_REASON, Request, Response, request_id
from siperb.errors import ConfigurationError, SiperbError
from siperb.sync.connection import POOLS, Exchange, original, under_way

CHUNK = 65536  # bytes
MOST_CONNECTIONS = 1000  # that are kept

_Session = original(requests.Session, "requests.sessions")  # that of requests-cache writes each answer to a file


class Transport:
    """Sends requests through one session, its own or the user's, which all threads share."""

    def __init__(self, http_session: requests.Session | None, user_agent: str) -> None:
        if http_session is not None and not isinstance(cast(object, http_session), _Session):
            raise ConfigurationError(f"The http_session must be a requests.Session, not {type(http_session).__name__}.")
        self._given = http_session
        self._own: dict[str, requests.Session] = {}
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}

    def send(self, request: Request, base_url: str, deadline: float) -> Response:
        """The answer; `APIConnectionError` without one, `APIResponseError` for a body that is too large or unreadable.

        deadline: by `time.monotonic`. Looking up the host's name may outlast it. With a session of the user's the
        deadline is looked at between the pieces of the body alone, and `urllib3` logs each path at DEBUG.
        """
        handled, exchange = sys.exc_info()[1], Exchange(base_url, request, deadline)
        reset = under_way.set(exchange)
        try:
            return self._exchange(exchange)
        except _NETWORK as error:
            was_sent = exchange.was_sent and not _was_refused(error)
            failure = no_answer(request, base_url, deadline, causes(error, handled), _KINDS, was_sent=was_sent)
        finally:
            under_way.reset(reset)
        # Outside of the block above: the library's own error holds the URL, which is a secret, and its connection.
        if base_url.startswith("https:"):
            tls_context()  # says what is wrong with a bundle: requests takes it for a failure of the server's
        raise failure

    def _exchange(self, exchange: Exchange) -> Response:
        request, base_url = exchange.request, exchange.base_url
        left = exchange.deadline - time.monotonic()
        if left <= 0:
            raise TooLate
        options: dict[str, Any] = {}
        session = self._given
        if session is None:
            session = self._own.get(base_url) or self._own.setdefault(base_url, _own_session(base_url))
        else:
            exchange.was_sent = True  # nobody says what becomes of it there
            if base_url.startswith("http://"):  # to loopback, in the clear: nothing for the environment's proxy
                options = {"proxies": {"no_proxy": urlsplit(base_url).hostname}}
        try:
            answer = session.request(
                request.method,
                base_url + request.path,
                headers={**self._headers, **request.headers},
                data=request.body or None,
                auth=_NoAuth(),
                timeout=(min(CONNECT_TIMEOUT, left), left),
                allow_redirects=False,
                stream=True,
                **options,
            )
        except requests.HTTPError as error:  # a hook of the user's session raises for the status
            if error.response is None:
                raise
            answer = error.response
        with answer:
            status, headers = answer.status_code, cast("Mapping[str, str]", answer.headers)
            if status in ANSWERS:
                return Response(status, _read(answer, exchange, request.limit), headers)
            return Response(status, _read_reason(answer, exchange) if status >= 400 else b"", headers)

    def close(self) -> None:
        """Close the sessions, unless they are the user's."""
        for session in [*self._own.values()]:
            session.close()


def _own_session(base_url: str) -> requests.Session:
    """Proxies and certificates are looked up in environment and system once, by the rules of requests."""
    session: requests.Session = _Session()
    session.trust_env = False
    session.verify = ca_bundle()[0]
    if proxy := environment_proxy(base_url):
        session.proxies = {"http": proxy, "https": proxy}
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in "https://", "http://":
        session.mount(scheme, _Adapter(pool_maxsize=MOST_CONNECTIONS))
    return session


def _read_reason(answer: requests.Response, exchange: Exchange) -> bytes:
    """The body of a failure; nothing when it is long, late or broken, as the status says enough."""
    exchange.deadline = min(exchange.deadline, time.monotonic() + REASON_TIMEOUT)
    try:
        return _read(answer, exchange, MAX_REASON)
    except (SiperbError, *_NETWORK):
        return b""


def _read(answer: requests.Response, exchange: Exchange, limit: int) -> bytes:
    """The body, decoded by us; unless a hook of the user's has read it, or an adapter of theirs has made it."""
    raw, encoding = answer.raw, None
    chunks: Iterator[bytes] = answer.iter_content(CHUNK)
    if isinstance(raw, HTTPResponse) and not cast(Any, answer)._content_consumed:
        encoding = raw.headers.pop("Content-Encoding", None)
        chunks = iter(lambda: raw.read1(CHUNK, decode_content=False) or b"", b"")
    body = Body(exchange.request, encoding, limit, request_id(answer.headers))
    for chunk in chunks:
        body.take(chunk)
        if time.monotonic() > exchange.deadline:
            raise TooLate
    return body.whole()


_NETWORK = (OSError, HTTPException, HTTPError, UnicodeError)  # of requests too, whose are all OSErrors
_KINDS: dict[str, Kinds] = {
    "timeout": (requests.Timeout, TimeoutError, Urllib3TimeoutError),
    "proxy": (requests.exceptions.ProxyError,),
}


def _was_refused(error: BaseException) -> bool:
    """Whether no connection came about; requests says "ConnectionError" to one that broke off, too."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from reading a netrc, and from reading the body of a redirect, whatever its size."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        cast(Any, r).register_hook("response", _forget_location)
        return r


def _forget_location(answer: requests.Response, **_: object) -> None:
    answer.headers.pop("Location", None)


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return without_credentials(proxy)[1]  # in UTF-8, where requests has Latin-1
