"""A PAT that is refused is refused once, whatever runs at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from facades import Facade, said

from siperb import AuthenticationError
from siperb.testing import SiperbServer, Status

MANY = 300


def provisioned(facade: Facade, client: Any, tokens: list[str]) -> list[Any]:
    if not facade.is_async:
        return list(client.provision_all(tokens))

    async def collect() -> list[Any]:
        return [result async for result in client.provision_all(tokens)]

    found: list[Any] = facade.call(collect)
    return found


@pytest.mark.parametrize("refused", ["PAT", "session"])
def test_a_bulk_run_stops_asking_when_its_token_is_refused(facade: Facade, refused: str) -> None:
    server = facade.server
    tokens = [device.token for device in server.add_devices(MANY)]
    client = facade.client()
    facade.call(client.login)
    server.clear()
    if refused == "PAT":
        server.expire_sessions()
        server.revoke_pat()
    else:  # the login hands out the same session, which is refused again
        server.fail("provisioning", Status(401), times=None)

    results = provisioned(facade, client, tokens)
    assert [type(result.error) for result in results] == [AuthenticationError] * MANY
    asked = Counter(said(server))
    assert asked["login"] <= 2
    assert asked["provisioning"] <= 2 * 16

    server.clear_faults()
    server.clear()
    if refused == "session":  # and another call asks again
        assert facade.call(client.get_devices)


def test_two_hundred_threads_make_one_or_two_logins(server: SiperbServer) -> None:
    from siperb import Siperb

    tokens = [device.token for device in server.add_devices(200)]
    with Siperb(server.pat, base_url=server.base_url, state=None) as client:
        client.login()
        server.expire_sessions()
        server.revoke_pat()
        server.clear()
        threads = [threading.Thread(target=client.get_provisioning, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 <= said(server).count("login") <= 2


def test_a_login_that_is_asked_for_asks_whatever_was_refused_before(facade: Facade) -> None:
    client = facade.client(strict=True)
    facade.call(client.login)
    facade.server.expire_sessions()
    facade.server.clear()
    facade.server.fail("login", Status(401))
    with pytest.raises(AuthenticationError):
        facade.call(client.get_devices)
    with pytest.raises(AuthenticationError):
        facade.call(client.get_devices)  # within a second: nothing is asked
    assert said(facade.server) == ["devices", "login"]
    assert facade.call(client.login)
    assert facade.call(client.get_devices)
