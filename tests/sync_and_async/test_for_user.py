"""A view on a client, in which every call is a domain user's, on both facades, against the loopback API."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
from typing import Any

import pytest
from attrs import evolve
from facades import Facade, said, warnings_of
from sip_registrars import running_registrar

from siperb import ConfigurationError, DomainUser, MemoryCache, NotFoundError, SiperbAPI
from siperb.testing import Json, Status, User


@pytest.fixture
def anna(facade: Facade) -> User:
    """A user of the domain, with one script device and one of another platform."""
    anna = facade.server.add_domain_user("anna@contact.example", "Anna")
    facade.server.add_device(anna, description="Headset")
    facade.server.add_device(anna, platform="ios")
    return anna


def device_of(user: User) -> str:
    return next(device.token for device in user.devices if device.platform == "script")


def below(user: User) -> str:
    assert user.owner
    return f"/Users/{user.owner.user_id}/DomainUsers/{user.user_id}"


def test_domain_users(facade: Facade, anna: User) -> None:
    ben = facade.server.add_domain_user("ben@contact.example", "Ben")
    facade.server.page_size = 1
    client = facade.client()
    users = facade.call(client.get_domain_users)
    assert [(user.user_id, user.email) for user in users] == [(each.user_id, each.email) for each in (anna, ben)]
    assert users[0].raw["UserDescription"] == "Anna"
    assert [user.email for user in facade.call(client.get_domain_users, search="BEN")] == ["ben@contact.example"]


def test_names_of_a_domain_user(facade: Facade) -> None:
    facade.server.fail("domain_users", Json([{"UserId": "u1"}, {"UserEmailId": "u2", "Email": "b@x.example"}]))
    users = facade.call(facade.client().get_domain_users)
    assert [(user.user_id, user.email) for user in users] == [("u1", None), ("u2", "b@x.example")]


def test_domain_users_raise_whether_strict_or_not(facade: Facade) -> None:
    facade.server.fail("domain_users", Status(404))
    with pytest.raises(NotFoundError):
        facade.call(facade.client().get_domain_users)


def test_every_call_is_the_domain_users(facade: Facade, anna: User) -> None:
    client = facade.client(strict=True)
    view = client.for_user(facade.call(client.get_domain_users)[0])
    assert type(view) is type(client)
    facade.server.clear()
    assert [device.device_token for device in facade.call(view.get_devices)] == [device_of(anna)]
    assert facade.call(view.get_provisioning, device_of(anna)).sip_password
    assert facade.call(view.get_user).user_id == anna.user_id
    assert facade.call(view.request, "PUT", "/Users/{user_id}/Provisioning", json={"RecordAllCalls": True})
    assert anna.settings == {"RecordAllCalls": True}
    path = "/Users/{user_id}/DomainUsers/{domain_user_id}/Devices"
    assert len(facade.call(view.get_all, path)) == len(facade.call(view.get_all, "/Users/{uID}/Devices")) == 2

    async def collect() -> list[Any]:
        return [result async for result in view.provision_all()]

    results = facade.call(collect) if facade.is_async else list(view.provision_all())
    assert [result.device_token for result in results] == [device_of(anna)]
    assert all(request.path_qs.startswith(below(anna)) for request in facade.server.requests)


def test_one_login_for_the_client_and_its_views(facade: Facade, anna: User) -> None:
    client = facade.client(strict=True)
    view = client.for_user(anna.user_id)
    facade.call(view.get_devices)
    facade.call(client.get_devices)
    facade.call(client.for_user(anna.user_id).get_devices)
    assert said(facade.server).count("login") == 1
    facade.server.fail("devices", Status(401))
    facade.call(view.get_devices)
    assert said(facade.server).count("login") == 2
    assert client.session


def test_a_view_has_no_session_and_publishes_nothing(facade: Facade, anna: User) -> None:
    client = facade.client(strict=True, state=SiperbAPI)
    try:
        facade.call(client.get_devices)
        published = SiperbAPI.DEVICES
        view = client.for_user(anna.user_id)
        facade.call(view.get_devices)
        facade.call(view.get_provisioning, device_of(anna))
        assert client.session
        assert view.session is None
        assert published == SiperbAPI.DEVICES
        assert SiperbAPI.PROVISIONING is None
        assert client.session.session_token not in repr(view)
    finally:
        SiperbAPI.clear()


def test_what_is_cached_is_the_domain_users_own(facade: Facade, anna: User) -> None:
    ben = facade.server.add_domain_user("ben@contact.example")
    cache = MemoryCache()
    client = facade.client(strict=True, cache=cache)
    own = sum(device.platform == "script" for device in facade.server.user.devices)
    expected = {None: own, anna.user_id: 1, ben.user_id: 0}
    for _ in range(2):
        for user_id, count in expected.items():
            one = client.for_user(user_id) if user_id else client
            assert len(facade.call(one.get_devices, enable_cache=True)) == count
        assert facade.call(client.for_user(anna.user_id).get_provisioning, device_of(anna), enable_cache=True)
    facade.close(client)
    facade.server.fail(None, Status(503), times=None)
    again = facade.client(strict=True, cache=cache, max_retries=0)
    for user_id, count in expected.items():
        one = again.for_user(user_id) if user_id else again
        assert len(facade.call(one.get_devices, enable_cache=True)) == count
    facade.call(again.logout)
    for user_id in anna.user_id, ben.user_id:
        assert facade.call(facade.client(cache=cache).for_user(user_id).get_devices, enable_cache=True) is None


def test_a_refresh_is_the_domain_users_too(facade: Facade, anna: User) -> None:
    cache = MemoryCache()
    client = facade.client(strict=True, cache=cache)
    view = client.for_user(anna.user_id)
    facade.call(view.get_devices, enable_cache=True)
    facade.server.add_device(anna, description="Second")
    assert len(facade.call(view.get_devices, enable_cache=True)) == 1
    facade.close(client)
    again = facade.client(strict=True, cache=cache).for_user(anna.user_id)
    assert len(facade.call(again.get_devices, enable_cache=True)) == 2


def test_an_unknown_domain_user(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    view = facade.client().for_user("f" * 32)
    assert facade.call(view.get_devices) is None
    assert warnings_of(caplog) == [
        "get_devices returns None: GET /Users/{id}/DomainUsers/{id}/Devices/ answered 404: "
        "there is no such user or device; check the device token and the base_url."
    ]


@pytest.mark.parametrize("user", ["", ".", "..", "a\n", None, 5, b"x", object()])
def test_what_is_no_user_is_refused(facade: Facade, user: Any) -> None:
    with pytest.raises(ConfigurationError):
        facade.client().for_user(user)


def test_a_view_has_no_domain_users_and_no_login_of_its_own(facade: Facade, anna: User) -> None:
    client = facade.client()
    facade.call(client.login)
    session = client.session
    view = client.for_user(DomainUser(anna.user_id))
    for call, arguments in (
        (view.for_user, (anna.user_id,)),
        (view.get_domain_users, ()),
        (view.request, ("GET", "/Users/{user_id}/DomainUsers")),
        (view.get_all, ("/Other",)),
        (view.login, ()),
        (view.logout, ()),
        (view.save_pat, ("pat",)),
    ):
        with pytest.raises(ConfigurationError, match=r"view"):
            facade.call(call, *arguments)
    assert client.session is session is not None
    assert said(facade.server) == ["login"]


def test_closing_a_view_leaves_its_client_open(facade: Facade, anna: User) -> None:
    client = facade.client(strict=True)
    view = client.for_user(anna.user_id)

    async def in_a_block() -> None:
        async with view:
            await view.get_devices()

    if facade.is_async:
        facade.call(in_a_block)
    else:
        with view:
            view.get_devices()
    facade.close(view)
    assert facade.call(view.get_devices)
    assert facade.call(client.get_devices)
    facade.close(client)
    with pytest.raises(ConfigurationError, match="closed"):
        facade.call(view.get_devices)


def test_a_view_that_is_dropped_says_nothing_and_keeps_its_client(facade: Facade, anna: User) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        view = type(facade.client())(facade.server.pat, base_url=facade.server.base_url).for_user(anna.user_id)
        assert facade.call(view.get_devices)
        gc.collect()
        assert not heard
        client = view._client
        del view
        gc.collect()
        assert not heard
        facade.close(client)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda view: pickle.loads(pickle.dumps(view))])
def test_a_view_is_not_copied(facade: Facade, again: Any) -> None:
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        again(facade.client().for_user("u1"))


def test_a_check_of_a_domain_users_phone_shows_no_session(facade: Facade, anna: User) -> None:
    client = facade.client(strict=True)
    facade.call(client.login)
    with running_registrar() as registrar:
        phone = evolve(registrar.phone, registration_mode="Proxy")
        assert facade.call(client.check_registration, phone, insecure=True).accepted
        assert "X-Siperb-Sid" in registrar.requests[-1]
        registrar.requests.clear()
        assert facade.call(client.for_user(anna.user_id).check_registration, phone, insecure=True).accepted
        assert registrar.requests
        assert not any("X-Siperb-Sid" in request for request in registrar.requests)
