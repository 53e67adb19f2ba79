"""What clients publish, and that they never read it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from facades import Facade, said

from siperb import Device, Provisioning, Session, SiperbState

ANN, BOB = Session("ann", "token,a"), Session("bob", "token,b")


def test_it_is_empty_until_something_is_published() -> None:
    state = SiperbState()
    assert (state.session, state.SESSION_TOKEN, state.USER_ID, state.DEVICES, state.PROVISIONING) == (None,) * 5


def test_both_names_read_through_the_pair() -> None:
    state = SiperbState()
    for session in ANN, BOB:
        state.session = session
        assert (session.user_id, session.session_token) == (state.USER_ID, state.SESSION_TOKEN)
    state.clear()
    assert (state.USER_ID, state.SESSION_TOKEN) == (None, None)


@pytest.mark.parametrize("name", ["SESSION_TOKEN", "USER_ID"])
def test_neither_name_can_be_set_alone(name: str) -> None:
    state: Any = SiperbState()
    with pytest.raises(AttributeError):
        setattr(state, name, "x")


def test_a_reader_never_sees_the_token_of_one_with_the_user_of_another() -> None:
    state = SiperbState()
    state.session = ANN
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            state.session = BOB
            state.session = ANN

    writer = threading.Thread(target=flip)
    writer.start()
    try:
        seen = {(state.session.user_id, state.session.session_token) for _ in range(20_000) if state.session}
        pairs = set()
        for _ in range(20_000):
            session = state.session
            assert session
            pairs.add((session.user_id, session.session_token))
    finally:
        stop.set()
        writer.join()
    assert pairs <= {("ann", "token,a"), ("bob", "token,b")}
    assert seen


def test_what_calls_return_is_published_as_models(facade: Facade) -> None:
    state = SiperbState()
    client = facade.client(state=state)
    session = facade.call(client.login)
    assert state.session is session is client.session
    devices = facade.call(client.get_devices)
    assert devices == state.DEVICES
    assert all(isinstance(device, Device) for device in state.DEVICES or [])
    provisioning = facade.call(client.get_provisioning, devices[0].device_token)
    assert state.PROVISIONING is provisioning
    assert isinstance(provisioning, Provisioning)


def test_the_callers_list_is_its_own(facade: Facade) -> None:
    client = facade.client()
    devices = facade.call(client.get_devices)
    devices.clear()
    assert len(client.state.DEVICES) == 2


def test_a_client_never_reads_it(facade: Facade) -> None:
    state = SiperbState()
    client = facade.client(state=state)
    session = facade.call(client.login)
    state.session = BOB
    state.DEVICES = []
    assert len(facade.call(client.get_devices)) == 2
    assert client.session == session
    assert facade.server.requests[-1].headers["X-Api-Key"] == session.session_token
    state.clear()
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices", "devices"]


def test_two_clients_of_one_state_remember_their_own_sessions(facade: Facade) -> None:
    state, other = SiperbState(), facade.server.add_user()
    one, two = facade.client(state=state), facade.client(other.pat, state=state)
    facade.call(one.login)
    facade.call(two.login)
    assert other.user_id == state.USER_ID
    assert len(facade.call(one.get_devices)) == 2
    assert facade.call(two.get_devices) == []


def test_an_automatic_login_is_published(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.get_devices)
    assert facade.server.user.user_id == client.state.USER_ID
    facade.server.expire_sessions()
    old = client.state.SESSION_TOKEN
    facade.call(client.get_devices)
    assert client.state.SESSION_TOKEN == client.session.session_token != old


def test_a_cached_answer_is_published(facade: Facade, cache: Any) -> None:
    for _ in range(2):
        client = facade.client(cache=cache)
        assert facade.call(client.get_devices, enable_cache=True)
        assert client.state.DEVICES


def test_a_background_refresh_publishes_nothing(facade: Facade, cache: Any) -> None:
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.add_device()
    facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert said(facade.server) == ["login", "devices", "devices"]
    assert len(client.state.DEVICES) == 2


def test_logout_clears_it(facade: Facade) -> None:
    client = facade.client()
    devices = facade.call(client.get_devices)
    facade.call(client.get_provisioning, devices[0].device_token)
    facade.call(client.logout)
    state = client.state
    assert (state.session, state.SESSION_TOKEN, state.USER_ID, state.DEVICES, state.PROVISIONING) == (None,) * 5
