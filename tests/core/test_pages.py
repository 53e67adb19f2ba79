"""Lists in pages, as transcripts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from transcripts import (
    ANN,
    ANN_LATER,
    DEVICES,
    KEY,
    NO_ANSWER,
    NOW,
    OWNER,
    device,
    fetch,
    play,
    record,
    status,
    world,
)

from siperb.cache.records import Record
from siperb.core import flows
from siperb.core.calls import GetDevices, GetProvisioning
from siperb.core.effects import Auth, Evict, Later, Load, Save, Send, Sleep
from siperb.core.pages import MAX_PAGES
from siperb.core.wire import MAX_BODY, Request, Response, build_devices, build_provisioning
from siperb.errors import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    NotFoundError,
)
from siperb.models import Session


def page_of(quoted: str, session: Session = ANN) -> Request:
    request = build_devices(session)
    return Request("GET", f"{request.path}?nextToken={quoted}", request.path_template, request.headers)


def page(*tokens: str, next_token: str | None = None) -> Response:
    said = {} if next_token is None else {"x-next-token": next_token}
    return Response(200, json.dumps([device(token) for token in tokens]).encode(), said)


def tokens(devices: Any) -> list[str]:
    return [one.device_token for one in devices]


def test_a_list_is_all_its_pages_in_order() -> None:
    found = play(
        fetch(world(), session=ANN),
        (Send(DEVICES), page("t1", "t2", next_token="a/+=&b c")),
        (Send(page_of("a%2F%2B%3D%26b%20c")), page("t3", next_token="z")),
        (Send(page_of("z")), page("t4")),
    )
    assert tokens(found) == ["t1", "t2", "t3", "t4"]


@pytest.mark.parametrize("said", [None, "", "  "])
def test_a_list_without_a_token_is_one_page(said: str | None) -> None:
    assert tokens(play(fetch(world(), session=ANN), (Send(DEVICES), page("t1", next_token=said)))) == ["t1"]


def test_an_empty_page_is_no_end() -> None:
    steps = (Send(DEVICES), page(next_token="a")), (Send(page_of("a")), page(next_token="b"))
    assert tokens(play(fetch(world(), session=ANN), *steps, (Send(page_of("b")), page("t1")))) == ["t1"]
    assert play(fetch(world(), session=ANN), *steps, (Send(page_of("b")), page())) == []


@pytest.mark.parametrize("again", ["a", "b"])
def test_a_token_that_comes_twice_ends_the_list(again: str) -> None:
    found = play(
        fetch(world(), session=ANN),
        (Send(DEVICES), page("t1", next_token="a")),
        (Send(page_of("a")), page("t2", next_token="b")),
        (Send(page_of("b")), page("t3", next_token=again)),
    )
    assert tokens(found) == ["t1", "t2", "t3"]


def test_each_page_is_tried_again_like_any_request() -> None:
    steps: list[tuple[object, Any]] = [(Send(DEVICES), page("t1", next_token="a"))]
    steps += [(Send(page_of("a")), status(503)), (Sleep(0.25), None)]
    steps += [(Send(page_of("a")), NO_ANSWER), (Sleep(0.5), None)]
    steps += [(Send(page_of("a")), page("t2", next_token="b"))]
    steps += [(Send(page_of("b")), status(429, "7")), (Sleep(7.0), None), (Send(page_of("b")), page("t3"))]
    assert tokens(play(fetch(world(), session=ANN), *steps)) == ["t1", "t2", "t3"]


def test_a_page_that_fails_fails_the_list() -> None:
    first = Send(DEVICES), page("t1", next_token="a")
    for answer, error in [
        (status(404), NotFoundError),
        (NO_ANSWER, APIConnectionError),
        (Response(200, b'{"message": "late"}'), APIResponseError),
        (Response(200, b""), APIResponseError),
        (Response(200, b"[1,"), APIResponseError),
        (Response(200, b"["), APIResponseError),
        (Response(200, b"[\xff]"), APIResponseError),
        (Response(200, b"[{]"), APIResponseError),
        (Response(204), APIResponseError),
    ]:
        with pytest.raises(error):
            play(fetch(world(max_retries=0), session=ANN), first, (Send(page_of("a")), answer))


def test_what_is_no_list_is_not_followed() -> None:
    with pytest.raises(APIResponseError, match="no list"):
        play(fetch(world(), session=ANN), (Send(DEVICES), Response(200, b"{}", {"x-next-token": "a"})))


@pytest.mark.parametrize("token", ["\xe9", "a\x01", "x" * 4097])
def test_a_token_that_cannot_be_sent_back_fails_the_list(token: str) -> None:
    with pytest.raises(APIResponseError, match="X-Next-Token"):
        play(fetch(world(), session=ANN), (Send(DEVICES), page("t1", next_token=token)))


def test_a_401_in_the_middle_logs_in_once_and_goes_on_from_the_same_page() -> None:
    found = play(
        fetch(world()),
        (Auth(), ANN),
        (Send(DEVICES), page("t1", next_token="a")),
        (Send(page_of("a")), status(401)),
        (Auth("token,1"), ANN_LATER),
        (Send(page_of("a", ANN_LATER)), page("t2", next_token="b")),
        (Send(page_of("b", ANN_LATER)), page("t3")),
    )
    assert tokens(found) == ["t1", "t2", "t3"]


def test_a_second_401_is_the_end() -> None:
    with pytest.raises(AuthenticationError):
        play(
            fetch(world()),
            (Auth(), ANN),
            (Send(DEVICES), status(401)),
            (Auth("token,1"), ANN_LATER),
            (Send(build_devices(ANN_LATER)), page("t1", next_token="a")),
            (Send(page_of("a", ANN_LATER)), status(401)),
        )


def test_the_size_limit_holds_for_the_sum() -> None:
    half = b"[" + b" " * (MAX_BODY // 2) + b"]"
    with pytest.raises(APIResponseError, match="32 MiB"):
        play(
            fetch(world(), session=ANN),
            (Send(DEVICES), Response(200, half, {"x-next-token": "a"})),
            (Send(page_of("a")), Response(200, half, {"x-next-token": "b"})),
        )


def test_pages_without_end_are_refused() -> None:
    steps = [(Send(page_of(str(n)) if n else DEVICES), page("t", next_token=str(n + 1))) for n in range(MAX_PAGES)]
    with pytest.raises(APIResponseError, match="500 pages"):
        play(fetch(world(), session=ANN), *steps)
    last = Send(page_of(str(MAX_PAGES - 1))), page("t")
    assert len(play(fetch(world(), session=ANN), *steps[:-1], last)) == MAX_PAGES


def test_the_record_is_the_whole_list() -> None:
    whole = Record(f"[{json.dumps(device('t1'))},{json.dumps(device('t2'))}]", NOW, None, f"{1 << 63:016x}")
    assert play(
        fetch(world(), "mine", ANN),
        (Load(KEY), None),
        (Send(DEVICES), page("t1", next_token="a")),
        (Send(page_of("a")), page("t2")),
        (Save(KEY, whole, OWNER, None), True),
    )


def test_a_page_that_is_refused_ends_the_record() -> None:
    with pytest.raises(NotFoundError):
        play(
            flows.refresh(world(), Later(GetDevices("mine"), ANN, KEY, "1")),
            (Send(DEVICES), page("t1", next_token="a")),
            (Send(page_of("a")), status(404)),
            (Evict(KEY), True),
        )


def test_one_device_has_no_pages() -> None:
    answer = Response(200, json.dumps(device(Settings_json={})).encode(), {"x-next-token": "a"})
    assert play(flows.fetch(world(), GetProvisioning("t"), ANN), (Send(build_provisioning(ANN, "t")), answer))


def test_an_error_body_keeps_the_record() -> None:
    call = GetProvisioning("t", "mine")
    key = call.key("https://api.example", "ann")
    assert key
    stored = record(device(Settings_json={}))
    later = Later(call, ANN, key, stored.generation)
    with pytest.raises(APIResponseError):
        play(flows.refresh(world(), later), (Send(build_provisioning(ANN, "t")), Response(200, b'{"message": "late"}')))
