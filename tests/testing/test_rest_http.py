"""The loopback API's routes over HTTP: methods, bodies, pages, and faults that meet a write."""

from __future__ import annotations

import http.client
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from plain_client import ask, send

from siperb.testing import Body, Drip, Drop, Fault, Lost, SiperbServer, Status, Truncate

HEADSET = {"platform": "script", "provision_name": "Headset"}


def head(server: SiperbServer, method: str, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"X-Api-Key": server.user.session_token}
    connection.request(method, f"/Users/{server.user.user_id}{path}", headers=headers)
    with connection.getresponse() as response:
        response.read()
    connection.close()
    return response


@pytest.mark.parametrize(
    ("path", "route", "allowed"),
    [
        ("", "user", "GET, PUT"),
        ("/Billing", "billing", "GET"),
        ("/DomainUsers", "domain_users", "GET, POST"),
        ("/DomainUsers/1", "domain_user", "GET, PUT, DELETE"),
        ("/Devices/", "devices", "GET, POST"),
        ("/Devices/t1/", "device", "GET, PUT, DELETE"),
        ("/Devices/t1/RegisterLog", "log", "GET"),
        ("/Devices/t1/ConsoleLog", "console_log", "GET, POST"),
        ("/Devices/t1/SipTraceLog/tr-1", "log", "GET"),
        ("/Connections", "connections", "GET, POST"),
        ("/Connections/1", "connection", "GET, PUT, DELETE"),
        ("/Connections/1/NetworkLatencyLog", "log", "GET"),
        ("/PAT", "pats", "GET, POST"),
        ("/PAT/1", "pat", "DELETE"),
        ("/PAT/AccessLog", "log", "GET"),
        ("/Provisioning", "settings", "GET, PUT"),
        ("/Voicemail", "documents", "POST, GET, PUT, DELETE"),
        ("/Voicemail/1", "document", "GET, PUT, DELETE"),
        ("/DomainUsers/1/Voicemail/1", "document", "GET, PUT, DELETE"),
    ],
)
def test_a_route_has_a_name_and_says_its_methods(server: SiperbServer, path: str, route: Any, allowed: str) -> None:
    response = head(server, "PATCH", path)
    assert (response.status, response.headers["Allow"]) == (405, allowed)
    server.fail(route, Status(503))
    assert head(server, "PATCH", path).status == 503
    assert [request.route for request in server.requests] == [route, route]


def test_head_is_get_without_a_body(server: SiperbServer) -> None:
    response = head(server, "HEAD", "/DomainUsers")
    assert (response.status, response.headers["Content-Length"]) == (200, "2")


@pytest.mark.parametrize(
    "body",
    [b"{", b"Name=Ben", b"\xff", b"[" * 100_000, b'{"Name":NaN}', b'{"Name":"\\ud800"}'],
    ids=["cut", "form", "bytes", "deep", "no number", "half a character"],
)
@pytest.mark.parametrize("path", ["/Devices", "/DomainUsers", "/AddressBook"])
def test_a_body_that_is_not_json_is_refused(server: SiperbServer, path: str, body: bytes) -> None:
    user = server.user
    answer = ask(server, "POST", f"/Users/{user.user_id}{path}", {"X-Api-Key": user.session_token}, body)
    assert answer == (400, {"message": "The body is not JSON"})


@pytest.mark.parametrize("path", ["/DomainUsers", "/Devices/", "/Connections", "/PAT", "/AddressBook"])
def test_a_list_comes_in_pages(path: str) -> None:
    with SiperbServer(page_size=2) as server:
        bodies = {
            "/DomainUsers": [{"Email": f"{number}@contact.example"} for number in range(5)],
            "/Devices/": [HEADSET] * 2,
            "/Connections": [{"Name": "Line", "Type": "DirectConnection"}] * 5,
            "/PAT": [{}] * 4,
            "/AddressBook": [{}] * 5,
        }
        for body in bodies[path]:
            assert send(server, "POST", path, body)[0] == 201
        pages: list[Any] = []
        query = ""
        while token := head(server, "HEAD", path + query).headers["X-Next-Token"]:
            assert quote(token, safe="") != token
            pages.append(send(server, "GET", path + query)[1])
            query = f"?nextToken={quote(token, safe='')}"
        pages.append(send(server, "GET", path + query)[1])
        assert [len(page) for page in pages] == [2, 2, 1]
        server.page_size = 5
        assert head(server, "HEAD", path).headers["X-Next-Token"] is None
        server.page_size = None
        assert send(server, "GET", path)[1] == [item for items in pages for item in items]
        assert send(server, "GET", f"{path}?nextToken=2")[0] == 400


# Faults that meet a write


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Lost(), 1),
        (Lost(504), 1),
        (Drop("head"), 1),
        (Drop("body"), 1),
        (Truncate(), 1),
        (Drip("head", 0), 1),
        (Body(status=502), 1),
        (Drop(), 0),
        (Drop(reset=True), 0),
        (Status(503), 0),
    ],
    ids=repr,
)
def test_a_fault_has_done_the_work_or_has_not(server: SiperbServer, fault: Fault, made: int) -> None:
    server.fail("devices", fault)
    with suppress(http.client.HTTPException, ConnectionError):
        send(server, "POST", "/Devices", HEADSET)
    assert len(server.user.devices) == 3 + made


def test_a_lost_answer_says_nothing_or_what_a_gateway_says(server: SiperbServer) -> None:
    anna, ben = "anna@contact.example", "ben@contact.example"
    server.fail("domain_users", Lost())
    with pytest.raises(http.client.RemoteDisconnected):
        send(server, "POST", "/DomainUsers", {"Email": anna})
    server.fail("domain_users", Lost(504))
    assert send(server, "POST", "/DomainUsers", {"Email": ben}) == (504, {"message": "Gateway Timeout"})
    assert [user.email for user in server.user.domain_users.values()] == [anna, ben]


def test_a_fault_may_wait_for_a_method(server: SiperbServer) -> None:
    server.fail("devices", Status(503), method="POST")
    assert send(server, "GET", "/Devices")[0] == 200
    assert send(server, "POST", "/Devices", HEADSET)[0] == 503
    assert send(server, "POST", "/Devices", HEADSET)[0] == 201


def test_a_fault_that_looks_at_the_answer_and_passes_on_does_the_work_once(server: SiperbServer) -> None:
    class Look:
        async def apply(self, exchange: Any, /) -> None:
            assert exchange.true_answer().status == 201

    server.fail("devices", Look())
    assert send(server, "POST", "/Devices", HEADSET)[0] == 201
    assert len(server.user.devices) == 4
