"""A session that is kept in the cache, and what a logout removes."""

from __future__ import annotations

import pytest
from cached_calls import devices_key
from facades import Facade, said

from siperb import MemoryCache, MissingCredentialsError
from siperb.client.caching import session_key
from siperb.testing import Hold, Status


def test_a_session_is_kept_and_used_without_asking(facade: Facade, cache: MemoryCache) -> None:
    session = facade.call(facade.client(cache=cache).login, enable_cache=True)
    client = facade.client(cache=cache)
    assert facade.call(client.login, enable_cache=True) == session
    assert client.session == client.state.session == session
    assert said(facade.server) == ["login"]
    record = cache.load(session_key(facade.server.base_url, facade.server.pat, "SiperbLogin"))
    assert record
    assert record.expires_at
    assert record.expires_at - record.stored_at == 24 * 86400


def test_a_kept_session_that_expired_gives_way_to_the_next(facade: Facade, cache: MemoryCache) -> None:
    facade.call(facade.client(cache=cache).login, enable_cache=True)
    facade.server.expire_sessions()
    facade.server.clear()
    client = facade.client(cache=cache)
    facade.call(client.login, enable_cache=True)
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["devices", "login", "devices"]
    third = facade.client(cache=cache)
    assert facade.call(third.login, enable_cache=True) == client.session
    assert len(facade.server.requests) == 3


def test_another_login_key_is_another_session(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.login, enable_cache=True, login_key="a")
    facade.call(client.login, enable_cache=True, login_key="b")
    facade.call(client.login, enable_cache=True, login_key="a")
    assert said(facade.server) == ["login", "login"]


def test_a_second_process_asks_for_nothing(facade: Facade, cache: MemoryCache) -> None:
    """The session that `get_devices` makes by itself is kept with the list."""
    hold = Hold()
    first = facade.client(cache=cache)
    facade.call(first.get_devices, enable_cache=True)
    facade.server.clear()
    facade.server.fail(None, hold, times=None)
    second = facade.client(cache=cache)
    assert facade.call(second.get_devices, enable_cache=True)
    hold.release()
    facade.close(second)
    assert said(facade.server) == ["devices"]


# The end of it.


def test_logout_removes_all(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    other = server.add_user()
    bystander = facade.client(other.pat, cache=cache)
    facade.call(bystander.get_devices, enable_cache=True)
    client = facade.client(cache=cache)
    facade.call(client.login, enable_cache=True)
    facade.call(client.login, enable_cache=True, login_key="second")
    facade.call(client.save_pat, server.pat)
    facade.call(client.get_devices, enable_cache=True, session_key="odd")
    for device in server.user.devices[::2]:
        facade.call(client.get_provisioning, device.token, enable_cache=True)
    assert repr(cache) == "<MemoryCache of 8 records>"
    facade.call(client.logout)
    assert repr(cache) == "<MemoryCache of 2 records>"
    assert cache.load(devices_key(server, user=other))
    with pytest.raises(MissingCredentialsError):
        facade.call(facade.bare_client(base_url=server.base_url, cache=cache).login)


def test_logout_in_another_process_removes_all(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.call(facade.client(cache=cache).logout)
    assert repr(cache) == "<MemoryCache of 0 records>"


def test_a_refresh_under_way_brings_nothing_back_after_a_logout(facade: Facade, cache: MemoryCache) -> None:
    hold = Hold()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("devices", hold)
    facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(2, "devices")
    facade.call(client.logout)
    hold.release()
    facade.close(client)
    assert repr(cache) == "<MemoryCache of 0 records>"


def test_a_refresh_under_way_does_not_log_in_again_after_a_logout(facade: Facade, cache: MemoryCache) -> None:
    hold = Hold()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("devices", hold, Status(401))
    facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(2, "devices")
    facade.server.clear()
    facade.call(client.logout)
    hold.release()
    facade.close(client)
    assert (client.session, client.state.session) == (None, None)
    assert repr(cache) == "<MemoryCache of 0 records>"
    assert said(facade.server) == []


def test_what_ends_after_a_logout_is_neither_kept_nor_published(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.login)
    hold = Hold()
    facade.server.fail("devices", hold)

    devices, _ = facade.together(
        lambda: client.get_devices(enable_cache=True),
        facade.after(lambda: facade.server.wait_for_requests(1, route="devices"), client.logout, then=hold.release),
    )
    assert len(devices) == 2
    assert repr(cache) == "<MemoryCache of 0 records>"
    assert (client.session, client.state.session, client.state.DEVICES) == (None, None, None)
