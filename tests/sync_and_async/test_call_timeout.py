"""A call's own ``timeout=``, instead of the client's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from facades import Facade, said

from siperb import APITimeoutError, ConfigurationError, InternalServerError, NotProvisioned, Provisioning
from siperb.testing import Hold, Status

LONG = 60.0

CALLS: dict[str, Callable[..., Any]] = {
    "login": lambda client, token, **options: client.login(**options),
    "devices": lambda client, token, **options: client.get_devices(**options),
    "provisioning": lambda client, token, **options: client.get_provisioning(token, **options),
    "user": lambda client, token, **options: client.get_user(**options),
}


@pytest.mark.parametrize("route", CALLS)
def test_a_call_ends_by_its_own_timeout(facade: Facade, route: Any) -> None:
    client = facade.client(strict=True, timeout=LONG)
    facade.server.fail(route, Hold())
    began = time.monotonic()
    with pytest.raises(APITimeoutError):
        facade.call(CALLS[route], client, "t0", timeout=0.3)
    assert time.monotonic() - began < LONG / 4


@pytest.mark.parametrize("route", CALLS)
def test_a_call_may_take_longer_than_the_clients_timeout(facade: Facade, route: Any) -> None:
    client, token = facade.client(strict=True, timeout=0.3), facade.server.user.devices[0].token
    facade.call(client.login, timeout=LONG)
    facade.server.clear()
    facade.server.fail(route, Status(503, retry_after=0.5), times=2)
    with pytest.raises(InternalServerError):
        facade.call(CALLS[route], client, token)  # the wait would pass the client's timeout
    assert facade.call(CALLS[route], client, token, timeout=LONG)
    assert said(facade.server) == [route] * 3


def test_each_result_of_a_bulk_run_has_the_timeout(facade: Facade) -> None:
    client = facade.client(timeout=LONG)
    facade.server.fail("provisioning", Hold(), times=None)

    def collect() -> list[Any]:
        return list(client.provision_all(["t0", "t1"], timeout=0.3))

    async def collect_async() -> list[Any]:
        return [result async for result in client.provision_all(["t0", "t1"], timeout=0.3)]

    results = facade.call(collect_async if facade.is_async else collect)
    assert [type(result) for result in results] == [NotProvisioned] * 2
    assert all(isinstance(result.error, APITimeoutError) for result in results)


@pytest.mark.parametrize("timeout", [0, -1, True, "5", float("nan")])
@pytest.mark.parametrize(
    "call",
    [
        *CALLS.values(),
        lambda client, token, **options: client.provision_all(["t0"], **options),
        lambda client, token, **options: client.check_registration(Provisioning(), **options),
    ],
)
def test_what_is_no_time_is_refused(facade: Facade, call: Callable[..., Any], timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds"):
        facade.call(call, facade.client(), "t0", timeout=timeout)
    assert facade.server.requests == []


@pytest.mark.parametrize("first_is_short", [True, False])
def test_calls_that_wait_for_one_login_wait_as_long_as_each_says(facade: Facade, first_is_short: bool) -> None:
    client, hold = facade.client(strict=True, timeout=LONG), Hold()
    facade.server.fail("login", hold)

    def short() -> Any:
        try:
            return client.get_devices(timeout=1.0)
        except APITimeoutError:
            hold.release()

    async def short_in_a_task() -> Any:
        try:
            return await client.get_devices(timeout=1.0)
        except APITimeoutError:
            hold.release()

    calls: list[Any] = [short_in_a_task if facade.is_async else short, client.get_devices]
    if not first_is_short:
        calls.reverse()
    results = facade.together(
        calls[0], facade.after(lambda: facade.server.wait_for_requests(1, route="login"), calls[1])
    )
    if not first_is_short:
        results.reverse()
    assert results[0] is None
    assert len(results[1]) == 2
    assert said(facade.server) == ["login"] * (2 if first_is_short else 1) + ["devices"]
