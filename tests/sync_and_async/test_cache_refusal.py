"""What becomes of a record when the API refuses, or fails; and of a document whose JWT has expired."""

from __future__ import annotations

from typing import Any

import pytest
from cached_calls import WatchedCache, devices_key, provisioning_key
from facades import Facade, said, warnings_of

from siperb import AuthenticationError, DeviceNotScriptError, MemoryCache, NotFoundError
from siperb.testing import Body, Device, Drop, Json, Status


@pytest.mark.parametrize("code", [403, 404])
def test_a_refusal_removes_the_record(facade: Facade, code: int) -> None:
    cache = WatchedCache()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("devices", Status(code))
    assert facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert cache.load(devices_key(facade.server)) is None


def test_a_revoked_pat_removes_the_record(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.revoke_pat()
    facade.server.expire_sessions()
    assert facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert cache.load(devices_key(facade.server)) is None


def test_a_device_that_is_gone_is_gone_from_the_cache(facade: Facade, cache: MemoryCache) -> None:
    device = facade.server.user.devices[0]
    client = facade.client(cache=cache, strict=True)
    assert facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.server.remove_device(device)
    assert facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.close(client)
    second = facade.client(cache=cache, strict=True)
    with pytest.raises(NotFoundError):
        facade.call(second.get_provisioning, device.token, enable_cache=True)


@pytest.mark.parametrize(
    "fault", [Status(500), Status(429, retry_after=3600), Drop("head"), Body("<html>"), Json({}), Json(None)], ids=repr
)
def test_any_other_failure_keeps_it_and_says_so_once(
    facade: Facade, cache: MemoryCache, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = facade.client(cache=cache, max_retries=0)
    before = facade.call(client.get_devices, enable_cache=True)
    record = cache.load(devices_key(facade.server))
    facade.server.fail("devices", fault, times=None)
    assert facade.call(client.get_devices, enable_cache=True) == before
    facade.close(client)
    assert cache.load(devices_key(facade.server)) == record
    assert len(warnings_of(caplog)) == 1


def test_after_a_refresh_that_failed_none_is_tried_for_a_while(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache, max_retries=0)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.clear()
    facade.server.fail("devices", Status(500), times=None)
    with facade.warning():  # that it failed
        facade.call(client.get_devices, enable_cache=True)
    for _ in range(3):
        assert facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert said(facade.server) == ["devices"]


# A document whose JWT has expired.


@pytest.fixture
def expired(facade: Facade, cache: MemoryCache) -> Device:
    """A device whose stored document has a JWT with 30 s left."""
    device = facade.server.user.devices[0]
    facade.server.jwt_lifetime = 30.0
    client = facade.client(cache=cache)
    assert facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.close(client)
    facade.server.jwt_lifetime = 86400.0
    facade.server.set_settings(device, {"sip_domain": "new.example"})
    facade.server.clear()
    return device


def test_it_is_fetched_first(facade: Facade, cache: MemoryCache, expired: Device) -> None:
    client = facade.client(cache=cache)
    assert facade.call(client.get_provisioning, expired.token, enable_cache=True).sip_domain == "new.example"
    assert said(facade.server).count("provisioning") == 1
    facade.server.set_settings(expired, {"sip_domain": "newer.example"})
    assert facade.call(client.get_provisioning, expired.token, enable_cache=True).sip_domain == "new.example"


@pytest.mark.parametrize("fault", [Status(500), Drop("head"), Body("<html>")], ids=repr)
def test_it_is_returned_with_a_warning_when_the_network_fails(
    facade: Facade, cache: MemoryCache, expired: Device, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    facade.server.fail("provisioning", fault, times=None)
    client = facade.client(cache=cache, max_retries=0, strict=True)
    found = facade.call(client.get_provisioning, expired.token, enable_cache=True)
    assert found.sip_domain != "new.example"
    assert len(warnings_of(caplog)) == 1
    assert "expired" in warnings_of(caplog)[0]


@pytest.mark.parametrize(("code", "kind"), [(401, AuthenticationError), (404, NotFoundError)])
def test_it_is_evicted_and_refused_when_the_api_refuses(
    facade: Facade, cache: MemoryCache, expired: Device, code: int, kind: type[Exception]
) -> None:
    facade.server.fail("provisioning", Status(code), times=None)
    client = facade.client(cache=cache, strict=True)
    with pytest.raises(kind):
        facade.call(client.get_provisioning, expired.token, enable_cache=True)
    assert cache.load(provisioning_key(facade.server, expired)) is None


def test_it_is_evicted_when_the_device_changed_its_platform(
    facade: Facade, cache: MemoryCache, expired: Device
) -> None:
    facade.server.change_device(expired, platform="ios")
    client = facade.client(cache=cache, strict=True)
    with pytest.raises(DeviceNotScriptError):
        facade.call(client.get_provisioning, expired.token, enable_cache=True)
    assert cache.load(provisioning_key(facade.server, expired)) is None
