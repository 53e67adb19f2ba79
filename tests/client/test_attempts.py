"""Send, and send again what a second try may mend."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from fake_ports import ANN, LIST, SIGNED_IN_LATER, World, asked, no_answer, shown, status

from siperb.client.ports import Account, Run
from siperb.core import operations
from siperb.core.by_path import operation
from siperb.core.wire import Response
from siperb.errors import (
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    SiperbError,
)

DEVICES = operations.get_devices()
POST = operation("POST", "/Users/{user_id}/Devices", json={"platform": "script"})
PUT = operation("PUT", "/Users/{user_id}/Devices/{t}", {"t": "x"}, json={"Description": "x"})
DELETE = operation("DELETE", "/Users/{user_id}/Devices/{t}", {"t": "x"})


@pytest.fixture(autouse=True)
def half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every delay is half of the longest."""
    monkeypatch.setattr("siperb.client.steps.random_number", lambda: 0.5)


@pytest.mark.parametrize("failure", [*map(status, (408, 429, 500, 502, 503, 504)), no_answer()], ids=shown)
def test_what_a_second_try_may_mend_is_tried_twice_more(failure: Any) -> None:
    world = World(failure, failure, failure, session=ANN)
    with pytest.raises(APIError):
        world.ask(DEVICES)
    assert world.done == [asked(), "sleep 0.25", asked(), "sleep 0.5", asked()]
    assert World(failure, failure, LIST, session=ANN).ask(DEVICES)


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 418, 422, 501, 505, 302])
def test_what_no_second_try_mends_is_raised_at_once(code: int) -> None:
    world = World(status(code), session=ANN)
    with pytest.raises(APIResponseError if code == 302 else APIStatusError):
        world.ask(DEVICES)
    assert world.done == [asked()]


def test_an_answer_that_does_not_parse_is_not_asked_for_again() -> None:
    with pytest.raises(APIResponseError):
        World(Response(200, b"<html>"), session=ANN).ask(DEVICES)


def test_no_retries() -> None:
    world = World(status(503), session=ANN)
    world._max_retries = 0
    with pytest.raises(InternalServerError):
        world.ask(DEVICES)


@pytest.mark.parametrize("random", [0.0, 0.5, 0.999])
def test_the_backoff_is_full_jitter_between_nothing_and_eight_seconds(
    random: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siperb.client.steps.random_number", lambda: random)
    longest = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    world = World(*[status(503)] * 7, LIST, session=ANN)
    world._max_retries = 7
    assert world.ask(DEVICES)
    assert world.done[1::2] == [f"sleep {random * each:g}" for each in longest]


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), (" 7 ", 7), ("0", 0), ("60", 60), ("Thu, 01 Jan 1998 00:00:00 GMT", 0)]
)
def test_retry_after_is_obeyed(code: int, said: str, seconds: float) -> None:
    world = World(status(code, said), LIST, session=ANN)
    assert world.ask(DEVICES, timeout=61)
    assert world.done == [asked(), f"sleep {seconds}", asked()]


@pytest.mark.parametrize("said", ["soon", "-1", "", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_nobody_understands_is_as_none(said: str) -> None:
    world = World(status(429, said), LIST, session=ANN)
    assert world.ask(DEVICES)
    assert world.done[1] == "sleep 0.25"


@pytest.mark.parametrize("said", ["61", "9" * 400, "in an hour"])
def test_a_retry_after_of_more_than_a_minute_is_raised(said: str) -> None:
    if said == "in an hour":
        said = formatdate(time.time() + 3600, usegmt=True)
    with pytest.raises(RateLimitError) as caught:
        World(status(429, said), session=ANN).ask(DEVICES, timeout=7200)
    assert 60 < (caught.value.retry_after or 0) <= 1e9


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    world = World(status(429, "6"), session=ANN)
    with pytest.raises(RateLimitError) as caught:
        world.ask(DEVICES, timeout=5)
    assert caught.value.retry_after == 6.0
    with pytest.raises(APITimeoutError):
        World(APITimeoutError("too late"), session=ANN).ask(DEVICES, timeout=1e-9)


# What may not be sent twice.


@pytest.mark.parametrize("failure", [*map(status, (500, 502, 503, 504, 408)), no_answer(was_sent=True)], ids=shown)
def test_what_may_have_been_done_is_not_sent_again(failure: Any) -> None:
    with pytest.raises(APIError) as caught:
        World(failure, session=ANN).ask(POST)
    assert caught.value.maybe_done


@pytest.mark.parametrize("failure", [status(429), status(503, "0"), no_answer()], ids=shown)
def test_what_was_certainly_not_done_is_sent_again(failure: Any) -> None:
    assert World(failure, Response(201, b"{}"), session=ANN).ask(POST) == {}
    with pytest.raises(APIError) as caught:
        World(*[failure] * 3, session=ANN).ask(POST)
    assert not caught.value.maybe_done


@pytest.mark.parametrize("code", [400, 403, 404, 409, 422])
def test_what_was_refused_was_not_done(code: int) -> None:
    with pytest.raises(APIError) as caught:
        World(status(code), session=ANN).ask(POST)
    assert not caught.value.maybe_done


def test_a_post_is_sent_again_after_a_new_login() -> None:
    assert World(status(401), SIGNED_IN_LATER, Response(204), session=ANN).ask(POST) is None


def test_what_is_repeatable_is_sent_again() -> None:
    for repeatable in PUT, operation("POST", "/Users/{user_id}/Search", repeatable=True):
        assert World(status(500), no_answer(was_sent=True), Response(200), session=ANN).ask(repeatable) is None


def test_a_delete_that_is_gone_when_it_is_tried_again_is_done() -> None:
    for lost in no_answer(was_sent=True), status(500):
        assert World(lost, status(404), session=ANN).ask(DELETE) is None
    for kept in [no_answer()], [status(429)], []:
        with pytest.raises(NotFoundError):
            World(*kept, status(404), session=ANN).ask(DELETE)


@pytest.mark.parametrize(
    "answer", [Response(200, b"{"), Response(200, b"<html>", {"content-type": "text/html"}), status(302)], ids=shown
)
def test_an_answer_that_cannot_be_used_may_mean_done(answer: Response) -> None:
    for write, maybe_done in (POST, True), (PUT, False):
        with pytest.raises(APIResponseError) as caught:
            World(answer, session=ANN).ask(write)
        assert caught.value.maybe_done is maybe_done


# A bulk run.


def test_what_one_call_is_asked_to_wait_the_next_one_waits() -> None:
    world, run, slept = World(status(429, "7"), LIST, session=ANN), Run(None, Account("")), list[int]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds))
        run.until = float("-inf")  # it has passed

    world._sleep = sleep  # type: ignore[method-assign]
    assert world.ask(DEVICES, run=run)
    assert slept == [7]
    assert round(run.held) == 7
    run.hold_back(3)
    world.answers = [LIST]
    assert world.ask(DEVICES, run=run)
    assert slept == [7, 3]


def test_two_who_are_asked_at_once_hold_back_once() -> None:
    run = Run(None, Account(""))
    run.hold_back(10)
    run.hold_back(10)
    assert 10 <= run.held < 10.5


def test_what_a_run_is_held_back_is_not_of_the_calls_time() -> None:
    world = World(LIST, session=ANN)
    run = Run(None, Account(""))
    call = world._call(Account(""), 5.0)
    call.run = run
    before = call.deadline
    run.hold_back(60)
    assert round(call.deadline - before) == 60


def test_nothing_is_sent_for_a_run_that_nobody_waits_for() -> None:
    world, run = World(session=ANN), Run(None, Account(""))
    run.stopped.give(None)
    with pytest.raises(SiperbError, match="Nobody waits"):
        world.ask(DEVICES, run=run)
    assert world.done == []
