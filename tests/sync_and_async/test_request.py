"""Any operation of the API by method and path, on both facades, against the loopback API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from facades import Facade, said

from siperb import AuthenticationError, ConfigurationError, InternalServerError, NotFoundError, Siperb
from siperb.testing import Body, Json, SiperbServer, Status

DEVICES = "/Users/{user_id}/Devices"


def test_an_operation_that_no_document_names(facade: Facade) -> None:
    client = facade.client()
    assert facade.call(client.request, "GET", "/Users/{uID}/Billing") == {"Subscriptions": []}
    assert facade.server.requests[-1].path_qs == f"/Users/{facade.server.user.user_id}/Billing"


def test_what_is_made_is_read_changed_and_deleted(facade: Facade) -> None:
    def request(*arguments: Any, **options: Any) -> Any:
        return facade.call(client.request, *arguments, **options)

    client = facade.client()
    made = request("POST", "/Users/{user_id}/AddressBook", json={"Name": "Zoë"})
    one = "/Users/{user_id}/AddressBook/{contact}"
    assert request("put", one, json={"Name": "Ann"}, contact=made["Id"])["Name"] == "Ann"
    assert request("GET", one, contact=made["Id"]) == {"Id": made["Id"], "Name": "Ann"}
    assert request("DELETE", one, contact=made["Id"]) is None
    with pytest.raises(NotFoundError) as caught:
        request("GET", one, contact=made["Id"])
    assert caught.value.path_template == "/Users/{id}/AddressBook/{contact}"
    assert made["Id"] not in str(caught.value)


def test_a_query_and_an_id_are_quoted(facade: Facade) -> None:
    client = facade.client()
    facade.server.fail("document", Json({}))
    params = {"global": True, "of": None, "n": 5, "a b": "c&d"}
    facade.call(client.request, "GET", "/Users/{user_id}/Tickets/{ticket}", params=params, ticket="a/b c")
    assert facade.server.requests[-1].path_qs.endswith("/Tickets/a%2Fb%20c?global=yes&n=5&a%20b=c%26d")


def test_what_is_no_json_comes_as_bytes(facade: Facade) -> None:
    facade.server.fail("documents", Body(b"\x89PNG", "image/png"))
    assert facade.call(facade.client().request, "GET", "/Users/{user_id}/Avatar") == b"\x89PNG"


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("TRACE", DEVICES, {}),
        ("GET", "https://api.siperb.com/Users", {}),
        ("GET", "/Users/../x", {}),
        ("GET", "/Users?search=x", {}),
        ("GET", "/Users/{x}", {}),
        ("GET", DEVICES, {"x": "unused"}),
        ("GET", "/Users/{x}", {"x": ""}),
        ("GET", DEVICES, {"params": ["a"]}),
        ("POST", DEVICES, {"json": {"a": float("nan")}}),
        ("POST", "/Login", {}),
        ("GET", "/Users/{domain_user_id}", {}),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(
    facade: Facade, method: str, path: str, options: Any
) -> None:
    with pytest.raises(ConfigurationError):
        facade.call(facade.client().request, method, path, **options)
    assert not facade.server.requests


def test_it_raises_whether_strict_or_not(facade: Facade) -> None:
    for call in (lambda client: client.request("GET", DEVICES), lambda client: client.get_all(DEVICES)):
        facade.server.fail("devices", Status(500))
        with pytest.raises(InternalServerError):
            facade.call(call, facade.client(max_retries=0))


def test_a_session_that_has_expired_is_renewed_once(facade: Facade) -> None:
    client = facade.client()
    facade.server.fail("devices", Status(401))
    assert len(facade.call(client.request, "GET", DEVICES)) == len(facade.server.user.devices)
    assert said(facade.server) == ["login", "devices", "login", "devices"]
    facade.server.fail("devices", Status(401), times=None)
    with pytest.raises(AuthenticationError):
        facade.call(client.request, "GET", DEVICES)


def test_what_is_said_to_be_repeatable_is_sent_again(facade: Facade) -> None:
    facade.server.fail("devices", Status(500))
    facade.server.fail("devices", Json({}, 201))
    assert facade.call(facade.client().request, "POST", DEVICES, json={}, repeatable=True) == {}
    facade.server.fail("devices", Status(500))
    with pytest.raises(InternalServerError) as caught:
        facade.call(facade.client().request, "PUT", DEVICES, json={}, repeatable=False)
    assert caught.value.maybe_done
    assert not facade.server.faults


def test_a_list_has_all_its_pages(facade: Facade) -> None:
    facade.server.add_devices(23)
    facade.server.page_size = 10
    devices = facade.call(facade.client().get_all, "/Users/{user_id}/{what}", params={"x": "y"}, what="Devices")
    assert [device["DeviceToken"] for device in devices] == [device.token for device in facade.server.user.devices]
    asked = [request.path_qs.partition("?")[2] for request in facade.server.requests if request.route == "devices"]
    assert len(asked) == 3
    assert all(query.startswith("x=y") for query in asked)


def test_on_the_class_itself(siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPERB_PAT", siperb_server.pat)
    monkeypatch.setenv("SIPERB_BASE_URL", siperb_server.base_url)

    class Mine(Siperb):
        """With a default client of its own."""

    assert Mine.get_all(DEVICES) == Mine.request("GET", DEVICES) != []
    assert Mine.get_domain_users() == []
    assert json.loads(json.dumps(Mine.request("GET", "/Users/{user_id}")))
