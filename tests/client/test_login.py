"""A call and its login, the first and the next; the pages of a list."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from facades import warnings_of
from fake_ports import (
    ANN,
    ANN_LATER,
    LIST,
    LOGIN,
    ORIGIN,
    PAT,
    SIGNED_IN,
    SIGNED_IN_LATER,
    World,
    asked,
    device,
    drive,
    no_answer,
    ok,
    shown,
    status,
)

from siperb.cache.records import Key
from siperb.client.caching import pat_key, session_key
from siperb.client.ports import Account
from siperb.client.steps import MAX_PAGES, SESSION_LIFETIME
from siperb.core import operations
from siperb.core.by_path import operation
from siperb.core.wire import MAX_BODY, Response
from siperb.errors import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    MissingCredentialsError,
    NotFoundError,
    PermissionDeniedError,
)

DEVICES = operations.get_devices()
SESSION = session_key(ORIGIN, PAT, "SiperbLogin")


def log_in(world: World, *, is_cached: bool = False, stale: str | None = None) -> Any:
    call = world._call(Account(ORIGIN, world._pat), None, "SiperbLogin" if is_cached else None)
    return drive(world._session(call, stale))


def test_a_call_is_a_login_and_a_request() -> None:
    world = World(SIGNED_IN, LIST)
    assert world.ask(DEVICES)
    assert world.done == [LOGIN, asked()]
    assert world.records == {}
    world.answers = [LIST]
    assert world.ask(DEVICES)
    assert world.done == [LOGIN, asked(), asked()]


def test_without_a_pat_the_stored_one_is_used() -> None:
    world = World(SIGNED_IN, pat=None)
    world.store(pat_key(ORIGIN), {"PAT": PAT, "UserId": "ann"})
    assert log_in(world) == ANN


@pytest.mark.parametrize("stored", [None, "null", [], {"UserId": "ann"}, {"PAT": 1}, {"PAT": "in two"}, "{"])
def test_without_a_pat_anywhere_the_error_names_every_place(stored: Any) -> None:
    world = World(pat=None)
    if stored is not None:
        world.store(pat_key(ORIGIN), stored)
    with pytest.raises(MissingCredentialsError) as caught:
        log_in(world)
    for place in ("login()", "client", "SIPERB_PAT", "siperb login"):
        assert place in str(caught.value)


def test_a_401_logs_in_again_and_repeats_once() -> None:
    world = World(status(401), SIGNED_IN_LATER, LIST, session=ANN)
    assert world.ask(DEVICES)
    assert world.done == [asked(), LOGIN, asked(ANN_LATER)]
    with pytest.raises(AuthenticationError):
        World(status(401), SIGNED_IN_LATER, status(401), session=ANN).ask(DEVICES)


@pytest.mark.parametrize(("code", "kind"), [(401, AuthenticationError), (403, PermissionDeniedError)])
def test_a_login_that_fails_is_the_calls_failure(code: int, kind: type[Exception]) -> None:
    for answers, session in ([status(code)], None), ([status(401), status(code)], ANN):
        with pytest.raises(kind) as caught:
            World(*answers, session=session).ask(DEVICES)
        assert "/Login" in str(caught.value)


BAD_LOGINS = [Response(200), ok({}), ok({"UserId": "ann", "SessionToken": "with blank"})]


@pytest.mark.parametrize("answer", BAD_LOGINS, ids=shown)
def test_a_login_that_does_not_parse_is_not_kept(answer: Response) -> None:
    world = World(answer)
    with pytest.raises(APIResponseError):
        log_in(world, is_cached=True)
    assert world.records == {}


# A session in the cache.


def test_a_session_is_kept_for_24_days() -> None:
    world = World(SIGNED_IN)
    assert log_in(world, is_cached=True) == ANN
    record = world.records[SESSION]
    assert record.expires_at
    assert record.expires_at - record.stored_at == SESSION_LIFETIME


@pytest.mark.parametrize(("age", "is_good"), [(0.0, True), (SESSION_LIFETIME - 60, True), (SESSION_LIFETIME, False)])
def test_a_kept_session_is_used_without_asking(age: float, is_good: bool) -> None:
    world = World(*[SIGNED_IN_LATER][is_good:])
    world.store(SESSION, ANN.raw | {}, age=age, lifetime=SESSION_LIFETIME)
    assert log_in(world, is_cached=True) == (ANN if is_good else ANN_LATER)


def test_a_stale_session_is_evicted_and_the_new_one_takes_its_place() -> None:
    for answer, expected in (SIGNED_IN_LATER, [SESSION]), (status(401), []):
        world = World(answer)
        world.store(SESSION, ANN.raw | {}, lifetime=SESSION_LIFETIME)
        if expected:
            assert log_in(world, is_cached=True, stale="token,1") == ANN_LATER
        else:
            with pytest.raises(AuthenticationError):
                log_in(world, is_cached=True, stale="token,1")
        assert list(world.records) == expected


def test_a_session_that_another_process_renewed_is_used() -> None:
    world = World()
    world.store(SESSION, ANN_LATER.raw | {}, lifetime=SESSION_LIFETIME)
    assert log_in(world, is_cached=True, stale="token,1") == ANN_LATER


def test_what_is_refused_during_a_login_stays_so_after_it() -> None:
    world, account = World(SIGNED_IN), Account(ORIGIN, PAT)
    refused = AuthenticationError("Refused.", status_code=401, method="GET", path_template="/Users/{id}/Devices/")
    send = world._send

    async def refused_meanwhile(*args: Any) -> Response:
        account.failure, account.refused_until = refused, time.monotonic() + 60
        return await send(*args)

    world._send = refused_meanwhile  # type: ignore[method-assign]
    assert drive(world._session(world._call(account, None), None)) == ANN
    with pytest.raises(AuthenticationError):
        drive(world._answer(world._call(account, None), DEVICES))


# What a logout removes.


def test_a_logout_removes_the_pat_and_all_of_the_user(caplog: pytest.LogCaptureFixture) -> None:
    devices = Key.of(ORIGIN, "ann", "devices", "mine")
    ways: dict[str, dict[Key, Any]] = {
        "by the session": {},
        "by the stored PAT": {pat_key(ORIGIN): {"PAT": PAT, "UserId": "ann"}},
        "by the kept session": {SESSION: ANN.raw | {}},
    }
    for way, records in ways.items():
        world = World(session=ANN if way == "by the session" else None)
        for key, value in {devices: [], **records}.items():
            world.store(key, value)
        drive(world._logout())
        assert (way, world.records, world.session) == (way, {}, None)
    assert warnings_of(caplog) == []


def test_a_pat_that_leads_to_nobody_is_said(caplog: pytest.LogCaptureFixture) -> None:
    drive(World()._logout())
    assert [warning[:26] for warning in warnings_of(caplog)] == ["Nobody is known to log out"]


def test_what_could_not_be_forgotten_is_said_and_forgotten_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    world = World(session=ANN)
    devices = Key.of(ORIGIN, "ann", "devices", "mine")
    world.store(devices, [])
    cache = world._cache._cache
    forget, cache.forget = cache.forget, lambda _: False
    drive(world._logout())
    assert [warning[:20] for warning in warnings_of(caplog)] == ["Not everything could"]
    cache.forget = forget
    drive(world._logout())
    assert world.records == {}


# Pages.


def page(*tokens: str, next_token: str | None = None) -> Response:
    return ok([device(token) for token in tokens], **({} if next_token is None else {"x_next_token": next_token}))


def listed(*answers: Any) -> list[str]:
    return [one.device_token for one in World(*answers, session=ANN).ask(DEVICES)]


def test_a_list_is_all_its_pages_in_order() -> None:
    world = World(page("t1", "t2", next_token="a/+=&b c"), page("t3", next_token="z"), page("t4"), session=ANN)
    assert [one.device_token for one in world.ask(DEVICES)] == ["t1", "t2", "t3", "t4"]
    queries = ("", "?nextToken=a%2F%2B%3D%26b%20c", "?nextToken=z")
    assert world.done == [asked(query=query) for query in queries]
    world = World(page("t1", next_token="/"), page(), session=ANN)
    world.ask(operation("GET", "/Users/{user_id}/X", params={"search": "a"}, is_list=True))
    assert world.done[1].startswith("GET /Users/ann/X?search=a&nextToken=%2F ")


@pytest.mark.parametrize("said", [None, "", "  "])
def test_a_list_without_a_token_is_one_page(said: str | None) -> None:
    assert listed(page("t1", next_token=said)) == ["t1"]


def test_an_empty_page_is_no_end() -> None:
    assert listed(page(next_token="a"), page(next_token="b"), page("t1")) == ["t1"]
    assert listed(page(next_token="a"), page()) == []


@pytest.mark.parametrize("again", ["a", "b"])
def test_a_token_that_comes_twice_ends_the_list(again: str) -> None:
    assert listed(page("t1", next_token="a"), page("t2", next_token="b"), page("t3", next_token=again)) == [
        "t1",
        "t2",
        "t3",
    ]


def test_each_page_is_tried_again_like_any_request() -> None:
    assert listed(page("t1", next_token="a"), status(503), no_answer(), page("t2")) == ["t1", "t2"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(404), NotFoundError),
        ([no_answer()] * 3, APIConnectionError),
        (Response(200, b'{"message": "late"}'), APIResponseError),
        (Response(200, b""), APIResponseError),
        (Response(200, b"[1,"), APIResponseError),
        (Response(200, b"["), APIResponseError),
        (Response(200, b"[\xff]"), APIResponseError),
        (Response(200, b"[{]"), APIResponseError),
        (Response(204), APIResponseError),
    ],
    ids=shown,
)
def test_a_page_that_fails_fails_the_list(answer: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        listed(page("t1", next_token="a"), *(answer if isinstance(answer, list) else [answer]))


@pytest.mark.parametrize("token", ["\xe9", "a\x01", "x" * 4097])
def test_a_token_that_cannot_be_sent_back_fails_the_list(token: str) -> None:
    with pytest.raises(APIResponseError, match="X-Next-Token"):
        listed(page("t1", next_token=token))
    with pytest.raises(APIResponseError, match="no list"):
        listed(Response(200, b"{}", {"x-next-token": "a"}))


def test_a_401_in_the_middle_logs_in_once_and_goes_on_from_the_same_page() -> None:
    first, last = page("t1", next_token="a"), page("t2")
    world = World(first, status(401), SIGNED_IN_LATER, last, session=ANN)
    assert len(world.ask(DEVICES)) == 2
    assert world.done == [asked(), asked(query="?nextToken=a"), LOGIN, asked(ANN_LATER, "?nextToken=a")]


def test_a_list_has_an_end() -> None:
    half = b"[" + b" " * (MAX_BODY // 2) + b"]"
    with pytest.raises(APIResponseError, match="32 MiB"):
        listed(*(Response(200, half, {"x-next-token": name}) for name in "ab"))
    pages = [page("t", next_token=str(number)) for number in range(MAX_PAGES)]
    with pytest.raises(APIResponseError, match="500 pages"):
        listed(*pages)
    assert len(listed(*pages[:-1], page("t"))) == MAX_PAGES


def test_one_device_has_no_pages() -> None:
    answer = ok(device(Settings_json={}), x_next_token="a")
    assert World(answer, session=ANN).ask(operations.get_provisioning("t"))
    assert json.loads(answer.body)["Platform"] == "script"
