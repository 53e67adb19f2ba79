"""What a status of the API means, how long it asks to wait, and the reason that it gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from math import ceil
from typing import cast
from urllib.parse import unquote

from siperb.core.wire import ANSWERS, Request, Response, is_object, request_id
from siperb.errors import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)


def raise_for_status(request: Request, response: Response, *, now: float) -> None:
    """Raise what a status means that is no answer. now: seconds since the epoch, for a ``Retry-After`` date."""
    status = response.status
    if status in ANSWERS:
        return
    where, told = f"{request.method} {request.path_template}", request_id(response.headers)
    if status < 400:
        what = "a redirect, which is never followed" if 300 <= status < 400 else "which the API does not use"
        error = APIResponseError(f"{where} answered {status}, {what}: check the base_url.", told)
        error.maybe_done = True
        raise error
    kind, advice = _FAILURES.get(status) or (_FAILURES[500] if status >= 500 else (APIStatusError, "check the request"))
    retry_after = _retry_after(response, now)
    if status == 404 and request.path_template == "/Login":
        advice = "there is no API at this address; check the base_url"
    until = ""
    if retry_after and (status == 429 or status >= 500):
        until = f", not before {_clock(now + retry_after)}"
    detail = _detail(request, response)
    message = f"{where} answered {status}: {advice}{until}."
    if detail and not _is_phrase(detail, status):  # advice of ours might contradict it
        message = f"{detail.rstrip('.')} ({where} answered {status}{until})."
    raise kind(
        message,
        status_code=status,
        method=request.method,
        path_template=request.path_template,
        retry_after=retry_after,
        detail=detail,
        request_id=told,
    )


_FAILURES: dict[int, tuple[type[APIStatusError], str]] = {
    400: (BadRequestError, "the API does not understand the request; check the arguments"),
    401: (AuthenticationError, "the token is wrong or has expired; check the PAT and log in again"),
    403: (PermissionDeniedError, "this user may not do that; check whose token it is"),
    404: (NotFoundError, "there is no such user or device; check the device token and the base_url"),
    409: (ConflictError, "it contradicts what is there; look whether it exists already"),
    422: (UnprocessableEntityError, "the API cannot do that; check what was sent, and whether it exists already"),
    429: (RateLimitError, "too many requests; wait and try again"),
    500: (InternalServerError, "the API is in trouble; try again later"),
}


# How long to wait.

_NUMBER = r"""(?i)["']?\+?((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e\+?[0-9]+)?)(?: *s(?:ec(?:ond)?s?)?)?["']?"""
_LONGEST = 1e9  # seconds, some thirty years; JSON has no infinity


def _retry_after(response: Response, now: float) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3), also in the forms that servers make of them; of several the longest."""
    said = response.headers.get("retry-after")
    if said is None:
        return None
    by_its_clock = _date(response.headers.get("date", ""))
    pieces = re.split(r"(?<![a-z]),", said[:256])  # not behind the name of a day
    waits = [_wait(piece.strip(), now if by_its_clock is None else by_its_clock) for piece in pieces]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(said: str, now: float) -> float | None:
    if found := re.fullmatch(_NUMBER, said):
        seconds = float(found[1])
        is_epoch = max(now, _LONGEST) < seconds < now + _LONGEST
        return min(seconds - now if is_epoch else seconds, _LONGEST)
    date = _date(said)
    return None if date is None else max(0.0, date - now)


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(ceil(seconds), timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _date(said: str) -> float | None:
    from email.utils import parsedate_to_datetime

    for read in parsedate_to_datetime, _iso_date:
        try:
            date = read(said)
            if date.tzinfo is None:  # as in "-0000" and in the asctime form, which are GMT here too
                date = date.replace(tzinfo=timezone.utc)
            return date.timestamp()
        except (ArithmeticError, IndexError, OSError, TypeError, ValueError):
            continue
    return None


def _iso_date(said: str) -> datetime:
    return datetime.fromisoformat(re.sub("[zZ]$", "+00:00", said))


# The reason.

_REASONS = ("message", "error_description", "detail", "details", "reason", "error", "errors", "title")
_MAX_DETAIL = 200  # characters
_MAX_WORD = 24


def _detail(request: Request, response: Response) -> str | None:
    """The API's own reason, which may quote what was sent: what can be a token, or was one, is masked."""
    text = response.body.decode(errors="replace").removeprefix("\ufeff")
    try:
        reason = next(_reasons(json.loads(text)), "")
    except (ValueError, RecursionError):
        reason = "" if set("<{[") & set(text) else text  # a web page, or broken JSON
    secrets = {word for value in request.headers.values() for word in value.split() if word != "Bearer"} - _NO_SECRETS
    secrets |= set(re.findall(_NOT_QUOTED, request.body.decode()))
    shown = request.path_template.split("/")
    secrets |= {unquote(part) for part in request.path.partition("?")[0].split("/") if part not in shown}

    def masked(word: str) -> str:
        may_be_token = len(word) > _MAX_WORD or sum(map(str.isdigit, word)) > 4
        return "…" if may_be_token or any(secret in word for secret in secrets) else word

    printable = "".join(character if character.isprintable() else " " for character in reason)
    return " ".join(map(masked, printable.split()))[:_MAX_DETAIL].strip() or None


_NO_SECRETS = {"application/json"}
_NOT_QUOTED = r'(?i)"[^"]*(?:passw|jwt|token|secret)[^"]*":"((?:[^"\\]|\\.){4,})"'


def _is_phrase(detail: str, status: int) -> bool:
    """Whether it says no more than the status does, as "Not Found" of 404."""
    from http import HTTPStatus

    phrases = {one.value: one.phrase for one in HTTPStatus}
    return detail.strip(" .!").casefold() == phrases.get(status, "").casefold()


def _reasons(said: object) -> Iterator[str]:
    """The texts under the names that reasons have, those of the first name first."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        for one in cast("list[object]", said):
            yield from _reasons(one)
    elif is_object(said):
        folded = {name.lower(): value for name, value in said.items()}
        for name in _REASONS:
            yield from _reasons(folded.get(name))
