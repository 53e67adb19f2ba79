"""How the calls of a bulk run hold back together, as transcripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from transcripts import ANN, DEVICE, PROVISIONING, Clock, document, ok, play, world

from siperb.core import flows
from siperb.core.calls import GetProvisioning
from siperb.core.effects import Auth, Send, Sleep
from siperb.core.retry import Context, Throttle
from siperb.core.wire import Response
from siperb.errors import APIStatusError, InternalServerError, RateLimitError

ASKED = Response(429, headers={"retry-after": "20"})
ANSWERED = Send(PROVISIONING), ok(document())


def throttled(**options: Any) -> Context:
    return evolve(world(**options), throttle=Throttle())


def slept(context: Context, seconds: float) -> tuple[Sleep, Callable[[], None]]:
    def pass_by() -> None:
        assert isinstance(context.clock, Clock)
        context.clock.time += seconds

    return Sleep(seconds), pass_by


def ask(context: Context, *transcript: tuple[object, Any]) -> Any:
    return play(flows.fetch(context, GetProvisioning(DEVICE), None), (Auth(), ANN), *transcript)


def test_what_one_call_is_asked_to_wait_the_next_one_waits() -> None:
    context = throttled(max_retries=0)
    with pytest.raises(RateLimitError):
        ask(context, (Send(PROVISIONING), ASKED))
    assert ask(context, slept(context, 20.0), ANSWERED)


def test_a_call_waits_on_when_another_one_is_asked_to_meanwhile() -> None:
    context = throttled()
    assert context.throttle
    context.throttle.hold(context.clock(), 20.0)
    sleep, pass_by = slept(context, 20.0)

    def held_on() -> None:
        pass_by()
        assert context.throttle
        context.throttle.hold(context.clock(), 5.0)

    assert ask(context, (sleep, held_on), slept(context, 5.0), ANSWERED)


def test_a_retry_waits_too() -> None:
    context = throttled()
    assert context.throttle
    sleep, pass_by = slept(context, 0.25)

    def held() -> None:
        pass_by()
        assert context.throttle
        context.throttle.hold(context.clock(), 5.0)

    assert ask(context, (Send(PROVISIONING), Response(502)), (sleep, held), slept(context, 5.0), ANSWERED)


def test_what_is_waited_for_is_not_of_the_calls_time() -> None:
    context = throttled(timeout=10.0)
    assert ask(context, (Send(PROVISIONING), ASKED), slept(context, 20.0), ANSWERED)
    assert context.deadline == 1030.0


def test_two_who_are_asked_at_once_hold_back_once() -> None:
    context = throttled(timeout=10.0)
    assert context.throttle
    for seconds in 20.0, 15.0, 25.0:
        context.throttle.hold(context.clock(), seconds)
    assert (context.throttle.until, context.deadline) == (1025.0, 1035.0)


def test_a_call_that_begins_meanwhile_has_all_its_time_afterwards() -> None:
    throttle = Throttle()
    throttle.hold(1000.0, 20.0)
    context = evolve(world(), throttle=throttle, limit=throttle.limit(1005.0, 30.0))
    assert context.deadline == 1050.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_of_more_than_a_minute_is_the_calls_error(status: int) -> None:
    context = throttled(max_retries=5)
    with pytest.raises(RateLimitError if status == 429 else InternalServerError):
        ask(context, (Send(PROVISIONING), Response(status, headers={"retry-after": "61"})))
    assert context.throttle
    assert context.throttle.until == 1060.0  # the others try after a minute


def test_a_wait_is_no_reason_for_more_tries() -> None:
    context = throttled(max_retries=1, timeout=10.0)
    with pytest.raises(APIStatusError) as caught:
        ask(context, (Send(PROVISIONING), ASKED), slept(context, 20.0), (Send(PROVISIONING), ASKED))
    assert not caught.value.is_for_lack_of_time
