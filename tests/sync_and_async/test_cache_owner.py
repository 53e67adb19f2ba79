"""A record is read by one user, at one address, under one key."""

from __future__ import annotations

from cached_calls import descriptions
from facades import Facade, said

from siperb import MemoryCache
from siperb.testing import Hold, SiperbServer, Status


def test_another_user_with_the_same_key_never_sees_it(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    other = server.add_user()
    server.add_device(other, description="Theirs")
    first, second = facade.client(cache=cache), facade.client(other.pat, cache=cache)
    for _ in range(2):
        assert descriptions(facade.call(first.get_devices, enable_cache=True)) == ["Front Desk", "Door bell"]
        assert descriptions(facade.call(second.get_devices, enable_cache=True)) == ["Theirs"]


def test_another_user_on_the_same_client_never_sees_it(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    other = server.add_user()
    client = facade.client(cache=cache)
    mine = facade.call(client.get_devices, enable_cache=True)
    facade.call(client.login, other.pat, enable_cache=True)
    assert facade.call(client.get_devices, enable_cache=True) == []
    facade.call(client.login, enable_cache=True)
    assert facade.call(client.get_devices, enable_cache=True) == mine


def test_another_host_never_sees_it(facade: Facade, other_server: SiperbServer, cache: MemoryCache) -> None:
    pat = facade.server.pat
    theirs = other_server.add_user(pat=pat)
    other_server.add_device(theirs, description="Elsewhere")
    here, there = facade.client(cache=cache), facade.client(cache=cache, base_url=other_server.base_url)
    for _ in range(2):
        for client, expected in (here, facade.server.user), (there, theirs):
            assert facade.call(client.login, enable_cache=True).session_token == expected.session_token
    assert descriptions(facade.call(here.get_devices, enable_cache=True)) == ["Front Desk", "Door bell"]
    assert descriptions(facade.call(there.get_devices, enable_cache=True)) == ["Elsewhere"]
    assert len(said(other_server)) == 2


def test_a_device_and_a_key_have_a_record_each(facade: Facade, cache: MemoryCache) -> None:
    one, two = (facade.server.user.devices[index] for index in (0, 2))
    client = facade.client(cache=cache)
    results = [
        facade.call(client.get_provisioning, device.token, enable_cache=True, provisioning_key=key)
        for device in (one, two)
        for key in ("a", "b")
    ]
    assert len({result.sip_username for result in results}) == 2
    assert said(facade.server).count("provisioning") == 4
    facade.call(client.get_devices, enable_cache=True, session_key="a")
    facade.call(client.get_devices, enable_cache=True, session_key="b")
    assert said(facade.server).count("devices") == 2


def test_a_refresh_of_an_older_login_leaves_a_newer_one_alone(facade: Facade, cache: MemoryCache) -> None:
    other = facade.server.add_user()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.clear()
    hold = Hold()
    facade.server.fail("devices", hold, Status(401))
    facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(1, route="devices")
    facade.call(client.login, other.pat)
    hold.release()
    facade.close(client)
    assert client.session.user_id == client.state.USER_ID == other.user_id
    assert said(facade.server) == ["devices", "login"]
