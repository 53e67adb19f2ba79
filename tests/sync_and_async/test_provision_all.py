"""provision_all: one result a device, on both facades."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from facades import Facade

from siperb import (
    AsyncSiperb,
    ConfigurationError,
    InternalServerError,
    MissingCredentialsError,
    NotFoundError,
    ProvisioningResult,
    Siperb,
)
from siperb.testing import Delay, Hold, SiperbServer, Status


def results(facade: Facade, *args: Any, take: int | None = None, **kwargs: Any) -> list[ProvisioningResult]:
    """What `provision_all` of a strict client gives; `take` closes the iterator after so many."""
    return facade.listed(facade.client(max_retries=0).provision_all(*args, **kwargs), take)


def script_tokens(facade: Facade) -> set[str]:
    return {device.token for device in facade.server.user.devices if device.platform == "script"}


def test_every_script_device_of_the_user(facade: Facade) -> None:
    for _ in range(40):
        facade.server.add_device(facade.server.user)
    steps: list[tuple[int, int | None]] = []
    found = results(facade, on_progress=lambda done, total: steps.append((done, total)))
    assert {result.device_token for result in found} == script_tokens(facade)
    assert all(result.provisioning and result.provisioning.sip_username for result in found)
    assert steps == [(done, 42) for done in range(1, 43)]
    routes = [request.route for request in facade.server.requests]
    assert (routes.count("login"), routes.count("devices"), len(routes)) == (1, 1, 44)


def test_one_failure_does_not_end_the_run(facade: Facade) -> None:
    good = sorted(script_tokens(facade))
    found = results(facade, [good[0], "..", "t" + "0" * 64, good[1]], concurrency=1)
    assert [type(result.error) for result in found] == [type(None), ConfigurationError, NotFoundError, type(None)]
    assert [result.provisioning is None for result in found] == [False, True, True, False]


def test_tokens_from_an_iterator_are_taken_as_they_are_needed(facade: Facade) -> None:
    token = min(script_tokens(facade))
    taken = itertools.count()
    found = results(facade, (token for _ in taken), concurrency=2, take=3)
    assert len(found) == 3
    assert next(taken) <= 6


def test_no_more_calls_at_a_time_than_asked_for(facade: Facade) -> None:
    hold = Hold()
    facade.server.fail("provisioning", hold, times=None)
    token = min(script_tokens(facade))

    def release() -> None:
        facade.server.wait_for_requests(3, route="provisioning")
        seen.append(len([request for request in facade.server.requests if request.route == "provisioning"]))
        hold.release()

    seen: list[int] = []
    facade.together(lambda: results_of(facade, [token] * 9), meanwhile=release)
    assert seen == [3]


def results_of(facade: Facade, tokens: list[str]) -> Any:
    client = facade.client(max_retries=0)
    if not facade.is_async:
        return list(client.provision_all(tokens, concurrency=3))

    async def collect() -> list[ProvisioningResult]:
        return [result async for result in client.provision_all(tokens, concurrency=3)]

    return collect()


def test_a_run_takes_no_more_threads_than_calls_at_a_time(
    server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has connections of its own, which would be made again and again."""
    made: list[threading.Thread] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        made.extend([thread] if thread.name == "siperb-bulk" else [])
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    tokens = [device.token for device in server.add_devices(90)]
    with Siperb(server.pat, base_url=server.base_url, state=None) as client:
        assert all(result.provisioning for result in client.provision_all(tokens, concurrency=9))
    assert len(made) == 9


def test_the_error_of_the_list_is_raised(facade: Facade) -> None:
    facade.server.fail("devices", Status(500))
    with pytest.raises(InternalServerError):
        results(facade)


@pytest.mark.parametrize(
    ("tokens", "concurrency"),
    [("t0123", 16), (5, 16), ([], 0), ([], True), ([], "16"), ([], 1001), ([], 10**30)],
    ids=repr,
)
def test_misuse_is_said_at_once(facade: Facade, tokens: Any, concurrency: Any) -> None:
    client = facade.client()
    with pytest.raises(ConfigurationError):
        client.provision_all(tokens, concurrency=concurrency)


def test_a_session_of_another_kind_is_refused(server: SiperbServer) -> None:
    client = Siperb(server.pat, base_url=server.base_url, http_session=object())  # type: ignore[arg-type]
    with client, pytest.raises(ConfigurationError, match="http_session"):
        next(client.provision_all(["t0123"]))


def test_without_a_token_there_is_nothing_to_go_on_with(facade: Facade) -> None:
    client = facade.bare_client(base_url=facade.server.base_url)

    async def collect() -> list[ProvisioningResult]:
        return [result async for result in client.provision_all(["t0123"])]

    with pytest.raises(MissingCredentialsError):
        facade.call(collect) if facade.is_async else list(client.provision_all(["t0123"]))


def test_a_run_that_is_closed_waits_for_no_retry_after(server: SiperbServer) -> None:
    server.fail("provisioning", Delay(0.0))  # the first one is answered
    server.fail("provisioning", Status(429, retry_after=25), times=None)
    with Siperb(server.pat, base_url=server.base_url, state=None) as client:
        found = client.provision_all([server.user.devices[0].token] * 2, concurrency=1)
        next(found)
        server.wait_for_requests(2, route="provisioning")
        (worker,) = (thread for thread in threading.enumerate() if thread.name == "siperb-bulk")
        found.close()  # type: ignore[attr-defined]
        worker.join(10)
        assert not worker.is_alive()
    assert [request.route for request in server.requests].count("provisioning") == 2


async def test_tokens_that_fail_to_come_leave_no_task_behind(server: SiperbServer) -> None:
    def tokens() -> Iterator[str]:
        yield server.user.devices[0].token
        raise LookupError("the tokens are gone")

    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        with pytest.raises(LookupError):
            await anext(client.provision_all(tokens()))
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
