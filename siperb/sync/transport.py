"""`requests` made safe: one deadline over headers and body, a size cap, no redirect, no netrc, no cookies, no logs."""

from __future__ import annotations

import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
import requests.auth
import urllib3.exceptions
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from siperb.core.wire import ANSWERS, MAX_BODY, MAX_REASON, Request, Response, request_id
from siperb.errors import ConfigurationError, SiperbError
from siperb.facade.body import Body
from siperb.facade.network import (
    CONNECT_TIMEOUT,
    REASON_TIMEOUT,
    Kinds,
    TooLate,
    ca_bundle,
    environment_proxy,
    no_answer,
    tls_context,
    without_credentials,
)
from siperb.facade.runtime import causes, original, signal_handlers_own
from siperb.sync.connection import POOLS, Call, call_under_way, time_left

if TYPE_CHECKING:
    from requests import Session
    from requests.adapters import HTTPAdapter
else:  # requests-cache puts a session in its place that writes each answer to a file
    Session = original(requests.Session, "requests.sessions")
    HTTPAdapter = original(requests.adapters.HTTPAdapter, "requests.adapters")

CHUNK = 65536  # bytes


class Transport:
    """Sends requests through a session of each thread's own, or through the user's."""

    def __init__(self, http_session: requests.Session | None = None) -> None:
        if http_session is not None:
            _check(http_session)
        self._given = http_session
        self.renew_after_fork()

    def renew_after_fork(self) -> None:
        """Leave the connections to the parent process."""
        self._local = threading.local()
        self._sessions: WeakSet[requests.Session] = WeakSet()
        self._proxy = cache(environment_proxy)  # a look at all of the environment, or at the system's settings

    def send(self, base_url: str, request: Request, headers: Mapping[str, str], deadline: float) -> Response:
        """The answer; `APIConnectionError` without one, `APIResponseError` for a body that is too large or unreadable.

        deadline: by `time.monotonic`. Looking up the host's name may outlast it. With a session of the user's it is
        looked at between the pieces of the body alone: headers that drip are then out of reach (so is the body with
        urllib3 1.26), and `urllib3` logs the path, device token included, when its logger is set to DEBUG.
        """
        handled = sys.exc_info()[1]
        while True:
            call = Call(base_url, request, deadline)
            reset = call_under_way.set(call)
            try:
                return self._exchange(call, headers)
            except _NETWORK as error:
                errors = list(causes(error, handled))
                interrupt = signal_handlers_own(errors)
                may_repeat = request.repeatable and call.may_be_stale and not interrupt
                if may_repeat and not isinstance(error, _KINDS["timeout"]):
                    continue
                was_sent = call.was_sent and not _was_refused(error)
            finally:
                call_under_way.reset(reset)
            # Outside of the block above: the library's own error holds the URL, which is a secret.
            if base_url.startswith("https:") and not interrupt:
                with suppress(OSError):
                    tls_context()  # says what is wrong with a bundle: requests takes it for a failure of the server's
            raise interrupt or no_answer(request, base_url, deadline, errors, _KINDS, was_sent=was_sent)

    def _exchange(self, call: Call, headers: Mapping[str, str]) -> Response:
        if time.monotonic() >= call.deadline:
            raise TooLate
        left = time_left(call.deadline)
        session = self._session()
        is_own = isinstance(session, _OwnSession)
        options: dict[str, Any] = {}
        call.was_sent = not is_own  # what becomes of it in a session of the user's nobody says
        if is_own:
            proxy = self._proxy(call.base_url)
            options = {"verify": ca_bundle()[0], "proxies": {"http": proxy, "https": proxy} if proxy else {}}
        elif call.base_url.startswith("http://"):  # to loopback, in the clear: nothing for the environment's proxy
            options = {"proxies": {"no_proxy": urlsplit(call.base_url).hostname}}
        try:
            answer = session.request(
                call.request.method,
                call.base_url + call.request.path,
                headers=headers,
                data=call.request.body or None,
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
            status, said = answer.status_code, {name.lower(): value for name, value in answer.headers.items()}
            body = _read(call, answer, is_own=is_own) if status in ANSWERS else b""
            if status >= 400:
                body = _read_reason(call, answer, is_own=is_own)
            return Response(status, body, said)

    def _session(self) -> requests.Session:
        if self._given is not None:
            return getattr(self._local, "session", self._given)
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _OwnSession()
            self._sessions.add(session)
        return session

    def isolate(self) -> None:
        """Give this thread a session beside the user's: a `requests.Session` is for one thread."""
        given = self._given
        if given is not None and not hasattr(self._local, "session"):
            copy = object.__new__(type(given))  # of its own class; `copy.copy` would keep what a pickle keeps alone
            vars(copy).update(vars(given), close=lambda: None)  # its connections are the user's
            self._local.session = copy

    def close(self) -> None:
        """Close the sessions of all threads, except the user's."""
        for session in list(self._sessions):
            session.close()
        self.renew_after_fork()


def _check(session: object) -> None:
    if not isinstance(session, Session):
        raise ConfigurationError(f"The http_session must be a requests.Session, not {type(session).__name__}.")


def _read_reason(call: Call, answer: requests.Response, *, is_own: bool) -> bytes:
    """The body of a failure; nothing when it is long, late or broken, as the status says enough."""
    call.deadline = min(call.deadline, time.monotonic() + REASON_TIMEOUT)
    try:
        return _read(call, answer, is_own=is_own, limit=MAX_REASON)
    except (SiperbError, requests.RequestException, HTTPError, TooLate):
        return b""


def _read(call: Call, answer: requests.Response, *, is_own: bool, limit: int = MAX_BODY) -> bytes:
    """The body, decoded by us; unless a hook of the user's has read it, or an adapter of theirs has made it."""
    raw: Any = answer.raw
    chunks: Iterator[bytes] = answer.iter_content(CHUNK)
    encoding = None
    if type(raw) is HTTPResponse and not cast(Any, answer)._content_consumed:
        encoding = raw.headers.pop("Content-Encoding", None)
        raw.enforce_content_length = True  # left alone, urllib3 1.26 takes a body cut short for a whole one
        if not is_own and hasattr(raw, "read1"):  # `iter_content` would wait for a whole chunk
            chunks = iter(lambda: raw.read1(CHUNK, decode_content=False) or b"", b"")
    body = Body(call.request, encoding, limit, request_id(answer.headers))
    for chunk in chunks:
        body.take(chunk)
        if time.monotonic() > call.deadline:
            raise TooLate
    return body.whole()


_NETWORK = (OSError, HTTPException, HTTPError, zlib.error, UnicodeError)  # of requests too, whose are all OSErrors
_KINDS: dict[str, Kinds] = {
    "timeout": (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError),
    "proxy": (requests.exceptions.ProxyError,),
}


def _was_refused(error: BaseException) -> bool:
    """Whether no connection came about; requests says "ConnectionError" to one that broke off, too."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError))


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from putting the Basic credentials of a netrc in the place of the Bearer token.

    And from reading the body of a redirect, whatever its size, which it does even where it follows none.
    """

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        cast(Any, r).register_hook("response", _forget_location)
        return r


def _forget_location(answer: requests.Response, **_: object) -> None:
    answer.headers.pop("Location", None)


class _OwnSession(Session):
    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # proxies and certificates are looked up by us
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", _Adapter())
        self.mount("http://", _Adapter())


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return without_credentials(proxy)[1]
