"""What a second try may mend, and when it is made, as transcripts."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest
from transcripts import (
    ANN,
    DEVICES,
    LIST,
    NO_ANSWER,
    NOW,
    Raise,
    fetch,
    play,
    status,
    world,
)

from siperb.core.effects import Send, Sleep
from siperb.core.wire import Response
from siperb.errors import (
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    RateLimitError,
)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_what_a_second_try_may_mend_is_tried_twice_more(code: int) -> None:
    with pytest.raises(APIStatusError) as caught:
        play(
            fetch(world(), session=ANN),
            (Send(DEVICES), status(code)),
            (Sleep(0.25), None),
            (Send(DEVICES), status(code)),
            (Sleep(0.5), None),
            (Send(DEVICES), status(code)),
        )
    assert caught.value.status_code == code


def test_a_connection_that_failed_is_tried_again() -> None:
    assert play(fetch(world(), session=ANN), (Send(DEVICES), NO_ANSWER), (Sleep(0.25), None), (Send(DEVICES), LIST))


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 418, 422, 501, 505])
def test_what_no_second_try_mends_is_raised_at_once(code: int) -> None:
    with pytest.raises(APIStatusError):
        play(fetch(world(), session=ANN), (Send(DEVICES), status(code)))


def test_an_answer_that_does_not_parse_is_not_asked_for_again() -> None:
    with pytest.raises(APIResponseError):
        play(fetch(world(), session=ANN), (Send(DEVICES), Response(200, b"<html>")))


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(APIResponseError, match="redirect"):
        play(fetch(world(), session=ANN), (Send(DEVICES), status(302)))


def test_max_retries_of_none() -> None:
    with pytest.raises(InternalServerError):
        play(fetch(world(max_retries=0), session=ANN), (Send(DEVICES), status(503)))


@pytest.mark.parametrize("random", [0.0, 0.5, 0.999])
def test_the_backoff_is_full_jitter_between_nothing_and_eight_seconds(random: float) -> None:
    ceilings = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    steps: list[tuple[object, Any]] = []
    for ceiling in ceilings:
        steps += [(Send(DEVICES), status(503)), (Sleep(random * ceiling), None)]
    assert play(fetch(world(max_retries=7, random=random), session=ANN), *steps, (Send(DEVICES), LIST))


def test_a_thousand_retries_are_no_arithmetic_problem() -> None:
    steps = [(Send(DEVICES), status(503, "0")), (Sleep(0.0), None)] * 1100
    assert play(fetch(world(max_retries=1100), session=ANN), *steps, (Send(DEVICES), LIST))


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), (" 7 ", 7.0), ("0", 0.0), (formatdate(NOW + 9, usegmt=True), 9.0)]
)
def test_retry_after_in_seconds_and_as_a_date_is_obeyed(said: str, seconds: float) -> None:
    for code in (429, 503):
        assert play(
            fetch(world(), session=ANN),
            (Send(DEVICES), status(code, said)),
            (Sleep(seconds), None),
            (Send(DEVICES), LIST),
        )


def test_a_retry_after_in_the_past_is_no_wait() -> None:
    said = formatdate(NOW - 100, usegmt=True)
    assert play(
        fetch(world(), session=ANN), (Send(DEVICES), status(503, said)), (Sleep(0.0), None), (Send(DEVICES), LIST)
    )


@pytest.mark.parametrize("said", ["soon", "-1", "", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_nobody_understands_is_as_none(said: str) -> None:
    steps = (Send(DEVICES), status(429, said)), (Sleep(0.25), None), (Send(DEVICES), LIST)
    assert play(fetch(world(), session=ANN), *steps)


@pytest.mark.parametrize(
    ("said", "seconds"), [("61", 61.0), ("9" * 400, 1e9), (formatdate(NOW + 3600, usegmt=True), 3600.0)]
)
def test_a_retry_after_of_more_than_a_minute_is_raised(said: str, seconds: float) -> None:
    with pytest.raises(RateLimitError) as caught:
        play(fetch(world(timeout=7200), session=ANN), (Send(DEVICES), status(429, said)))
    assert caught.value.retry_after == seconds


def test_a_retry_after_of_a_minute_is_waited_for() -> None:
    steps = (Send(DEVICES), status(429, "60")), (Sleep(60.0), None), (Send(DEVICES), LIST)
    assert play(fetch(world(timeout=61), session=ANN), *steps)


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    with pytest.raises(RateLimitError) as caught:
        play(fetch(world(timeout=5), session=ANN), (Send(DEVICES), status(429, "6")))
    assert caught.value.retry_after == 6.0


def test_a_timeout_is_the_end_when_the_time_is_up() -> None:
    context = world(timeout=0)
    with pytest.raises(APITimeoutError):
        play(fetch(context, session=ANN), (Send(DEVICES), Raise(APITimeoutError("too late"))))
