"""What the loopback API answers to a request, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from siperb.testing.accounts import Accounts
from siperb.testing.answers import Answer, Refused, found, refuse, say
from siperb.testing.call import Call
from siperb.testing.paths import Target
from siperb.testing.rest import ROUTES


def answer(
    accounts: Accounts, method: str, target: Target, query: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Does what is asked for, in one step: a test's thread sees it done or not begun."""
    if target.route is None:
        return refuse(404)
    if target.route == "login":
        return _login(accounts, headers) if method == "POST" else refuse(405, Allow="POST")
    handlers = ROUTES[target.route]
    handler = handlers.get("GET" if method == "HEAD" else method)
    if handler is None:
        return refuse(405, Allow=", ".join(handlers))
    with accounts.lock:
        user = accounts.session_user(headers.get("X-Api-Key", ""))
        if user is None:
            return refuse(401)
        if user.user_id != target.user_id:
            return refuse(403)
        try:
            if target.domain_user_id:
                user = found(user.domain_users.get(target.domain_user_id))
            return handler(Call(accounts, user, target.parts, query, _content(body)))
        except Refused as refused:
            return refused.answer


def _content(body: bytes) -> dict[str, Any] | list[Any]:
    if not body:
        return {}
    try:
        content: dict[str, Any] | list[Any] = json.loads(body)
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()  # NaN and half characters are not JSON
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON") from None
    return content


def _login(accounts: Accounts, headers: Mapping[str, str]) -> Answer:
    scheme, _, pat = headers.get("Authorization", "").partition(" ")
    user = accounts.log_in(pat) if scheme.lower() == "bearer" else None
    if user is None:
        return refuse(401)
    return say(
        {
            "UserId": user.user_id,
            "SessionToken": user.session_token,
            "Region": "eu-west-1",
            "Plan": None,
        }
    )
