"""A call logs in by itself; a session that has ended is renewed once, and never one that was passed."""

from __future__ import annotations

import pytest
from facades import Facade, said, warnings_of

from siperb import AuthenticationError
from siperb.testing import Status


def test_a_call_logs_in_by_itself_and_remembers(facade: Facade) -> None:
    client = facade.client()
    assert client.session is None
    assert facade.call(client.get_devices)
    assert client.session.user_id == facade.server.user.user_id
    assert facade.call(client.get_provisioning, facade.server.user.devices[0].token)
    assert said(facade.server) == ["login", "devices", "provisioning"]


def test_a_session_that_expired_is_renewed_once(facade: Facade) -> None:
    client = facade.client()
    old = facade.call(client.login)
    facade.server.expire_sessions()
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices", "login", "devices"]
    assert client.session.session_token not in (None, old.session_token)
    assert facade.call(client.get_devices)
    assert len(facade.server.requests) == 5


def test_the_pat_of_the_login_is_the_one_that_logs_in_again(facade: Facade) -> None:
    facade.server.add_user(pat="pat-second")
    client = facade.client()
    facade.call(client.login, "pat-second")
    facade.server.expire_sessions()
    assert facade.call(client.get_devices) == []  # the second user has none
    logins = [request.headers["Authorization"] for request in facade.server.requests if request.route == "login"]
    assert logins == ["Bearer pat-second"] * 2


def test_a_session_that_is_refused_again_is_the_callers(facade: Facade) -> None:
    facade.server.fail("devices", Status(401), times=None)
    client = facade.client(strict=True)
    with pytest.raises(AuthenticationError):
        facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices", "login", "devices"]


def test_a_401_from_login_never_loops(facade: Facade) -> None:
    facade.server.revoke_pat()
    client = facade.client(strict=True)
    for method in client.login, client.get_devices:
        facade.server.clear()
        with pytest.raises(AuthenticationError) as caught:
            facade.call(method)
        assert caught.value.path_template == "/Login"
        assert said(facade.server) == ["login"]


def test_a_pat_that_was_revoked_is_found_out_when_the_session_ends(facade: Facade) -> None:
    client = facade.client(strict=True)
    facade.call(client.login)
    facade.server.revoke_pat()
    assert facade.call(client.get_devices)
    facade.server.expire_sessions()
    with pytest.raises(AuthenticationError) as caught:
        facade.call(client.get_devices)
    assert caught.value.path_template == "/Login"


def test_a_session_that_was_passed_is_never_renewed(facade: Facade) -> None:
    client = facade.client(strict=True)
    with pytest.raises(AuthenticationError) as caught:
        facade.call(client.get_devices, user_id="ann", session_token="gone")
    assert caught.value.path_template == "/Users/{id}/Devices/"
    assert said(facade.server) == ["devices"]
    assert client.session is None


def test_a_session_that_was_passed_leaves_the_clients_own_alone(facade: Facade) -> None:
    other = facade.server.add_user()
    client = facade.client()
    own = facade.call(client.login)
    given = {"user_id": other.user_id, "session_token": other.session_token}
    assert facade.call(client.get_devices, **given) == []
    assert client.session == own


def test_an_automatic_login_that_is_refused_is_the_calls_failure(
    facade: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    facade.server.revoke_pat()
    client = facade.client()
    assert facade.call(client.get_devices) is None
    assert len(warnings_of(caplog)) == 1
    assert warnings_of(caplog)[0].startswith("get_devices returns None: POST /Login answered 401")
