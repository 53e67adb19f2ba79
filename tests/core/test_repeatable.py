"""What may be sent twice, and what a failure says of it, as transcripts."""

from __future__ import annotations

from typing import Any

import pytest
from transcripts import (
    ANN,
    ANN_LATER,
    Raise,
    play,
    status,
    world,
)

from siperb.core import flows
from siperb.core.effects import Auth, Send, Sleep
from siperb.core.operations import Operation
from siperb.core.wire import Response
from siperb.errors import (
    APIConnectionError,
    APIError,
    APIResponseError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)

POST = Operation.of("POST", "/Users/{user_id}/Devices", json={"platform": "script"})
PUT = Operation.of("PUT", "/Users/{user_id}/Devices/{t}", {"t": "x"}, json={"Description": "x"})
DELETE = Operation.of("DELETE", "/Users/{user_id}/Devices/{t}", {"t": "x"})


def no_answer(*, was_sent: bool) -> Raise:
    error = APIConnectionError("no answer")
    error.maybe_done = was_sent  # as a transport says it
    return Raise(error)


def ask(operation: Operation, *transcript: tuple[object, Any], **options: Any) -> Any:
    return play(flows.fetch(world(**options), operation, ANN), *transcript)


@pytest.mark.parametrize(
    "answer", [status(500), status(502), status(503), status(504), status(408), no_answer(was_sent=True)]
)
def test_what_may_have_been_done_is_not_sent_again(answer: Any) -> None:
    with pytest.raises(APIError) as caught:
        ask(POST, (Send(POST.build(ANN)), answer))
    assert caught.value.maybe_done


@pytest.mark.parametrize("answer", [status(429), status(503, "0"), no_answer(was_sent=False)])
def test_what_was_certainly_not_done_is_sent_again(answer: Any) -> None:
    wait = 0.0 if answer == status(503, "0") else 0.25
    steps = (Send(POST.build(ANN)), answer), (Sleep(wait), None), (Send(POST.build(ANN)), Response(201, b"{}"))
    assert ask(POST, *steps) == {}
    with pytest.raises(APIError) as caught:
        ask(POST, (Send(POST.build(ANN)), answer), max_retries=0)
    assert not caught.value.maybe_done


@pytest.mark.parametrize("code", [400, 403, 404, 409, 422])
def test_what_was_refused_was_not_done(code: int) -> None:
    with pytest.raises(APIError) as caught:
        ask(POST, (Send(POST.build(ANN)), status(code)))
    assert not caught.value.maybe_done


def test_a_post_is_sent_again_after_a_new_login() -> None:
    steps = (Auth(), ANN), (Send(POST.build(ANN)), status(401)), (Auth("token,1"), ANN_LATER)
    done = Send(POST.build(ANN_LATER)), Response(204)
    assert play(flows.fetch(world(), POST, None), *steps, done) is None


def test_what_is_repeatable_is_sent_again() -> None:
    for operation in PUT, Operation.of("POST", "/Users/{user_id}/Search", repeatable=True):
        sent = Send(operation.build(ANN))
        steps = (sent, status(500)), (Sleep(0.25), None), (sent, no_answer(was_sent=True)), (Sleep(0.5), None)
        assert ask(operation, *steps, (sent, Response(200))) is None
        with pytest.raises(InternalServerError) as caught:
            ask(operation, (sent, status(500)), max_retries=0)
        assert not caught.value.maybe_done


def test_a_delete_that_is_gone_when_it_is_tried_again_is_done() -> None:
    sent = Send(DELETE.build(ANN))
    for lost in no_answer(was_sent=True), status(500):
        assert ask(DELETE, (sent, lost), (Sleep(0.25), None), (sent, status(404))) is None
    for kept in no_answer(was_sent=False), status(429):
        with pytest.raises(NotFoundError):
            ask(DELETE, (sent, kept), (Sleep(0.25), None), (sent, status(404)))
    with pytest.raises(NotFoundError):
        ask(DELETE, (sent, status(404)))


@pytest.mark.parametrize(
    "answer", [Response(200, b"{"), Response(200, b"<html>", {"content-type": "text/html"}), status(302)]
)
def test_an_answer_that_is_none_may_mean_done(answer: Response) -> None:
    with pytest.raises(APIResponseError) as caught:
        ask(POST, (Send(POST.build(ANN)), answer))
    assert caught.value.maybe_done
    with pytest.raises(APIResponseError) as caught:
        ask(PUT, (Send(PUT.build(ANN)), answer))
    assert not caught.value.maybe_done


def test_a_retry_that_is_not_begun_says_so() -> None:
    with pytest.raises(RateLimitError) as caught:
        ask(POST, (Send(POST.build(ANN)), status(429, "61")))
    assert not caught.value.maybe_done
