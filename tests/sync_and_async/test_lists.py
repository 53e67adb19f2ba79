"""Lists in pages, on both facades, against the loopback API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from facades import Facade, said, warnings_of
from hostile import Raw, head

from siperb import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    InternalServerError,
    MemoryCache,
    ProvisioningResult,
)
from siperb.testing import Body, Delay, Drop, Endless, Fault, Json, SiperbServer, Status

MANY = 25


@pytest.fixture
def paged(facade: Facade) -> Facade:
    """A user of 25 devices more, which come ten at a time: three pages."""
    facade.server.add_devices(MANY - 2)
    facade.server.page_size = 10
    return facade


def script_tokens(server: SiperbServer) -> list[str]:
    return [device.token for device in server.user.devices if device.platform == "script"]


def tokens(devices: Any) -> list[str]:
    return [device.device_token for device in devices]


def pages_asked(server: SiperbServer) -> list[str]:
    return [request.path_qs.partition("?")[2] for request in server.requests if request.route == "devices"]


def next_page(body: bytes, token: bytes) -> Raw:
    return Raw(head(b"X-Next-Token: " + token, b"Content-Length: %d" % len(body)) + body)


def test_a_list_has_all_its_pages(paged: Facade) -> None:
    assert tokens(paged.call(paged.client(strict=True).get_devices)) == script_tokens(paged.server)
    first, *others = pages_asked(paged.server)
    assert first == ""
    assert len(others) == 2
    assert all(query.startswith("nextToken=") and not set("+/ ") & set(query) for query in others)


@pytest.mark.parametrize("size", [1, 26, 27, None])
def test_pages_of_any_size(paged: Facade, size: int | None) -> None:
    paged.server.page_size = size
    assert tokens(paged.call(paged.client(strict=True).get_devices)) == script_tokens(paged.server)


@pytest.mark.parametrize("fault", [Status(503, retry_after=0), Drop("head")])
def test_each_page_is_tried_again(paged: Facade, fault: Fault) -> None:
    client = paged.client(strict=True, max_retries=1)
    paged.call(client.login)
    paged.server.fail("devices", fault)
    paged.server.fail("devices", Delay(0))
    paged.server.fail("devices", fault)
    assert tokens(paged.call(client.get_devices)) == script_tokens(paged.server)
    asked = pages_asked(paged.server)
    assert (asked[0], asked[2], len(asked)) == (asked[1], asked[3], 5)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(500), InternalServerError),
        (Drop("body"), APIConnectionError),
        (Json({"message": "Endpoint request timed out"}), APIResponseError),
        (Body("<html>", "text/html"), APIResponseError),
    ],
)
def test_a_page_that_fails_fails_the_list(
    paged: Facade, fault: Fault, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    for strict in False, True:
        paged.server.fail("devices", Delay(0), times=2)
        paged.server.fail("devices", fault)
        client = paged.client(max_retries=0, strict=strict)
        if strict:
            with pytest.raises(error):
                paged.call(client.get_devices)
        else:
            assert paged.call(client.get_devices) is None
            assert len(warnings_of(caplog)) == 1


def test_all_pages_are_within_one_deadline(paged: Facade) -> None:
    paged.server.page_size = 1
    paged.server.fail("devices", Delay(0.2), times=None)
    with pytest.raises(APITimeoutError):
        paged.call(paged.client(strict=True, timeout=1.0).get_devices)
    assert len(pages_asked(paged.server)) < 8


def test_a_session_that_expires_in_the_middle(paged: Facade) -> None:
    client = paged.client(strict=True)
    paged.call(client.login)
    paged.server.fail("devices", Delay(0))
    paged.server.fail("devices", Status(401))
    assert tokens(paged.call(client.get_devices)) == script_tokens(paged.server)
    assert said(paged.server) == ["login", "devices", "devices", "login", "devices", "devices"]
    asked = pages_asked(paged.server)
    assert asked[1] == asked[2] != ""


def test_a_token_that_comes_twice_ends_the_list(facade: Facade) -> None:
    body = json.dumps([{"DeviceToken": "t1", "Platform": "script"}]).encode()
    facade.server.fail("devices", next_page(body, b"again"), times=None)
    assert tokens(facade.call(facade.client(strict=True).get_devices)) == ["t1", "t1"]


def test_the_size_limit_holds_for_the_sum(facade: Facade) -> None:
    half = b"[" + b" " * (17 * 2**20) + b"]"
    for token in b"a", b"b":
        facade.server.fail("devices", next_page(half, token))
    with pytest.raises(APIResponseError, match="32 MiB"):
        facade.call(facade.client(strict=True).get_devices)


def test_the_cached_list_is_whole(paged: Facade) -> None:
    cache = MemoryCache()
    paged.call(paged.client(strict=True, cache=cache).get_devices, enable_cache=True)
    paged.server.fail(None, Status(503), times=None)
    stored = paged.call(paged.client(strict=True, cache=cache, max_retries=0).get_devices, enable_cache=True)
    assert tokens(stored) == script_tokens(paged.server)


def test_a_page_that_fails_keeps_the_cached_list(paged: Facade) -> None:
    cache = MemoryCache()
    client = paged.client(strict=True, cache=cache, max_retries=0)
    paged.call(client.get_devices, enable_cache=True)
    paged.server.add_devices(5)
    paged.server.fail("devices", Delay(0))
    paged.server.fail("devices", Status(500), times=None)
    for _ in range(2):
        assert len(paged.call(client.get_devices, enable_cache=True)) == MANY
    paged.close(client)
    again = paged.client(strict=True, cache=cache, max_retries=0)
    assert len(paged.call(again.get_devices, enable_cache=True)) == MANY


def test_provision_all_takes_all_pages(paged: Facade) -> None:
    client = paged.client()

    async def collect() -> list[ProvisioningResult]:
        return [result async for result in client.provision_all()]

    found = paged.call(collect) if paged.is_async else list(client.provision_all())
    assert sorted(result.device_token for result in found) == sorted(script_tokens(paged.server))
    assert all(result.provisioning for result in found)


def test_any_list(paged: Facade) -> None:
    client = paged.client(strict=True)
    found = paged.call(client.get_all, "/Users/{user_id}/Devices/")
    assert [entry["DeviceToken"] for entry in found] == [device.token for device in paged.server.user.devices]


@pytest.mark.parametrize("name", ["ProvisionToken", "provisiontoken"])
def test_a_devices_token_has_another_name_too(facade: Facade, name: str) -> None:
    entries = [
        {name: "t1", "Platform": "script"},
        {name: "t1", "DeviceToken": "t2", "Platform": "script"},
        {name: "t3", "DeviceToken": None, "Platform": "script"},
        {name: "t4", "DeviceToken": "", "Platform": "script"},
    ]
    facade.server.fail("devices", Json(entries))
    devices = facade.call(facade.client(strict=True).get_devices)
    assert tokens(devices) == ["t1", "t2", "t3", "t4"]
    assert devices[0].raw == entries[0]


def test_an_error_body_with_200_keeps_what_is_stored(facade: Facade) -> None:
    cache = MemoryCache()
    token = script_tokens(facade.server)[0]
    for _ in range(3):
        client = facade.client(cache=cache)
        assert facade.call(client.get_provisioning, token, enable_cache=True)
        facade.close(client)
        facade.server.fail("provisioning", Json({"message": "Endpoint request timed out"}), times=None)


def test_an_endless_page_costs_no_more_than_an_endless_list(paged: Facade) -> None:
    paged.server.fail("devices", Delay(0))
    paged.server.fail("devices", Endless())
    with pytest.raises(APIResponseError, match="32 MiB"):
        paged.call(paged.client(strict=True).get_devices)
