"""What is tried again, how often, and how long a call waits."""

from __future__ import annotations

import random
from typing import Any

import pytest
from facades import Facade, chain, said

from siperb import APIConnectionError, APITimeoutError, InternalServerError, MemoryCache, RateLimitError, SiperbError
from siperb.testing import Delay, Drop, Status, Truncate


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No jitter is no wait."""
    monkeypatch.setattr("siperb.client.steps.random_number", lambda: 0.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [Status(503), Status(429), Status(408), Drop(), Status(500, retry_after=0)], ids=repr)
def test_what_a_second_try_may_mend_is_mended(facade: Facade, fault: Any) -> None:
    facade.server.fail("login", fault, times=2)
    assert facade.call(facade.client().login)
    assert said(facade.server) == ["login"] * 3
    assert not facade.server.faults


@pytest.mark.usefixtures("quick")
def test_a_third_failure_is_the_callers(facade: Facade) -> None:
    facade.server.fail("login", Status(503), times=None)
    with pytest.raises(InternalServerError):
        facade.call(facade.client().login)
    assert len(facade.server.requests) == 3


def test_a_long_retry_after_is_raised(facade: Facade) -> None:
    facade.server.fail("login", Status(429, retry_after=3600))
    with pytest.raises(RateLimitError) as caught:
        facade.call(facade.client().login)
    assert caught.value.retry_after == 3600.0
    assert len(facade.server.requests) == 1


def test_a_wait_past_the_deadline_is_not_begun(facade: Facade) -> None:
    facade.server.fail("login", Status(503, retry_after=20))
    with pytest.raises(InternalServerError) as caught:
        facade.call(facade.client(timeout=5).login)
    assert caught.value.retry_after == 20.0


def test_one_deadline_for_all(facade: Facade) -> None:
    facade.server.fail("devices", Delay(30), times=None)
    client = facade.client(timeout=0.3, strict=True)
    with pytest.raises(APITimeoutError) as caught:
        facade.call(client.get_devices)
    assert chain(caught.value) == [caught.value]


def test_no_library_exception_hangs_on_an_error(facade: Facade) -> None:
    for fault in Drop(), Drop("head"), Drop("body"), Drop(reset=True), Truncate():
        facade.server.fail("login", fault)
        with pytest.raises(APIConnectionError) as caught:
            facade.call(facade.client(max_retries=0).login)
        assert all(isinstance(one, SiperbError) for one in chain(caught.value))


def test_the_programs_own_random_numbers_are_left_alone(facade: Facade) -> None:
    random.seed(7)
    state = random.getstate()
    facade.server.fail("login", Drop())
    client = facade.client(cache=MemoryCache())
    facade.call(client.get_devices, enable_cache=True)
    assert random.getstate() == state


def test_records_of_two_processes_with_one_seed_have_two_generations(facade: Facade) -> None:
    generations = set()
    for _ in range(2):
        random.seed(7)
        cache = MemoryCache()
        facade.call(facade.client(cache=cache).get_devices, enable_cache=True)
        generations |= {record.generation for record, _ in cache._records.values()}
    assert len(generations) == 4
