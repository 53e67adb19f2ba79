"""Every fault of the loopback API, seen from the other end of a plain socket."""

from __future__ import annotations

import gzip
import http.client
import json
import select
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from siperb.testing import (
    Answer,
    Body,
    Delay,
    Drip,
    Drop,
    Endless,
    GzipBomb,
    Hold,
    Json,
    Redirect,
    SiperbServer,
    Status,
    Truncate,
)


@pytest.fixture
def server(caplog: pytest.LogCaptureFixture) -> Iterator[SiperbServer]:
    """Whatever goes wrong on order, the server has nothing to say about it."""
    with SiperbServer() as running:
        yield running
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


@contextmanager
def sent(server: SiperbServer) -> Iterator[socket.socket]:
    """A connection on which a good login was just sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.pat}"
        connection.sendall(f"POST /Login HTTP/1.1\r\n{head}\r\n\r\n".encode())
        yield connection


@contextmanager
def answered(server: SiperbServer) -> Iterator[http.client.HTTPResponse]:
    """The head of the answer to a good login; the body is not read yet."""
    with sent(server) as connection, http.client.HTTPResponse(connection, method="POST") as response:
        response.begin()
        yield response


def log_in(server: SiperbServer) -> tuple[int, Any]:
    with answered(server) as response:
        return response.status, json.loads(response.read())


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def silent(connection: socket.socket, seconds: float = 0.05) -> bool:
    return not select.select([connection], [], [], seconds)[0]


def test_status(server: SiperbServer) -> None:
    server.fail("login", Status(503, retry_after=2, headers={"X-Reason": "night"}))
    with answered(server) as response:
        assert (response.status, response.reason) == (503, "Service Unavailable")
        assert (response.headers["Retry-After"], response.headers["X-Reason"]) == ("2", "night")
        assert json.loads(response.read()) == {"message": "Service Unavailable"}
    server.fail("login", Status(599, body=b"gone"))
    with answered(server) as response:
        assert (response.status, response.read()) == (599, b"gone")
        assert response.headers["Retry-After"] is None
    assert log_in(server)[0] == 200


def test_body(server: SiperbServer) -> None:
    server.fail("login", Body("<html>Grüße", "text/html", status=502))
    with answered(server) as response:
        assert (response.status, response.read().decode()) == (502, "<html>Grüße")
        assert response.headers["Content-Type"] == "text/html"
    server.fail("login", Body(b"\xff\x00", content_type=None))
    with answered(server) as response:
        assert (response.status, response.read()) == (200, b"\xff\x00")


def test_body_under_an_encoding_that_it_has_not(server: SiperbServer) -> None:
    server.fail("login", Body(encoding="gzip"))
    with answered(server) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert json.loads(response.read())["UserId"] == server.user.user_id


@pytest.mark.parametrize("value", [None, [], {"UserId": 1}, "ü", 1.5])
def test_json(server: SiperbServer, value: object) -> None:
    server.fail("login", Json(value))
    assert log_in(server) == (200, value)


def test_redirect_to_a_server_that_sees_who_follows(server: SiperbServer) -> None:
    with SiperbServer() as third_party:
        server.fail("login", Redirect(f"{third_party.base_url}/Login", 307, b"there"), times=2)
        with answered(server) as response:
            assert (response.status, response.read()) == (307, b"there")
            assert response.headers["Location"] == f"{third_party.base_url}/Login"
        assert third_party.requests == []
        requests.post(f"{server.base_url}/Login", timeout=10)
        assert len(third_party.requests) == 1


def test_delay(server: SiperbServer) -> None:
    server.fail("login", Delay(0.2))
    began = time.monotonic()
    assert log_in(server)[0] == 200
    assert time.monotonic() - began >= 0.2


def test_a_delay_ends_with_the_server(server: SiperbServer) -> None:
    server.fail("login", Delay(3600))
    with sent(server) as connection:
        server.wait_for_requests(1)
        server.stop()
        assert connection.recv(1) == b""


def test_a_fault_ends_with_its_client(server: SiperbServer) -> None:
    """As every handler, a user's own fault is cancelled when the client hangs up."""
    ended = threading.Event()

    class Watched(Hold):
        async def apply(self, exchange: Any, /) -> None:
            try:
                await super().apply(exchange)
            finally:
                ended.set()

    server.fail("login", Watched())
    with sent(server):
        server.wait_for_requests(1)
        assert not ended.is_set()
    assert ended.wait(10)


def test_hold_keeps_all_until_it_is_released(server: SiperbServer) -> None:
    hold = Hold()
    server.fail("login", hold, times=2)
    with sent(server) as one, sent(server) as two, sent(server) as three:
        server.wait_for_requests(3)
        assert len(select.select([one, two, three], [], [], 10)[0]) == 1
        assert [silent(connection) for connection in (one, two, three)].count(True) == 2
        hold.release()
        assert [connection.recv(12) for connection in (one, two, three)] == [b"HTTP/1.1 200"] * 3
    server.fail("login", hold)
    assert log_in(server)[0] == 200


def test_a_hold_takes_the_answer_that_is_true_after_it(server: SiperbServer) -> None:
    hold = Hold()
    server.fail("login", hold)
    with answered_later(server) as response:
        server.wait_for_requests(1)
        server.revoke_pat()
        hold.release()
    assert response() == 401


@contextmanager
def answered_later(server: SiperbServer) -> Iterator[Any]:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(log_in(server)[0]))
    thread.start()
    yield lambda: statuses[0]
    thread.join()


@pytest.mark.parametrize("part", ["head", "body"])
def test_drip_gives_the_whole_answer_in_the_end(server: SiperbServer, part: Any) -> None:
    server.fail("login", Drip(part, interval=0))
    status, session = log_in(server)
    assert (status, session["UserId"]) == (200, server.user.user_id)


def test_drip_of_the_head_begins_with_a_byte(server: SiperbServer) -> None:
    server.fail("login", Drip("head", interval=3600))
    with sent(server) as connection:
        assert connection.recv(100) == b"H"
        assert silent(connection)


def test_drip_of_the_body_begins_with_the_head_and_a_byte(server: SiperbServer) -> None:
    server.fail("login", Drip("body", interval=3600))
    with answered(server) as response:
        assert int(response.headers["Content-Length"]) > 200
        assert response.read(1) == b"{"
    with answered(server) as response:
        assert response.read(1) == b"{"


def test_drop_at_the_start(server: SiperbServer) -> None:
    server.fail("login", Drop())
    with sent(server) as connection:
        assert read_to_end(connection) == b""
    assert log_in(server)[0] == 200


def test_drop_within_the_head(server: SiperbServer) -> None:
    server.fail("login", Drop("head"))
    with sent(server) as connection:
        head = read_to_end(connection)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in head


def test_drop_within_the_body(server: SiperbServer) -> None:
    server.fail("login", Drop("body"))
    with answered(server) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        with pytest.raises(http.client.IncompleteRead) as error:
            response.read()
    assert error.value.partial.startswith(b'{"UserId"')
    assert not error.value.partial.endswith(b"}")


@pytest.mark.parametrize("at", ["start", "head", "body"])
def test_reset(server: SiperbServer, at: Any) -> None:
    server.fail("login", Drop(at, reset=True))
    with sent(server) as connection, pytest.raises(ConnectionResetError):
        read_to_end(connection)


def test_truncate(server: SiperbServer) -> None:
    server.fail("login", Truncate())
    with answered(server) as response:
        length = int(response.headers["Content-Length"])
        with pytest.raises(http.client.IncompleteRead) as error:
            response.read()
    assert len(error.value.partial) == length // 2


def test_truncate_behind_the_whole(server: SiperbServer) -> None:
    server.fail("login", Truncate(whole=True))
    with answered(server) as response, pytest.raises(http.client.IncompleteRead) as error:
        response.read()
    assert json.loads(error.value.partial)["UserId"] == server.user.user_id
    assert error.value.expected == 1


def test_endless(server: SiperbServer) -> None:
    server.fail("login", Endless())
    with answered(server) as response:
        for _ in range(64):
            assert response.read(65536) == b" " * 65536
    assert log_in(server)[0] == 200


@pytest.mark.parametrize("size", [0, 100_000, 2 * 65536])
def test_endless_with_an_end(server: SiperbServer, size: int) -> None:
    server.fail("login", Endless(size))
    with answered(server) as response:
        assert response.read() == b" " * size


def test_endless_drips_too(server: SiperbServer) -> None:
    server.fail("login", Endless(interval=3600, chunk=1))
    with answered(server) as response:
        assert response.read(1) == b" "


@pytest.mark.parametrize("size", [2, 1000, 40 * 1024 * 1024 + 7])
def test_gzip_bomb(server: SiperbServer, size: int) -> None:
    server.fail("login", GzipBomb(size))
    with answered(server) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        small = response.read()
    whole = gzip.decompress(small)
    assert len(whole) == size
    assert (whole[:1], whole[1:-1].strip(), whole[-1:]) == (b"[", b"", b"]")
    assert len(small) < 1000 + size / 900
    assert zlib.decompressobj(31).decompress(small) == whole


def test_a_fault_of_ones_own(server: SiperbServer) -> None:
    class Teapot:
        async def apply(self, exchange: Any, /) -> Answer:
            assert exchange.request.route == "login"
            true = exchange.true_answer()
            return Answer(418, true.body, "text/plain", {"X-Tea": "yes"})

    server.fail("login", Teapot())
    with answered(server) as response:
        assert (response.status, response.headers["X-Tea"]) == (418, "yes")
        assert json.loads(response.read())["UserId"] == server.user.user_id


# Orders


def test_faults_come_in_the_order_and_as_often_as_ordered(server: SiperbServer) -> None:
    server.fail("login", Status(503), times=2)
    server.fail("login", Status(429))
    server.fail("devices", Status(500))
    assert [log_in(server)[0] for _ in range(4)] == [503, 503, 429, 200]
    assert [(order.route, order.left) for order in server.faults] == [("devices", 1)]


def test_a_fault_of_any_route_meets_what_comes_first(server: SiperbServer) -> None:
    server.fail("devices", Status(500))
    server.fail(None, Status(503))
    assert [log_in(server)[0] for _ in range(2)] == [503, 200]
    server.fail(None, Status(418))
    assert requests.get(f"{server.base_url}/nowhere", timeout=10).status_code == 418


def test_a_fault_for_good_stays_until_it_is_cleared(server: SiperbServer) -> None:
    server.fail("login", Status(500), times=None)
    assert {log_in(server)[0] for _ in range(5)} == {500}
    server.clear_faults()
    assert server.faults == []
    assert log_in(server)[0] == 200


def test_several_faults_are_steps_of_one_answer(server: SiperbServer) -> None:
    hold = Hold()
    server.fail("login", hold, Status(503))
    with answered_later(server) as status:
        server.wait_for_requests(1)
        hold.release()
    assert status() == 503
    assert log_in(server)[0] == 200


@pytest.mark.parametrize(
    ("error", "route", "faults", "times"),
    [
        (ValueError, "logout", [Status(500)], 1),
        (ValueError, "login", [Status(500)], 0),
        (TypeError, "login", [], 1),
        (TypeError, "login", [500], 1),
        (TypeError, "login", [Hold], 1),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    server: SiperbServer, error: type[Exception], route: Any, faults: list[Any], times: int
) -> None:
    with pytest.raises(error):
        server.fail(route, *faults, times=times)
    assert server.faults == []
