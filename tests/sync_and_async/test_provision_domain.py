"""provision_all(domain_users=…): the devices of a whole domain, in one run."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from facades import Facade, said

from siperb import AuthenticationError, ConfigurationError, NotFoundError, PermissionDeniedError
from siperb.testing import Hold, SiperbServer, Status, User


def domain(server: SiperbServer, users: int, devices: int) -> list[User]:
    found = [server.add_domain_user() for _ in range(users)]
    for user in found:
        server.add_devices(devices, user)
    return found


def test_a_whole_domain_is_one_run(facade: Facade) -> None:
    users = domain(facade.server, 30, 3)
    client = facade.client(strict=True)
    steps: list[tuple[int, int | None]] = []
    found = facade.listed(
        client.provision_all(
            domain_users=facade.call(client.get_domain_users),
            on_progress=lambda done, total: steps.append((done, total)),
        )
    )
    assert [result.error for result in found] == [None] * 90
    whose = {device.token: user.user_id for user in users for device in user.devices}
    assert {result.device_token: result.user_id for result in found} == whose
    assert steps == [(done, None) for done in range(1, 91)]
    asked = Counter(said(facade.server))
    assert (asked["login"], len(facade.server.requests)) == (1, 122)
    assert client.state.PROVISIONING is None


def test_ones_own_devices_name_no_user(facade: Facade) -> None:
    found = facade.listed(facade.client(strict=True).provision_all())
    assert {result.user_id for result in found} == {None}


def test_who_cannot_be_listed_is_a_result(facade: Facade) -> None:
    user, other = domain(facade.server, 2, 1)
    client = facade.client(strict=True)
    ids: list[Any] = [user.user_id, "0" * 32, "..", None, 5, other.user_id]
    found = facade.listed(client.provision_all(domain_users=ids, concurrency=1))
    assert [(result.user_id, bool(result.device_token)) for result in found] == [
        (user.user_id, True),
        ("0" * 32, False),
        ("..", False),
        ("", False),
        (5, False),
        (other.user_id, True),
    ]
    kinds = [NotFoundError, ConfigurationError, ConfigurationError, ConfigurationError]
    assert [type(result.error) for result in found[1:5]] == kinds


def test_the_devices_of_one_user_fail_by_themselves(facade: Facade) -> None:
    users = domain(facade.server, 3, 2)
    client = facade.client(strict=True, max_retries=0)
    facade.server.fail("provisioning", Status(403))
    found = facade.listed(client.provision_all(domain_users=[user.user_id for user in users], concurrency=1))
    assert [type(result.error) for result in found] == [PermissionDeniedError] + [type(None)] * 5
    assert found[0].user_id == users[0].user_id


def test_users_are_taken_when_the_devices_of_those_before_are_done(facade: Facade) -> None:
    (user,) = domain(facade.server, 1, 10)
    taken = itertools.count()

    def users() -> Iterator[str]:
        for _ in taken:
            yield user.user_id

    client = facade.client(strict=True)
    found = facade.listed(client.provision_all(domain_users=users(), concurrency=2), take=35)
    assert len(found) == 35
    assert next(taken) <= 35 // 10 + 4


def test_the_devices_of_a_single_user_are_side_by_side(facade: Facade) -> None:
    (user,) = domain(facade.server, 1, 12)
    client = facade.client(strict=True)
    hold = Hold()
    facade.server.fail("provisioning", hold, times=None)
    results = client.provision_all(domain_users=[user.user_id], concurrency=6)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(facade.listed, results)
        facade.server.wait_for_requests(6, route="provisioning")
        hold.release()
        assert [result.error for result in found.result(timeout=60)] == [None] * 12


def test_a_refused_pat_is_everybodys(facade: Facade) -> None:
    users = domain(facade.server, 50, 1)
    client = facade.client(strict=True)
    facade.call(client.login)
    facade.server.expire_sessions()
    facade.server.revoke_pat()
    facade.server.clear()
    found = facade.listed(client.provision_all(domain_users=[user.user_id for user in users], concurrency=4))
    assert [type(result.error) for result in found] == [AuthenticationError] * 50
    assert {result.user_id for result in found} == {user.user_id for user in users}
    assert len(facade.server.requests) <= 4 + 3


@pytest.mark.parametrize("users", ["5f1d0c7e", 5], ids=repr)
def test_misuse_is_said_at_once(facade: Facade, users: Any) -> None:
    client = facade.client()
    with pytest.raises(ConfigurationError, match="domain_users must be a list"):
        client.provision_all(domain_users=users)
    with pytest.raises(ConfigurationError, match="not both"):
        client.provision_all(["t0123"], domain_users=[])
    with pytest.raises(ConfigurationError, match="view"):
        client.for_user("5f1d0c7e").provision_all(domain_users=[])
