"""Who a client is while logins, logouts and calls overlap."""

from __future__ import annotations

import itertools
import threading
from functools import partial
from typing import Any

import pytest
from facades import Facade, said

from siperb import MemoryCache, Siperb, SiperbError
from siperb.cache import Key, Record
from siperb.testing import Hold, SiperbServer, Status


@pytest.mark.parametrize("cached", [False, True], ids=["call", "refresh"])
def test_a_login_by_itself_that_ends_late_does_not_undo_a_newer_one(
    facade: Facade, cache: MemoryCache, cached: bool
) -> None:
    """The session of one user has expired and is being renewed when the program logs in as another."""
    server, hold = facade.server, Hold()
    other = server.add_user()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=cached)
    server.clear()
    server.fail("devices", Status(401))
    server.fail("login", hold)

    devices, session = facade.together(
        lambda: client.get_devices(enable_cache=cached),
        facade.after(lambda: server.wait_for_requests(1, route="login"), client.login, other.pat, then=hold.release),
    )
    facade.close(client)
    assert len(devices) == 2
    assert session.user_id == other.user_id
    assert client.session == client.state.session == session
    assert said(server).count("login") == 2


@pytest.mark.parametrize("change", ["logout", "another login"])
def test_a_bulk_run_ends_with_the_login_it_began_with(facade: Facade, change: str) -> None:
    server = facade.server
    other = server.add_user()
    tokens = [device.token for device in server.add_devices(5)]
    client = facade.client(strict=True)

    async def run() -> tuple[Any, list[Any]]:
        found = client.provision_all(tokens, concurrency=1)
        first = await anext(found)
        await (client.logout() if change == "logout" else client.login(other.pat))
        return first, [result async for result in found]

    if facade.is_async:
        first, rest = facade.call(run)
    else:
        found = client.provision_all(tokens, concurrency=1)
        first = next(found)
        client.logout() if change == "logout" else client.login(other.pat)
        rest = list(found)
    assert first.provisioning
    refused = [result.error for result in rest if result.error]
    assert len(refused) >= len(rest) - 1  # one was under way
    assert {str(error) for error in refused} == {"The client has logged out, or in as somebody else, meanwhile."}
    assert all(type(error) is SiperbError for error in refused)
    assert said(server).count("login") == (1 if change == "logout" else 2)
    assert (client.session and client.session.user_id) == (None if change == "logout" else other.user_id)


class SlowToForget(MemoryCache):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten, self.go_on = threading.Event(), threading.Event()

    def forget(self, owner: str) -> bool:
        answer = super().forget(owner)
        self.forgotten.set()
        return answer and self.go_on.wait(30)


def test_a_call_begun_during_a_logout_leaves_nothing(facade: Facade) -> None:
    cache = SlowToForget()
    client = facade.client(cache=cache)
    facade.call(client.login)

    get_devices = partial(client.get_devices, enable_cache=True)
    _, devices = facade.together(
        client.logout, facade.after(lambda: cache.forgotten.wait(30), get_devices, then=cache.go_on.set)
    )
    assert len(devices) == 2
    assert repr(cache) == "<MemoryCache of 0 records>"
    assert (client.session, client.state.session, client.state.DEVICES) == (None, None, None)
    assert facade.call(client.get_devices)  # and life goes on
    assert client.session == client.state.session == facade.call(client.login)
    assert len(client.state.DEVICES) == 2


class SlowToSave(MemoryCache):
    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on, self.evicted = threading.Event(), threading.Event(), threading.Event()
        self.order: list[str] = []

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        self.begun.set()
        assert self.go_on.wait(30)
        self.order.append("saved")
        return super().save(key, record, owner=owner, expected=expected)

    def evict(self, key: Key) -> bool:
        self.evicted.set()
        return super().evict(key)

    def forget(self, owner: str) -> bool:
        self.order.append("forgotten")
        return super().forget(owner)


def test_a_logout_overtakes_nothing_that_is_being_saved(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, waits = SlowToSave(), threading.Event()
    client = facade.client(cache=cache)
    facade.call(client.login)
    submit = client._writer.submit

    def watched(work: Any, deliver: Any) -> None:
        submit(work, deliver)
        if cache.begun.is_set():  # behind the save, which is under way
            waits.set()

    monkeypatch.setattr(client._writer, "submit", watched)

    def go_on() -> None:
        assert waits.wait(30)
        overtakes = cache.evicted.wait(0.5)  # a logout that does not wait has begun by then
        cache.go_on.set()
        assert not overtakes

    devices, nothing = facade.together(
        lambda: client.get_devices(enable_cache=True),
        facade.after(lambda: cache.begun.wait(30), client.logout),
        meanwhile=go_on,
    )
    assert (len(devices), nothing) == (2, None)
    assert cache.order == ["saved", "forgotten"]
    assert repr(cache) == "<MemoryCache of 0 records>"


def test_logouts_at_the_same_time_are_one(facade: Facade) -> None:
    cache = SlowToForget()
    client = facade.client(cache=cache)
    session = facade.call(client.login)
    forgotten: list[str] = []
    forget = cache.forget
    cache.forget = lambda owner: forgotten.append(owner) or forget(owner)  # type: ignore[func-returns-value, method-assign]

    def go_on() -> None:
        assert cache.forgotten.wait(30)
        cache.go_on.set()

    facade.together(client.logout, client.logout, meanwhile=go_on)
    assert forgotten == [Key.scope_of(facade.server.base_url, session.user_id)]


class GivesUp(MemoryCache):
    """A logout that is interrupted: by what is no failure of a cache."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = itertools.count()

    def forget(self, owner: str) -> bool:
        if next(self.failures):
            return super().forget(owner)
        raise KeyboardInterrupt


def test_a_logout_that_was_interrupted_leaves_the_client_in_order(server: SiperbServer) -> None:
    with Siperb(server.pat, base_url=server.base_url, cache=GivesUp(), state=None) as client:
        assert client.get_devices(enable_cache=True)
        with pytest.raises(KeyboardInterrupt):
            client.logout()
        assert client.session is None
        assert client.get_devices(enable_cache=True)
        client.logout()  # of both
        assert repr(client._cache._cache) == "<MemoryCache of 0 records>"


def test_a_login_that_begins_during_a_logout_counts(facade: Facade) -> None:
    """It came after the logout: the next call is that user's, and not the one's that left."""
    server, cache = facade.server, SlowToForget()
    other = server.add_user()
    client = facade.client(cache=cache)
    facade.call(client.login)
    _, session = facade.together(
        client.logout, facade.after(lambda: cache.forgotten.wait(30), client.login, other.pat, then=cache.go_on.set)
    )
    assert client.session == client.state.session == session
    assert session.user_id == other.user_id
    assert facade.call(client.get_devices) == []
    assert said(server) == ["login", "login", "devices"]


def test_a_login_that_a_logout_overtook_does_not(facade: Facade) -> None:
    server, hold = facade.server, Hold()
    client = facade.client(cache=MemoryCache())
    server.fail("login", hold)
    session, _ = facade.together(
        lambda: client.login(enable_cache=True),
        facade.after(lambda: server.wait_for_requests(1, route="login"), client.logout, then=hold.release),
    )
    assert session.user_id == server.user.user_id
    assert (client.session, client.state.session) == (None, None)
    assert repr(client._cache._cache) == "<MemoryCache of 0 records>"


def test_a_login_by_itself_that_meets_another_login_leaves_it_alone(facade: Facade) -> None:
    """The call began as the client's own user, and ends so."""
    server, hold = facade.server, Hold()
    other = server.add_user()
    client = facade.client()
    server.fail("login", hold)
    devices, session = facade.together(
        client.get_devices,
        facade.after(lambda: server.wait_for_requests(1, route="login"), client.login, other.pat, then=hold.release),
    )
    assert len(devices) == 2
    assert client.session == client.state.session == session
    assert client.state.DEVICES is None


def test_logins_as_two_users_at_the_same_time_are_two(facade: Facade) -> None:
    other = facade.server.add_user()
    client = facade.client()
    one, two = facade.together(client.login, lambda: client.login(other.pat))
    assert {one.user_id, two.user_id} == {facade.server.user.user_id, other.user_id}
    assert client.session == client.state.session
    assert client.session in (one, two)


def test_logins_of_one_user_at_the_same_time_are_one(facade: Facade, waiting: Any) -> None:
    client, hold = facade.client(), Hold()
    facade.server.fail("login", hold)

    def release() -> None:
        facade.server.wait_for_requests(1)
        if not facade.is_async:
            waiting(3)
        hold.release()

    sessions = facade.together(*[client.login] * 3, client.get_user, meanwhile=release)[:3]
    assert sessions == [client.session] * 3
    assert said(facade.server) == ["login", "user"]
