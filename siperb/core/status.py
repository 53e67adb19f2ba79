"""What a status of the API means, and how long it asks to wait."""

from __future__ import annotations

from datetime import timezone

from siperb.core.wire import Request, Response
from siperb.errors import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)


def raise_for_status(request: Request, response: Response, *, now: float) -> None:
    """Raise what a status other than 200 means. now: seconds since the epoch, for a ``Retry-After`` date."""
    status = response.status
    if status == 200:
        return
    where = f"{request.method} {request.path_template}"
    if status < 400:
        what = "a redirect, which is never followed" if 300 <= status < 400 else "which the API does not use"
        raise APIResponseError(f"{where} answered {status}, {what}: check the base_url.")
    kind, advice = _FAILURES.get(status) or (_FAILURES[500] if status >= 500 else (APIStatusError, "check the request"))
    raise kind(
        f"{where} answered {status}: {advice}.",
        status_code=status,
        method=request.method,
        path_template=request.path_template,
        retry_after=_retry_after(response.headers.get("retry-after"), now),
    )


_FAILURES: dict[int, tuple[type[APIStatusError], str]] = {
    400: (BadRequestError, "the API does not understand the request; check the arguments"),
    401: (AuthenticationError, "the token is wrong or has expired; check the PAT and log in again"),
    403: (PermissionDeniedError, "this user may not do that; check whose token it is"),
    404: (NotFoundError, "there is no such user or device; check the device token and the base_url"),
    429: (RateLimitError, "too many requests; wait and try again"),
    500: (InternalServerError, "the API is in trouble; try again later"),
}


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) < 10 else None
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
        if date.tzinfo is None:  # as in "-0000" and in the asctime form, which are GMT here too
            date = date.replace(tzinfo=timezone.utc)
        return max(0.0, date.timestamp() - now)
    except (ArithmeticError, IndexError, OSError, TypeError, ValueError):
        return None
