"""The steps of a call: log in, send, try again, follow the pages. Written once, as coroutines without a library."""

from __future__ import annotations

import logging
import re
import time
from copy import copy
from typing import Any, TypeVar
from urllib.parse import quote

from siperb.client.caching import Caching, random_number, session_key, understood
from siperb.client.ports import Account, Call
from siperb.core import operations
from siperb.core.operations import Operation
from siperb.core.status import raise_for_status
from siperb.core.wire import ANSWERS, MAX_BODY, Request, Response, parse_login, request_id
from siperb.errors import (
    APIError,
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    NotFoundError,
    SiperbError,
)
from siperb.models import Session

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")

RETRY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each retry; the last holds for all that follow
LONGEST_RETRY_AFTER = 60.0  # seconds
SESSION_LIFETIME = 24 * 86400.0  # seconds; the server's own limit is 25 days
PAT_REFUSED = 1.0  # seconds in which no call tries a refused PAT by itself
MAX_PAGES = 500


class Steps(Caching):
    """A client's way to an answer of the API."""

    _max_retries: int
    _domain_user: str | None

    async def _answer(self, call: Call, operation: Operation[T]) -> tuple[Response, T]:
        """Return the answer, all pages of it, and its meaning. A session that is refused is renewed once."""
        response = await self._page(call, operation)
        if operation.is_list and response.headers.get("x-next-token"):
            response = await self._all_pages(call, operation, response)
        return response, operation.read(response)

    async def _page(self, call: Call, operation: Operation[Any], query: str = "") -> Response:
        account = call.account
        if account.failure:
            self._refuse(call)
        session = account.session or await self._session(call, None)
        try:
            return await self._attempt(call, operation.request(session, self._domain_user, query))
        except AuthenticationError:
            if account.is_given:
                raise
        session = await self._session(call, session.session_token)
        try:
            return await self._attempt(call, operation.request(session, self._domain_user, query))
        except AuthenticationError as error:
            _note(account, error)
            raise

    async def _all_pages(self, call: Call, operation: Operation[Any], response: Response) -> Response:
        """Follow ``X-Next-Token`` to the last page: the query ``nextToken`` gets the next one.

        Seen by people who use the API; no document names it.
        """
        pages, size, seen = [_items(operation, response)], len(response.body), {""}
        while (token := response.headers.get("x-next-token", "").strip()) not in seen:
            if len(pages) == MAX_PAGES:
                raise _unusable(operation, response, f"more than {MAX_PAGES} pages")
            if not re.fullmatch(r"[\x20-\x7e]{1,4096}", token):
                raise _unusable(operation, response, "an X-Next-Token that cannot be sent back")
            seen.add(token)
            query = f"{'&' if '?' in operation.path else '?'}nextToken={quote(token, safe='')}"
            response = await self._page(call, operation, query)
            pages.append(_items(operation, response))
            size += len(response.body)
            if size > MAX_BODY:
                raise _unusable(operation, response, f"more than {MAX_BODY // 2**20} MiB")
        return Response(200, f"[{','.join(filter(None, pages))}]".encode(), response.headers)

    async def _attempt(self, call: Call, request: Request) -> Response:
        """Send, and send again what a second try may mend. A write is repeated only when it was certainly not done."""
        retries, was_sent = 0, False
        while True:
            if call.run:
                await self._hold_back(call)
            try:
                response = await self._send(request, call.account.origin, call.deadline)
                if response.status not in ANSWERS:
                    raise_for_status(request, response, now=time.time())
                return response
            except APIError as error:
                if was_sent and request.method == "DELETE" and isinstance(error, NotFoundError):
                    return Response(204)  # gone, by the try whose answer was lost
                was_sent = was_sent or _may_be_done(error)
                error.maybe_done = was_sent and not request.repeatable
                asked = error.retry_after if isinstance(error, APIStatusError) else None
                if call.run and asked is not None:
                    call.run.hold_back(min(asked, LONGEST_RETRY_AFTER))
                delay = None if error.maybe_done else self._delay(error, retries)
                error.is_for_lack_of_time = (delay or 0.0) >= call.left
                if delay is None or error.is_for_lack_of_time:
                    raise
                logger.info("Trying again in %.1f s: %s", delay, error)
            retries += 1
            await self._sleep(delay)

    async def _hold_back(self, call: Call) -> None:
        assert call.run
        while True:
            call.run.check()
            if (wait := call.run.until - time.monotonic()) <= 0:
                return
            await self._sleep(wait)

    def _delay(self, error: APIError, retries: int) -> float | None:
        """Seconds until the next try; None when there is none."""
        if retries >= self._max_retries or isinstance(error, APIResponseError):
            return None
        delay = random_number() * LONGEST_DELAYS[min(retries, len(LONGEST_DELAYS) - 1)]
        if isinstance(error, APIStatusError):
            if error.status_code not in RETRY_STATUSES:
                return None
            if error.retry_after is not None:
                delay = error.retry_after
        return delay if delay <= LONGEST_RETRY_AFTER else None

    # The login.

    async def _session(self, call: Call, stale_token: str | None, *, is_explicit: bool = False) -> Session:
        """Return a session other than the one of `stale_token`: one login for all who need one at the same time."""
        account, asked_at = call.account, time.monotonic()
        async with self._alone(call):
            if session := _ready(call, stale_token, asked_at, is_explicit=is_explicit):
                return session
            if not is_explicit:
                self._refuse(call)
            failure = account.failure
            if failure and asked_at <= account.failed_at:
                raise copy(failure)  # this call waited for that login
            login_key = account.login_key if call.login_key is None and not is_explicit else call.login_key
            try:
                session = await self._new_session(call, stale_token, login_key)
            except SiperbError as error:
                if not error.is_for_lack_of_time:  # another call may have more
                    _note(account, error, PAT_REFUSED if stale_token else 0.0)
                raise
            if account.failure is failure:
                account.failure = None
            account.session, account.login_key = session, login_key
            account.replaced, account.renewed_at = stale_token, time.monotonic()
        self._logged_in(account)
        logger.info("Logged in as user %s", session.user_id)
        return session

    def _logged_in(self, account: Account) -> None:
        """Publish the session, if it is still wanted."""
        raise NotImplementedError

    def _check_bound(self, account: Account) -> None:
        """Raise `SiperbError` when the client has logged out, or in as somebody else."""
        raise NotImplementedError

    def _refuse(self, call: Call) -> None:
        """Raise why the account has no session for this call any more."""
        account = call.account
        began = call.run.began if call.run else call.began
        if isinstance(account.failure, AuthenticationError) and began <= account.refused_until:
            raise copy(account.failure)
        if call.is_bound:
            self._check_bound(account)

    async def _new_session(self, call: Call, stale_token: str | None, login_key: str | None) -> Session:
        account, key = call.account, None
        pat = account.pat or await self._stored_pat(call)
        if login_key is not None:
            key = session_key(account.origin, pat, login_key)
            cached = understood(parse_login, await self._find(call, key))
            if cached and cached.session_token != stale_token:
                return cached
            if cached:
                await self._evict(call, key)
        response = await self._attempt(call, operations.login(pat))
        session = operations.read_login(response)
        if key:
            await self._save(call, key, response.text(), session.user_id, lifetime=SESSION_LIFETIME)
        return session


def _note(account: Account, error: SiperbError, pause: float = 0.0) -> None:
    """Note the failure of a login, or of its session, for the calls that would meet it too."""
    account.failure, account.failed_at = copy(error), time.monotonic()
    account.refused_until = account.failed_at + pause


def _ready(call: Call, stale_token: str | None, asked_at: float, *, is_explicit: bool) -> Session | None:
    """The session that another call's login has brought meanwhile."""
    account = call.account
    if account.session is None:
        return None
    if is_explicit:
        return account.session if account.renewed_at >= asked_at and account.login_key == call.login_key else None
    is_other = account.session.session_token != stale_token
    began = call.run.began if call.run else call.began
    is_same_again = account.replaced == stale_token and account.renewed_at >= began
    return account.session if is_other or is_same_again else None


def _may_be_done(error: APIError) -> bool:
    """Whether the API may have carried out what it did not confirm. The transport knows it of a missing answer."""
    if not isinstance(error, APIStatusError):
        return error.maybe_done
    if error.status_code == 503:
        return error.retry_after is None
    return error.status_code == 408 or error.status_code >= 500


def _items(operation: Operation[Any], response: Response) -> str:
    """The text between the brackets. Parsing each page, and writing it anew, would take as long as all the rest."""
    try:
        text = response.text().strip(" \t\r\n")
    except UnicodeDecodeError:
        text = ""
    if len(text) < 2 or text[0] != "[" or text[-1] != "]":
        raise _unusable(operation, response, "no list")
    return text[1:-1].strip(" \t\r\n")


def _unusable(operation: Operation[Any], response: Response, what: str) -> APIResponseError:
    text = f"{operation.method} {operation.path_template} answered {what}: check the base_url."
    return APIResponseError(text, request_id(response.headers))
