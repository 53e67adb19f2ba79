# pyright: reportUnusedCallResult=error
"""The whole answer to a call: every page of a list, and one login when the session is refused on the way.

An answer with ``X-Next-Token`` is not the last page: the same request with the query ``nextToken`` gets the next one
(seen by people who use the API; no document names it).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from siperb.core import effects
from siperb.core.calls import Call
from siperb.core.effects import Flow
from siperb.core.retry import Context, attempt
from siperb.core.wire import MAX_BODY, Request, Response, request_id
from siperb.errors import APIResponseError, AuthenticationError
from siperb.models import Session

MAX_PAGES = 500
_NEXT = r"[\x20-\x7e]{1,4096}"


def whole_answer(
    context: Context, call: Call[Any], session: Session | None, held: Session
) -> Flow[tuple[Response, Session]]:
    """The answer, and the session that it took in the end: `session`, if one was passed, or else the client's own."""
    pages: list[str] = []
    size = 0
    seen = {""}
    token = ""
    may_log_in = session is None
    while True:
        request = _page(call.build(held, context.domain_user), token)
        try:
            response = yield from attempt(context, request)
        except AuthenticationError as error:
            if not may_log_in:
                if session is None:
                    context.refusal.note(error, context.clock())
                raise
            may_log_in = False
            held = yield from effects.auth(held.session_token)
            continue
        token = response.headers.get("x-next-token", "").strip() if call.is_list else ""
        if not pages and token in seen:
            return response, held
        pages.append(_items(request, response))
        size += len(response.body)
        if size > MAX_BODY:
            raise _unusable(request, response, f"more than {MAX_BODY // 2**20} MiB")
        if token in seen:
            return Response(200, f"[{','.join(filter(None, pages))}]".encode(), response.headers), held
        if len(pages) == MAX_PAGES:
            raise _unusable(request, response, f"more than {MAX_PAGES} pages")
        if not re.fullmatch(_NEXT, token):
            raise _unusable(request, response, "an X-Next-Token that cannot be sent back")
        seen.add(token)


def _page(request: Request, token: str) -> Request:
    if not token:
        return request
    path = f"{request.path}{'&' if '?' in request.path else '?'}nextToken={quote(token, safe='')}"
    return Request(request.method, path, request.path_template, request.headers, request.body, request.repeatable)


def _items(request: Request, response: Response) -> str:
    """What stands between the brackets. To parse each page, and write it anew, would take as long as all the rest."""
    try:
        text = response.text().strip(" \t\r\n")
    except UnicodeDecodeError:
        text = ""
    if len(text) < 2 or text[0] != "[" or text[-1] != "]":
        raise _unusable(request, response, "no list")
    return text[1:-1].strip(" \t\r\n")


def _unusable(request: Request, response: Response, what: str) -> APIResponseError:
    text = f"{request.method} {request.path_template} answered {what}: check the base_url."
    return APIResponseError(text, request_id(response.headers))
