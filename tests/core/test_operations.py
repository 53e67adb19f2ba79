"""Any operation: what is sent, what is refused before anything is, what its answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_ports import ANN

from siperb.core.by_path import operation
from siperb.core.wire import Response
from siperb.errors import ConfigurationError


def test_a_request() -> None:
    request = operation(
        "post",
        "/Users/{uID}/Devices/{device}/Thing/",
        {"device": "t/1"},
        params={"a b": "c&d", "yes": True, "no": False, "n": 5, "none": None},
        json={"é": [1.5, None]},
    ).request(ANN)
    assert (request.method, request.path_template) == ("POST", "/Users/{id}/Devices/{device}/Thing/")
    assert request.path == "/Users/ann/Devices/t%2F1/Thing/?a%20b=c%26d&yes=yes&no=no&n=5"
    assert request.headers == {"X-Api-Key": "token,1", "Content-Type": "application/json"}
    assert json.loads(request.body) == {"é": [1.5, None]}


def test_a_request_without_a_body_or_a_query() -> None:
    request = operation("GET", "/Users/{user_id}/Billing", params={"search": None}).request(ANN)
    assert (request.path, request.body, request.repeatable) == ("/Users/ann/Billing", b"", True)


@pytest.mark.parametrize("start", ["/Users/{user_id}", "/Users/{uID}", "/Users/{user_id}/DomainUsers/{domain_user_id}"])
def test_a_domain_users(start: str) -> None:
    devices = operation("GET", f"{start}/Devices/{{device}}/", {"device": "t1"}, params={"a": "b"}, in_view=True)
    request = devices.request(ANN, "a/b")
    assert request.path == "/Users/ann/DomainUsers/a%2Fb/Devices/t1/?a=b"
    assert request.path_template == "/Users/{id}/DomainUsers/{id}/Devices/{device}/"
    assert operation("GET", start, in_view=True).request(ANN, "x").path == "/Users/ann/DomainUsers/x"


@pytest.mark.parametrize(
    "path",
    [
        "/Users",
        "/Users/ann",
        "/Users/{user_id}x",
        "/Users/{user_id}/DomainUsers",
        "/Users/{user_id}/domainusers/",
        "/Users/{user_id}/DomainUsers/{x}",
        "/Users/{user_id}/DomainUsers/{domain_user_id}/DomainUsers",
        None,
    ],
)
def test_nobody_elses_in_a_view(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="In a view"):
        operation("GET", path, {"x": "y"}, in_view=True)


def test_an_id_is_no_placeholder() -> None:
    assert operation("GET", "/Users/{a}", {"a": "{user_id}"}).request(ANN).path == "/Users/%7Buser_id%7D"
    assert operation("GET", "/X", params={"a": "{user_id}"}).request(ANN).path == "/X?a=%7Buser_id%7D"


@pytest.mark.parametrize(
    ("method", "path", "repeatable"),
    [
        ("GET", "/x", True),
        ("HEAD", "/x", True),
        ("DELETE", "/x", True),
        ("PUT", "/Users/{user_id}/Devices/x", True),
        ("PUT", "/Users/{user_id}/Voicemail", True),
        ("POST", "/x", False),
        ("PATCH", "/x", False),
        ("PUT", "/Users/{user_id}/ResetPassword", False),
        ("PUT", "/Users/{user_id}/resetpassword/", False),
        ("PUT", "/Users/{user_id}/DomainUsers/x/oAuth/google", False),
        ("PUT", "/Users/{user_id}/ValidateAudioCallLink", False),
        ("PUT", "/Users/{user_id}/Voicemail/Greeting", False),
        ("GET", "/Users/{user_id}/oAuth/google", True),
    ],
)
def test_what_may_be_sent_twice(method: str, path: str, repeatable: bool) -> None:
    assert operation(method, path).request(ANN).repeatable is repeatable
    for said in True, False:
        assert operation(method, path, repeatable=said).request(ANN).repeatable is said


SECRET = "t0123456789"
BAD: list[tuple[str, Any]] = [
    (f"{method!r}", {"method": method}) for method in ("", "TRACE", "OPTIONS", "GET ", "GET\r\n", None, 1, b"GET")
]
BAD += [
    (f"{path!r}", {"path": path})
    for path in (
        "",
        "Users",
        "https://api.siperb.com/Users",
        "//evil.example/x",
        "/Users//x",
        "/Users/./x",
        "/Users/../x",
        "/..",
        "/%2e%2e/x",
        "/Users?search=x",
        "/Users#x",
        "/Users/{x}",
        "/Users/{}",
        "/Users/{x",
        "/Users/a{user_id}",
        "/Users/{user id}",
        "/Users/a b",
        "/Users/é",
        "/Users/x\\y",
        "/Users/x\n",
        None,
        b"/Users",
    )
]
BAD += [(f"{ids!r}", {"ids": ids, "path": "/Users/{x}"}) for ids in ({}, {"y": SECRET}, {"x": "a", "y": SECRET})]
BAD += [(f"an id of {value!r}", {"ids": {"x": value}, "path": "/{x}"}) for value in ("", ".", "..", "a\n", 1, None)]
BAD += [("the session's user", {"ids": {"user_id": SECRET}, "path": "/Users/{user_id}"})]
BAD += [
    (f"params {params!r}", {"params": params})
    for params in (
        ["a"],
        "a",
        {"a": 1.5},
        {"a": ["x"]},
        {"a": b"x"},
        {1: "a"},
        {"": "a"},
        {"a": "\ud800"},
        {"\ud800": 1},
    )
]
ROUND: list[Any] = []
ROUND.append(ROUND)
BAD += [
    (f"json {number}", {"json": value})
    for number, value in enumerate(
        [float("nan"), [float("inf")], {SECRET}, b"x", {"a": object()}, ROUND, {(SECRET,): 1}, {"a": {SECRET: {1}}}]
    )
]
BAD += [
    (f"{method} {path}", {"method": method, "path": path, "ids": ids})
    for method, path, ids in (
        ("POST", "/Login", {}),
        ("POST", "/login/", {}),
        ("GET", "/Login", {}),
        ("POST", "/{x}", {"x": "Login"}),
    )
]
BAD += [("the token of a page", {"params": {"nextToken": "x"}, "is_list": True})]


@pytest.mark.parametrize("wrong", [pytest.param(wrong, id=name) for name, wrong in BAD])
def test_what_cannot_be_sent_is_refused(wrong: dict[str, Any]) -> None:
    options = {"method": "GET", "path": "/Users/{user_id}", **wrong}
    with pytest.raises(ConfigurationError) as caught:
        operation(options.pop("method"), options.pop("path"), options.pop("ids", None), **options)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/Users/{user_id}/Devices/{device2}/", "/Users/{id}/Devices/{device2}/"),
        ("/Users/5f1d0c7e/Devices", "/Users/{…}/Devices"),
        ("/Users/" + "x" * 24, "/Users/" + "x" * 24),
        ("/Users/" + "x" * 25, "/Users/{…}"),
        ("/Users/{" + "x" * 25 + "}", "/Users/{" + "x" * 25 + "}"),
        ("/Users/anna@contact.example", "/Users/{…}"),
    ],
)
def test_an_error_shows_what_was_typed(path: str, shown: str) -> None:
    ids = {"device2": SECRET} if "device2" in path else {"x" * 25: SECRET} if "{x" in path else {}
    assert operation("GET", path, ids).request(ANN).path_template == shown


def test_two_are_never_equal() -> None:
    one, other = operation("POST", "/x"), operation("POST", "/x")
    assert one != other
    assert SECRET not in repr(operation("GET", "/{x}", {"x": SECRET}))


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b'{"a": 1}', "application/json; charset=utf-8", {"a": 1}),
        (b"[]", None, []),
        (b"null", "application/json", None),
        (b"1", "application/problem+json", 1),
        (b"", "application/json", None),
        (b"", None, None),
        (b"\x89PNG", "image/png", b"\x89PNG"),
        (b"{}", "Audio/WAV", b"{}"),
    ],
)
def test_what_an_answer_means(body: bytes, kind: str | None, value: Any) -> None:
    answer = Response(200, body, {} if kind is None else {"content-type": kind})
    assert operation("GET", "/x").read(answer) == value
