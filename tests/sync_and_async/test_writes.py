"""What changes something: sent once, or again when it was certainly not done; the same on both facades."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import attrs
import pytest
import requests
from facades import Facade
from hostile import Proxy, Raw, TcpServer, head

from siperb import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    ConflictError,
    InternalServerError,
    UnprocessableEntityError,
)
from siperb.core.by_path import operation as by_path
from siperb.core.operations import Operation
from siperb.testing import Body, Drip, Drop, Endless, Fault, GzipBomb, Hold, Json, Status, Truncate

PATH = "/Users/{user_id}/Devices/"


@attrs.frozen
class As:
    """Another fault's answer with this status."""

    status: int
    fault: Any

    async def apply(self, exchange: Any) -> Any:
        answer = attrs.evolve(exchange.true_answer(), status=self.status)
        return await self.fault.apply(attrs.evolve(exchange, true_answer=lambda: answer))


def send(facade: Facade, client: Any, operation: Operation[Any]) -> Any:
    """As the server's user, without a login."""
    user = facade.server.user
    return facade.call(lambda: client._run(client._ask(lambda: operation, user.user_id, user.session_token)))


def post(json: object = None, **options: Any) -> Operation[Any]:
    return by_path("POST", PATH, json={"platform": "script"} if json is None else json, **options)


def posts(facade: Facade) -> int:
    return [request.method for request in facade.server.requests].count("POST")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
@pytest.mark.parametrize("status", [200, 201])
def test_a_body_is_sent_and_an_answer_read(facade: Facade, method: str, status: int) -> None:
    facade.server.fail("devices", Json({"DeviceToken": "t1"}, status))
    operation = by_path(method, PATH, json={"Name": "Zoë", "Port": 443}, params={"global": True})
    assert send(facade, facade.client(), operation) == {"DeviceToken": "t1"}
    request = facade.server.requests[-1]
    assert (request.method, json.loads(request.body)) == (method, {"Name": "Zoë", "Port": 443})
    assert request.path_qs.endswith("/Devices/?global=yes")
    assert request.headers.getall("Content-Type") == ["application/json"]


@pytest.mark.parametrize("method", ["POST", "DELETE", "HEAD"])
def test_an_empty_answer_is_none(facade: Facade, method: str) -> None:
    client = facade.client(max_retries=0)
    for _ in range(2):
        facade.server.fail("devices", Status(204, body=b""))
        assert send(facade, client, by_path(method, PATH)) is None
    assert facade.server.requests[-1].body == b""


def test_a_long_body_is_sent(facade: Facade) -> None:
    size = 3 * 2**20
    came: list[int] = []

    def take(connection: socket.socket) -> None:
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < size + 2 and (chunk := connection.recv(2**16)):
            got += chunk
        came.append(len(got.partition(b"\r\n\r\n")[2]))
        connection.sendall(b"HTTP/1.1 204 X\r\n\r\n")

    with TcpServer(take) as other:
        assert send(facade, facade.client(base_url=f"http://{other.address}"), post("x" * size)) is None
    assert came == [size + 2]


def test_what_is_no_json_comes_as_bytes(facade: Facade) -> None:
    facade.server.fail("devices", Body(b"\x89PNG", "image/png"))
    assert send(facade, facade.client(), by_path("GET", PATH)) == b"\x89PNG"


@pytest.mark.parametrize(
    "fault",
    [
        Drop(),
        Drop(reset=True),
        Drop("head"),
        As(201, Drop("body")),
        As(201, Truncate()),
        Status(500),
        Status(503),
        Status(408),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kept", [False, True])
def test_a_post_is_sent_once(facade: Facade, fault: Fault, kept: bool) -> None:
    client = facade.client(max_retries=2)
    if kept:  # a connection, which may have been closed meanwhile for all that anybody knows
        send(facade, client, by_path("GET", PATH))
    facade.server.fail("devices", fault, times=None)
    with pytest.raises((APIConnectionError, APIStatusError)) as caught:
        send(facade, client, post())
    assert caught.value.maybe_done
    assert posts(facade) == 1


@pytest.mark.parametrize("fault", [Status(429), Status(503, retry_after=0)], ids=repr)
def test_a_post_that_was_refused_is_sent_again(facade: Facade, fault: Fault) -> None:
    facade.server.fail("devices", fault)
    facade.server.fail("devices", Json({}, 201))
    assert send(facade, facade.client(), post()) == {}
    assert posts(facade) == 2


def test_a_put_is_sent_again(facade: Facade) -> None:
    for fault in Drop(), Status(500), Json({}):
        facade.server.fail("devices", fault)
    assert send(facade, facade.client(), by_path("PUT", PATH, json={})) == {}
    assert [request.method for request in facade.server.requests] == ["PUT"] * 3


def test_a_post_is_sent_again_with_a_new_session(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.login)
    facade.server.fail("devices", Status(401))
    facade.server.fail("devices", Json({}, 201))
    assert facade.call(client.request, "POST", PATH, json={}) == {}
    assert posts(facade) == 4


def test_two_posts_at_once_are_two(facade: Facade) -> None:
    hold = Hold()
    facade.server.fail("devices", hold, Json({}, 201), times=None)
    client = facade.client()

    def call() -> Any:
        return client.request("POST", PATH, json={})

    def meanwhile() -> None:
        facade.server.wait_for_requests(2, route="devices")
        hold.release()

    assert facade.together(call, call, meanwhile=meanwhile) == [{}, {}]


def test_a_post_whose_time_is_up_may_have_been_done(facade: Facade) -> None:
    facade.server.fail("devices", Hold())
    with pytest.raises(APITimeoutError) as caught:
        send(facade, facade.client(timeout=0.5), post())
    assert caught.value.maybe_done
    assert posts(facade) == 1


@pytest.mark.parametrize("fault", [Body("<html>", "text/html"), Body("{"), Endless(), Body(encoding="br"), Status(302)])
def test_a_post_whose_answer_is_none_may_have_been_done(facade: Facade, fault: Fault) -> None:
    facade.server.fail("devices", fault)
    with pytest.raises(APIResponseError) as caught:
        send(facade, facade.client(), post())
    assert caught.value.maybe_done


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_post_that_nobody_took_was_not_done(facade: Facade) -> None:
    with TcpServer(lambda connection: connection.close()) as no_tls:
        for base_url in closed_port(), "https://nowhere.invalid", f"https://{no_tls.address}":
            client = facade.client(base_url=base_url, max_retries=1, timeout=10)
            with pytest.raises(APIConnectionError) as caught:
                send(facade, client, post())
            assert not caught.value.maybe_done, base_url


def test_a_post_that_the_proxy_refused_was_not_done(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(refusal=b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n") as proxy:
        for address in proxy.address, closed_port().removeprefix("http://"):
            monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
            client = facade.client(base_url="https://api.example", max_retries=1)
            with pytest.raises(APIConnectionError) as caught:
                send(facade, client, post())
            assert not caught.value.maybe_done, address
        assert len(proxy.heads) == 2


@pytest.fixture
def http_session(facade: Facade) -> Iterator[Any]:
    if facade.is_async:
        session = facade.call(aiohttp.ClientSession)
        yield session
        facade.call(session.close)
    else:
        with requests.Session() as session:
            yield session


def test_a_session_of_the_users_knows_what_was_sent(facade: Facade, http_session: Any) -> None:
    client = facade.client(http_session=http_session)
    facade.server.fail("devices", Json({}, 201))
    assert send(facade, client, post()) == {}
    facade.server.fail("devices", Drop(reset=True), times=None)
    with pytest.raises(APIConnectionError) as caught:
        send(facade, client, post())
    assert caught.value.maybe_done
    assert posts(facade) == 2
    facade.server.clear_faults()
    facade.server.fail("devices", Json({"message": "no seats"}, 403))
    with pytest.raises(APIStatusError) as refused:
        send(facade, client, post())
    assert refused.value.detail == "no seats"
    nobody = facade.client(http_session=http_session, base_url=closed_port(), max_retries=1)
    with pytest.raises(APIConnectionError) as caught:
        send(facade, nobody, post())
    assert not caught.value.maybe_done


# The API's reason.


@pytest.mark.parametrize(
    ("status", "error"), [(409, ConflictError), (422, UnprocessableEntityError), (500, InternalServerError)]
)
def test_the_reason_is_the_errors_detail(facade: Facade, status: int, error: type[APIStatusError]) -> None:
    facade.server.fail("devices", Json({"message": "A device of that name exists."}, status))
    with pytest.raises(error) as caught:
        send(facade, facade.client(max_retries=0), post())
    assert caught.value.detail == "A device of that name exists."
    where = "POST /Users/{id}/Devices/"
    assert str(caught.value) == f"A device of that name exists ({where} answered {status})."  # and no advice of ours


def test_a_zipped_reason(facade: Facade) -> None:
    body = gzip.compress(b'{"message": "no available seats"}')
    facade.server.fail("devices", Status(403, headers={"Content-Encoding": "gzip"}, body=body))
    with pytest.raises(APIStatusError) as caught:
        send(facade, facade.client(), post())
    assert caught.value.detail == "no available seats"


BROKEN: list[Any] = [
    As(503, Drop("body")),
    As(503, Truncate()),
    As(503, Drip("body", 0.2)),
    Status(503, body=b"x" * 2**20),
    Status(503, headers={"Content-Encoding": "gzip"}),
    Status(503, headers={"Content-Encoding": "br"}),
    Raw(head(b"Content-Length: 9", status=b"HTTP/1.1 503 X") + b"{", hang_up=False),
]


@pytest.mark.parametrize("fault", BROKEN, ids=repr)
def test_a_reason_that_cannot_be_read_changes_nothing(facade: Facade, fault: Any) -> None:
    facade.server.fail("devices", fault)
    client = facade.client(max_retries=0, timeout=20)
    started = time.monotonic()
    with pytest.raises(InternalServerError) as caught:
        send(facade, client, by_path("GET", PATH))
    assert caught.value.detail is None
    assert time.monotonic() - started < 10
    assert isinstance(send(facade, client, by_path("GET", PATH)), list)


def test_a_failure_without_end_is_no_more_than_a_failure(facade: Facade) -> None:
    for fault in Endless(), GzipBomb():
        facade.server.fail("devices", fault)
        with pytest.raises(APIResponseError):
            send(facade, facade.client(), by_path("GET", PATH))
