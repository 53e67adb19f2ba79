"""Calls at the same time: one login, one request for equal calls, an error for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facades import Facade, said

from siperb.testing import Hold, Status


def test_twelve_calls_that_find_the_session_expired_make_one_login(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.login)
    devices = [facade.server.add_device() for _ in range(12)]
    facade.server.expire_sessions()
    facade.server.clear()
    hold = Hold()
    facade.server.fail("provisioning", hold, times=12)

    def release() -> None:
        facade.server.wait_for_requests(12, route="provisioning")
        hold.release()

    calls: list[Callable[[], Any]] = [lambda token=device.token: client.get_provisioning(token) for device in devices]
    results = facade.together(*calls, meanwhile=release)
    assert [result.sip_username is not None for result in results] == [True] * 12
    assert said(facade.server).count("login") == 1
    assert said(facade.server).count("provisioning") == 24


def test_a_failure_is_shared_too_and_each_has_an_error_of_its_own(facade: Facade, waiting: Any) -> None:
    client = facade.client(strict=True)
    hold = Hold()
    facade.server.fail("login", hold, Status(403), times=None)

    def release() -> None:
        facade.server.wait_for_requests(1)
        if not facade.is_async:
            waiting(3)
        hold.release()

    results = facade.together(*[client.login] * 4, meanwhile=release)
    assert said(facade.server) == ["login"]
    assert {type(result).__name__ for result in results} == {"PermissionDeniedError"}
    assert {result.status_code for result in results} == {403}
    assert len({id(result) for result in results}) == 4


def test_other_arguments_are_another_call(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.login)
    hold = Hold()
    facade.server.clear()
    facade.server.fail("provisioning", hold, times=2)

    def release() -> None:
        facade.server.wait_for_requests(2)
        hold.release()

    tokens = [facade.server.user.devices[index].token for index in (0, 2)]
    calls: list[Callable[[], Any]] = [lambda token=token: client.get_provisioning(token) for token in tokens]
    one, two = facade.together(*calls, meanwhile=release)
    assert one.sip_username != two.sip_username
