"""Answers of every kind, one table, both facades: what each of them becomes must not differ."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib

import aiohttp
import pytest
import requests
from facades import Facade, chain
from hostile import Raw, head

from siperb import APIConnectionError, APIResponseError, APIStatusError, InternalServerError, SiperbError
from siperb.client.body import Body as DecodedBody
from siperb.core.operations import login
from siperb.testing import Body, Drop, Endless, Fault, GzipBomb, Json, Redirect, SiperbServer, Status, Truncate

OK = list
PLAIN = head(b"Content-Length: <length>") + b"<body>"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
DEEP = b"[" * 200_000

CASES: dict[str, tuple[Fault, type]] = {
    # Unusual, and understood.
    "plain": (Raw(PLAIN), OK),
    "HTTP/1.0 without a length": (Raw(head(status=b"HTTP/1.0 200 OK") + b"<body>"), OK),
    "HTTP/1.1 without a length": (Raw(head(b"Connection: close") + b"<body>"), OK),
    "100 before it": (Raw(b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN), OK),
    "103 before it": (Raw(INTERIM + PLAIN), OK),
    "many 102 before it": (Raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 30 + PLAIN), OK),
    "a header of 30 KB": (Raw(head(b"X-Long: " + b"x" * 30_000, b"Content-Length: <length>") + b"<body>"), OK),
    "99 headers": (Raw(head(*[b"X: 1"] * 97, b"Content-Length: <length>") + b"<body>"), OK),
    "chunks with extensions and a trailer": (
        Raw(head(b"Transfer-Encoding: chunked") + b'2;a="b"\r\n[]\r\n0\r\nX-After: 1\r\n\r\n'),
        OK,
    ),
    "gzip": (Body(gzip.compress(b"[]"), encoding="gzip"), OK),
    "x-gzip": (Body(gzip.compress(b"[]"), encoding="X-GZIP"), OK),
    "gzip and what follows it": (Body(gzip.compress(b"[]") + bytes(99), encoding="gzip"), OK),
    "gzip and a byte of another": (Body(gzip.compress(b"[]") + b"\x1f", encoding="gzip"), OK),
    "identity": (Body(b"[]", encoding="identity"), OK),
    "another content type": (Body(b"[]", content_type="text/html"), OK),
    "no content type": (Body(b"[]", content_type=None), OK),
    "a byte order mark": (Body(b"\xef\xbb\xbf[]"), OK),
    # No answer.
    "dropped": (Drop(), APIConnectionError),
    "reset": (Drop(reset=True), APIConnectionError),
    "cut in the head": (Drop("head"), APIConnectionError),
    "reset in the head": (Drop("head", reset=True), APIConnectionError),
    "cut in a chunked body": (Drop("body"), APIConnectionError),
    "reset in a chunked body": (Drop("body", reset=True), APIConnectionError),
    "half of the body": (Truncate(), APIConnectionError),
    "a byte less than promised": (Truncate(whole=True), APIConnectionError),
    "a chunk shorter than it says": (
        Raw(head(b"Transfer-Encoding: chunked") + b"ff\r\n[]\r\n0\r\n\r\n"),
        APIConnectionError,
    ),
    "a chunk of no size": (Raw(head(b"Transfer-Encoding: chunked") + b"zz\r\n[]\r\n0\r\n\r\n"), APIConnectionError),
    "two lengths": (Raw(head(b"Content-Length: 2", b"Content-Length: 3") + b"[] "), APIConnectionError),
    "a length that is none": (Raw(head(b"Content-Length: many") + b"[]"), APIConnectionError),
    "no HTTP": (Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), APIConnectionError),
    "HTTP/0.9": (Raw(b"<html>hello</html>\r\n\r\n"), APIConnectionError),
    "TLS where none is": (Raw(b"\x15\x03\x01\x00\x02\x02\x16"), APIConnectionError),
    "a status of letters": (Raw(b"HTTP/1.1 OK fine\r\n\r\n"), APIConnectionError),
    # An answer that is none.
    "101": (Raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), APIResponseError),
    "202": (Status(202), APIResponseError),
    "204": (Raw(b"HTTP/1.1 204 No Content\r\n\r\n"), APIResponseError),
    "205": (Raw(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"), APIResponseError),
    "300": (Status(300), APIResponseError),
    "302 to nowhere": (Status(302), APIResponseError),
    "302 to no URL": (Redirect("http://[::1"), APIResponseError),
    "304": (Raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), APIResponseError),
    "308 to a scheme of its own": (Redirect("file:///etc/passwd", 308), APIResponseError),
    "100 headers": (Raw(head(*[b"X: 1"] * 98, b"Content-Length: <length>") + b"<body>"), APIResponseError),
    "a header of 70 KB": (Raw(head(b"X-Long: " + b"x" * 70_000)), APIResponseError),
    "empty": (Body(b""), APIResponseError),
    "length 0": (Raw(head(b"Content-Length: 0")), APIResponseError),
    "a body longer than its length": (Raw(head(b"Content-Length: 9") + b"<body>"), APIResponseError),
    "not UTF-8": (Body(b'["\xff"]'), APIResponseError),
    "UTF-16": (Body("[]".encode("utf-16")), APIResponseError),
    "deep JSON": (Body(DEEP + b"]" * len(DEEP)), APIResponseError),
    "deep and unclosed": (Body(DEEP), APIResponseError),
    "a huge integer": (Body(b"[" + b"9" * 100_000 + b"]"), APIResponseError),
    "NaN": (Body(b"[NaN]"), APIResponseError),
    "Infinity": (Body(b"[-Infinity]"), APIResponseError),
    "gzip that is none": (Body(b"[]", encoding="gzip"), APIResponseError),
    "gzip that is cut": (Body(gzip.compress(b"[]" + b" " * 9999)[:-9], encoding="gzip"), APIResponseError),
    "gzip with a wrong sum": (Body(gzip.compress(b"[]")[:-8] + bytes(8), encoding="gzip"), APIResponseError),
    "gzip of two members, cut": (
        Body(gzip.compress(b"[]") + gzip.compress(bytes(range(256)) * 99)[:-99], encoding="gzip"),
        APIResponseError,
    ),
    "a head of gzip": (Body(gzip.compress(b"[]")[:9], encoding="gzip"), APIResponseError),
    "deflate, which nobody asked for": (Body(zlib.compress(b"[]"), encoding="deflate"), APIResponseError),
    "gzip of two members": (Body(gzip.compress(b"[") + gzip.compress(b"]"), encoding="gzip"), APIResponseError),
    "gzip of empty members": (Body(gzip.compress(b"") * 4000, encoding="gzip"), APIResponseError),
    "gzip twice": (Body(gzip.compress(gzip.compress(b"[]")), encoding="gzip, gzip"), APIResponseError),
    "nothing in gzip": (Body(b"", encoding="gzip"), APIResponseError),
    "a bomb in a bomb": (
        Body(gzip.compress(gzip.compress(bytes(64 * 2**20))), encoding="gzip, gzip"),
        APIResponseError,
    ),
    "brotli, which nobody asked for": (Body(b"\x0b\x01\x80[]\x03", encoding="br"), APIResponseError),
    "a gzip bomb": (GzipBomb(64 * 2**20), APIResponseError),
    "a body without end": (Endless(), APIResponseError),
    # An answer that says no.
    "418": (Status(418), APIStatusError),
    "451 with a body without end": (Raw(head(status=b"HTTP/1.1 451 X"), endless=b" " * 65536), APIStatusError),
    "500 with half a body": (Raw(head(b"Content-Length: 99", status=b"HTTP/1.1 500 X") + b"{"), InternalServerError),
    "599": (Status(599), InternalServerError),
}


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(facade: Facade, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.client.steps.random_number", lambda: 0.0)  # no wait between tries
    fault, expected = CASES[name]
    user = facade.server.user
    client = facade.client(strict=True, max_retries=1, timeout=20)  # the kept connection may be closed by then
    own = {"user_id": user.user_id, "session_token": user.session_token}
    facade.call(client.get_devices, **own)  # a connection is kept, which the answer may poison
    facade.server.clear()
    facade.server.fail("devices", fault, times=None)
    if expected is OK:
        assert isinstance(facade.call(client.get_devices, **own), list)
    else:
        with pytest.raises(SiperbError) as caught:
            facade.call(client.get_devices, **own)
        assert type(caught.value) is expected or name == "a body longer than its length"
        assert chain(caught.value) == [caught.value]
        assert "GET /Users/{id}/Devices/ " in str(caught.value) or "The API's answer, " in str(caught.value)
    facade.server.clear_faults()
    assert len(facade.call(client.get_devices, **own)) == 2


@pytest.mark.parametrize("lines", [[b"X: 1"] * 150, [b"X: " + b"x" * 70_000]], ids=["many", "long"])
@pytest.mark.parametrize("is_given", [False, True])
def test_headers_beyond_the_limits_are_asked_for_once(facade: Facade, lines: list[bytes], is_given: bool) -> None:
    """is_given: the limits are those of a session of the user's."""
    facade.server.fail(None, Raw(head(*lines, b"Content-Length: <length>") + b"<body>"), times=None)
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(requests.Session()) if is_given and not facade.is_async else None
        if is_given and facade.is_async:
            session = facade.call(aiohttp.ClientSession)
            stack.callback(facade.call, session.close)
        client = facade.client(http_session=session)
        with pytest.raises(
            APIResponseError, match=r"^POST /Login answered with too many or too long headers"
        ) as caught:
            facade.call(client.login)
        assert not caught.value.maybe_done
        facade.server.clear_faults()
        facade.call(client.login)
    assert len(facade.server.requests) == 2


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([b"Retry-After: 7"], 7.0),
        ([b"retry-after:   7  "], 7.0),
        ([b"Retry-After: 0"], 0.0),
        ([b"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"], 0.0),
        ([b"Retry-After: 7", b"Retry-After: 8"], 8.0),
        ([b"Retry-After: -1"], None),
        ([b"Retry-After: 1.5"], 1.5),
        ([b"Retry-After: 1e9"], 1e9),
        ([b"Retry-After: nan"], None),
        ([b"Retry-After: inf"], None),
        ([b"Retry-After: " + b"9" * 5000], 1e9),
        ([b"Retry-After: \xd9\xa1"], None),
        ([b"Retry-After: soon\x01"], None),
        ([b"Retry-After:"], None),
        ([b"X-Retry-After: 7"], None),
    ],
)
def test_retry_after_is_read_alike(facade: Facade, lines: list[bytes], seconds: float | None) -> None:
    answer = head(*lines, b"Content-Length: 0", status=b"HTTP/1.1 429 X")
    facade.server.fail("login", Raw(answer))
    with pytest.raises(APIStatusError) as caught:
        facade.call(facade.client(max_retries=0).login)
    assert (caught.value.status_code, caught.value.retry_after) == (429, seconds)


@pytest.mark.parametrize("fault", [Drop(), Drop(reset=True), Drop("head")])
def test_a_connection_that_is_closed_is_an_error(facade: Facade, fault: Fault) -> None:
    """aiohttp itself asks a second time for what may be sent twice."""
    facade.server.fail(None, fault, times=None)
    own = {"user_id": facade.server.user.user_id, "session_token": facade.server.user.session_token}
    client = facade.client(strict=True, max_retries=0)
    for count, call in (
        (1, client.login),
        (3 if facade.is_async else 2, lambda: client.get_devices(**own)),
    ):
        with pytest.raises(APIConnectionError):
            facade.call(call)
        assert len(facade.server.requests) == count


def test_a_server_that_came_back_is_found(facade: Facade) -> None:
    client = facade.client(strict=True, max_retries=0)
    facade.call(client.login)
    facade.server.stop()
    facade.server.start()
    assert facade.call(client.get_devices)


def test_a_large_list_is_no_bomb(facade: Facade) -> None:
    entry = {"Platform": "script", "DeviceToken": "t" * 65, "Description": "x" * 200}
    facade.server.fail("devices", Json([entry] * 20_000))
    assert len(facade.call(facade.client(strict=True).get_devices)) == 20_000


def test_tokens_go_nowhere_else(facade: Facade, other_server: SiperbServer) -> None:
    client = facade.client(strict=True, max_retries=0)
    facade.call(client.login)
    for status in (301, 302, 303, 307, 308):
        facade.server.fail(None, Redirect(other_server.base_url + "/Login", status), times=2)
        for call in (client.login, client.get_devices):
            with pytest.raises(APIResponseError, match="redirect"):
                facade.call(call)
    assert other_server.requests == []


def test_what_follows_the_end_of_gzip_is_not_kept() -> None:
    body = DecodedBody(login("pat"), "gzip")
    body.take(gzip.compress(b"{}"))
    tracemalloc.start()
    for _ in range(64):
        body.take(bytes(65536))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.whole() == b"{}"
    assert peak < 2**20


def test_too_much_names_the_limit() -> None:
    body = DecodedBody(login("pat"), None)
    body.take(bytes(2**20))
    with pytest.raises(APIResponseError, match=r"^POST /Login answered more than 1 MiB"):
        body.take(b"!")
