"""What is sent and what an answer means, without a socket."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from siperb.client.arguments import given_session
from siperb.core import admin, operations
from siperb.core.status import raise_for_status
from siperb.core.wire import (
    MAX_VALUES,
    Request,
    Response,
    parse_devices,
    parse_list,
    parse_login,
    parse_provisioning,
)
from siperb.errors import APIResponseError, APIStatusError, ConfigurationError, DeviceNotScriptError, RateLimitError
from siperb.models import Provisioning, Session

SESSION = Session("68d1786b", "token,with-comma")
REQUEST = operations.login("pat")


def ok(value: object) -> Response:
    return Response(200, json.dumps(value).encode())


def login(**more: object) -> dict[str, object]:
    return {"UserId": "68d1786b", "SessionToken": "token,with-comma", **more}


# What is sent.


def test_login() -> None:
    request = operations.login("pat")
    assert (request.method, request.path, request.path_template) == ("POST", "/Login", "/Login")
    assert request.headers == {"Authorization": "Bearer pat", "Content-Type": "application/json"}


def test_devices() -> None:
    request = operations.get_devices().request(SESSION)
    assert (request.method, request.path) == ("GET", "/Users/68d1786b/Devices/")
    assert request.headers == {"X-Api-Key": "token,with-comma", "Content-Type": "application/json"}


def test_provisioning() -> None:
    request = operations.get_provisioning("t0123").request(SESSION)
    assert request.method == "GET"
    assert request.path == "/Users/68d1786b/Devices/t0123/?password=yes&settings_json=yes"
    assert request.path_template == "/Users/{id}/Devices/{device}/"
    assert request.headers == {"X-Api-Key": "token,with-comma", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("part", "quoted"),
    [
        ("a/b", "a%2Fb"),
        ("a?b#c&d", "a%3Fb%23c%26d"),
        ("a b", "a%20b"),
        ("a%2Fb", "a%252Fb"),
        ("...", "..."),
        ("é", "%C3%A9"),
        ("a;b:c@d", "a%3Bb%3Ac%40d"),
    ],
)
def test_a_path_part_is_quoted(part: str, quoted: str) -> None:
    assert (
        operations.get_provisioning(part)
        .request(Session(part, "t"))
        .path.startswith(f"/Users/{quoted}/Devices/{quoted}/?")
    )
    assert operations.get_devices().request(Session(part, "t")).path == f"/Users/{quoted}/Devices/"


@pytest.mark.parametrize("part", ["", ".", "..", "a\nb", "a\rb", "a\0b", "\x7f", "\ud800", "x" * 4097, None, 1, b"t"])
def test_a_path_part_that_would_ask_for_something_else_is_refused(part: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"device_token"):
        operations.get_provisioning(part).request(SESSION)
    with pytest.raises(ConfigurationError, match=r"user_id"):
        operations.get_devices().request(Session(part, "t"))


@pytest.mark.parametrize(
    "token", ["", " ", "a b", " a", "a ", "a\n", "a\r\nX-Evil: 1", "a\0", "é", "\ud800", "x" * 4097, None, 1, b"pat"]
)
def test_a_token_that_no_header_can_carry_is_refused(token: Any) -> None:
    for build in (lambda: operations.login(token), lambda: given_session("u", token)):
        with pytest.raises(ConfigurationError) as caught:
            build()
        assert not isinstance(token, str) or len(token) < 4 or token not in str(caught.value)


def test_a_request_shows_no_secret() -> None:
    asked = operations.get_provisioning("t0123")
    shown = repr([operations.login("the-pat"), asked, asked.request(SESSION), Response(200, b"the-body", {"a": "b"})])
    assert not any(secret in shown for secret in ("the-pat", "t0123", "token,with-comma", "the-body"))


# What an answer means.


def test_a_login_keeps_all_that_the_api_said() -> None:
    session = parse_login(ok(login(Plan=None, Region="eu", deep={"a": [1]})))
    assert (session.user_id, session.session_token) == ("68d1786b", "token,with-comma")
    assert session.raw == login(Plan=None, Region="eu", deep={"a": [1]})


@pytest.mark.parametrize("name", ["UserId", "SessionToken"])
@pytest.mark.parametrize("value", ["", "with blank", "line\nbreak", "é", "\ud800", "x" * 5000])
def test_a_session_that_cannot_be_sent_back_is_none(name: str, value: str) -> None:
    with pytest.raises(APIResponseError, match=name):
        parse_login(ok(login(**{name: value})))


@pytest.mark.parametrize("user_id", [".", ".."])
def test_a_user_that_no_path_can_name_is_none(user_id: str) -> None:
    with pytest.raises(APIResponseError, match="UserId"):
        parse_login(ok(login(UserId=user_id)))


def test_devices_are_the_script_ones_in_order() -> None:
    platforms = ["script", "ios", "script", "Script", "SCRIPT", None, 1, "script "]
    answer = [{"DeviceToken": f"t{n}", "Platform": platform} for n, platform in enumerate(platforms)]
    assert [device.device_token for device in parse_devices(ok([*answer, {}, {"DeviceToken": "t"}]))] == ["t0", "t2"]


def test_another_platforms_device_may_lack_anything() -> None:
    assert parse_devices(ok([{"Platform": "ios"}, {}])) == []


@pytest.mark.parametrize("answer", [{}, None, "x", 1, True, [None], [[]], ["script"], [{"Platform": "script"}]])
def test_a_list_of_another_shape_is_none(answer: object) -> None:
    with pytest.raises(APIResponseError):
        parse_devices(ok(answer))


def test_a_document() -> None:
    settings = {"SipDomain": "d", "welcomeScreen": None}
    document = parse_provisioning(ok({"Platform": "script", "Settings_json": settings}))
    assert document == Provisioning(sip_domain="d", raw=settings)


@pytest.mark.parametrize("answer", [{"Platform": "script"}, {"Platform": "script", "Settings_json": None}])
def test_a_script_device_without_a_document_has_an_empty_one(answer: object) -> None:
    assert parse_provisioning(ok(answer)) == Provisioning()


@pytest.mark.parametrize("platform", ["ios", "Script", ""])
def test_a_device_of_another_platform_provisions_nothing(platform: str) -> None:
    with pytest.raises(DeviceNotScriptError):
        parse_provisioning(ok({"Platform": platform, "Settings_json": {"SipDomain": "d"}}))


@pytest.mark.parametrize("answer", [{}, {"Platform": None}, {"Platform": 1}, {"platform": "ios"}, {"message": "late"}])
def test_what_names_no_platform_is_no_device(answer: dict[str, object]) -> None:
    with pytest.raises(APIResponseError, match="an object with a Platform"):
        parse_provisioning(ok({**answer, "Settings_json": {"SipDomain": "d"}}))


@pytest.mark.parametrize("settings", [[], "{}", 1, True, ""])
def test_a_document_of_another_shape_is_none(settings: object) -> None:
    with pytest.raises(APIResponseError):
        parse_provisioning(ok({"Platform": "script", "Settings_json": settings}))


NOT_JSON = [b"", b" ", b"<html>", b"{", b'{"a":1}x', b"\xff\xfe", b"NaN", b"[Infinity]", b"[" * 100_000, b"9" * 5000]


@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:12]))
@pytest.mark.parametrize("parse", [parse_login, parse_devices, parse_provisioning])
def test_what_is_not_json_is_no_answer(parse: Any, body: bytes) -> None:
    with pytest.raises(APIResponseError) as caught:
        parse(Response(200, body))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("value", ["0", "[]", "{}", '{"a":[]}'])
def test_a_list_of_more_values_than_memory_has_room_for_is_not_parsed(value: str) -> None:
    body = f"[{','.join([value] * (MAX_VALUES + 1))}]"
    with pytest.raises(APIResponseError, match="more than 2,000,000 values"):
        parse_devices(Response(200, body.encode()))


def test_a_list_of_as_many_values_as_that_is_parsed() -> None:
    assert len(parse_list(Response(200, b"[" + b"0," * (MAX_VALUES - 1) + b"0]"))) == MAX_VALUES


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parse_devices(Response(200, b"\xef\xbb\xbf[]")) == []


# Statuses.


@pytest.mark.parametrize("status", [202, 203, 205, 206, 300, 301, 302, 303, 304, 307, 308, 100])
def test_another_status_is_no_answer(status: int) -> None:
    with pytest.raises(APIResponseError, match=str(status)):
        raise_for_status(REQUEST, Response(status, headers={"location": "https://evil.example/"}), now=0.0)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_done_is_an_answer(status: int) -> None:
    raise_for_status(REQUEST, Response(status), now=0.0)


def refusal(
    status: int, body: bytes = b"", request: Request = REQUEST, now: float = 0.0, **said: str
) -> APIStatusError:
    headers = {name.replace("_", "-"): value for name, value in said.items()}
    with pytest.raises(APIStatusError) as caught:
        raise_for_status(request, Response(status, body, headers), now=now)
    return caught.value


def retry_after(said: str, now: float, **more: str) -> float | None:
    return refusal(429, now=now, retry_after=said, **more).retry_after


RFC_DATE = 784111777.0  # the example of RFC 9110, 5.6.7


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize(
    "said",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",
    ],
)
def test_a_retry_after_date_is_gmt_wherever_we_are(zone: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert retry_after(said, now=RFC_DATE - 20) == 20.0
    finally:
        monkeypatch.undo()
        time.tzset()


NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("2.5", 2.5),
        (".5", 0.5),
        ("+5", 5.0),
        ('"30"', 30.0),
        ("60s", 60.0),
        ("60 seconds", 60.0),
        ("1e2", 100.0),
        ("120, 120", 120.0),
        ("7, 30,8", 30.0),
        ("5, soon", 5.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT, 120", 120.0),
        ("120, Mon, 21 Sep 2026 15:13:20 GMT", 3600.0),
        (f"{NOW + 42:.0f}", 42.0),
        ("2026-09-21T12:33:20Z", 0.0),
        ("2026-09-21T15:13:20Z", 3600.0),
        ("2026-09-21T17:13:20+02:00", 3600.0),
        ("9" * 12, 1e9),
        ("9" * 5000, 1e9),
        ("0", 0.0),
        ("0.0", 0.0),
    ],
)
def test_a_wait_that_is_asked_for_is_never_taken_for_none(said: str, seconds: float) -> None:
    assert retry_after(said, NOW) == seconds


@pytest.mark.parametrize(
    "said", ["", ",", "soon", "-1", "-", "nan", "inf", "\u0661", "0x10", "1 2", "Mon, 99 Foo 2026", "a,b"]
)
def test_what_says_no_wait_is_none(said: str) -> None:
    assert retry_after(said, NOW) is None


def test_a_date_counts_by_the_servers_clock() -> None:
    said = {"retry_after": "Sun, 06 Nov 1994 08:50:07 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert refusal(503, now=NOW, **said).retry_after == 30.0


def test_a_retry_after_without_end_takes_no_time() -> None:
    started = time.monotonic()
    for said in "9" * 60_000 + "x", "," * 60_000, "1," * 30_000, "Sun, " * 12_000, "a" * 60_000:
        retry_after(said, NOW)
    assert time.monotonic() - started < 1


# The API's reason.


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"message": "no available seats"}', "no available seats"),
        (b'{"Message": "no"}', "no"),
        (b'{"error": "exists"}', "exists"),
        (b'{"error": {"code": 7, "message": "exists"}}', "exists"),
        (b'{"errors": [{"detail": "first"}, {"detail": "second"}]}', "first"),
        (b'["not", "so"]', "not"),
        (b'"text"', "text"),
        (b"plain text\r\n of\0 a server", "plain text of a server"),
        (b"\xef\xbb\xbfr\xc3\xa9sum\xc3\xa9", "r\u00e9sum\u00e9"),
        (b'{"message": "a\\u202eb \\ud800"}', "a b"),
        (b"x " * 300, ("x " * 100).strip()),
        (b"", None),
        (b'{"message": ""}', None),
        (b'{"message": 7}', None),
        (b"<html>Bad Gateway</html>", None),
        (b'{"message": "cut off', None),
        (b"[" * 16_000, None),
        (b"token abcdefghijklmnopqrstuvwxyz of +49301234567", "token \u2026 of \u2026"),
        (b"extension 701", "extension 701"),
    ],
)
def test_the_reason_of_the_api(body: bytes, detail: str | None) -> None:
    assert refusal(422, body).detail == detail


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, b'{"message": "No available seats."}', "No available seats (POST /Login answered 403)."),
        (401, b"PAT has expired", "PAT has expired (POST /Login answered 401)."),
        (
            403,
            b'{"message": "Forbidden"}',
            "POST /Login answered 403: this user may not do that; check whose token it is.",
        ),
        (500, b"Internal server error.", "POST /Login answered 500: the API is in trouble; try again later."),
        (499, b"Gone away", "Gone away (POST /Login answered 499)."),
        (499, b"", "POST /Login answered 499: check the request."),
    ],
)
def test_the_reason_of_the_api_comes_first_and_without_advice(status: int, body: bytes, text: str) -> None:
    assert str(refusal(status, body)) == text


def test_a_reason_keeps_the_time_to_wait() -> None:
    answer = Response(429, b"Slow down!", {"retry-after": "90"})
    with pytest.raises(RateLimitError, match=r"^Slow down! \(POST /Login answered 429, not before 1970-.* UTC\)\.$"):
        raise_for_status(operations.login("pat"), answer, now=10.0)


def test_the_reason_quotes_no_secret_of_the_body() -> None:
    fields = {"SipPassword": "hunter22", "Extension": "701", "AuthToken": "ab"}
    request = admin.update_settings(fields).request(Session("ann", "token,2"))
    assert refusal(400, b"hunter22 for 701 (ab)", request).detail == "\u2026 for 701 (ab)"


def test_the_reason_quotes_nothing_that_was_sent_in_secret() -> None:
    assert refusal(401, b"bad token: short-pat.", operations.login("short-pat")).detail == "bad token: \u2026"
    request = operations.get_provisioning("t/3").request(Session("ann", "token,2"))
    said = b"ann has token,2 and t/3, but no application/json for Devices"
    assert refusal(404, said, request).detail == "\u2026 has \u2026 and \u2026 but no application/json for Devices"
