"""Whatever the API says: a value of the right type or an error of the tree, never another, never half of a model.

Inputs in CI, and a fifth of them elsewhere: 1,000 bodies for each of three parsers, 500 documents, and for each facade
150 answers and 100 cached payloads.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from effort import examples
from facades import Facade
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siperb import Device, MemoryCache, Provisioning, Session, SiperbError
from siperb.cache.records import Key, Record
from siperb.core.structure import WIRE_NAMES
from siperb.core.wire import TOKEN, Response, parse_devices, parse_login, parse_provisioning
from siperb.testing import Body, SiperbServer

NAMES = sorted({name for names in WIRE_NAMES.values() for aliases in names.values() for name in aliases})

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["script", "443", "/ws", "", "a.b.c", "e30.eyJleHAiOiAxfQ.x", "\ud800", ".", "..", "t,1"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
)
names = st.sampled_from(NAMES + [name.upper() for name in NAMES]) | st.text(max_size=5)
documents = st.dictionaries(names, values, max_size=12)


def mostly(usual: object, other: st.SearchStrategy[Any] = scalars) -> st.SearchStrategy[Any]:
    return st.sampled_from([True, True, False]).flatmap(lambda is_usual: st.just(usual) if is_usual else other)


devices = st.fixed_dictionaries(
    {"Platform": mostly("script"), "DeviceToken": mostly("t1")}, optional={"Description": values}
)
lists = st.lists(devices, max_size=4) | st.lists(devices | values, max_size=4)
logins = st.fixed_dictionaries({"UserId": mostly("ann"), "SessionToken": mostly("t,1")}, optional={"Plan": values})
provisionings = st.fixed_dictionaries(
    {"Platform": mostly("script")}, optional={"Settings_json": documents | values, "Tags": values}
)


def bodies_of(answers: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return (answers | values).map(lambda answer: json.dumps(answer).encode()) | st.binary(max_size=60)


many = settings(max_examples=examples(1000))


def is_session(value: object) -> bool:
    return (
        isinstance(value, Session)
        and TOKEN.fullmatch(value.user_id) is not None
        and TOKEN.fullmatch(value.session_token) is not None
    )


def is_device(value: object) -> bool:
    return (
        isinstance(value, Device)
        and isinstance(value.device_token, str)
        and value.platform == "script" == value.raw["Platform"]
        and (value.description is None or isinstance(value.description, str))
    )


def are_devices(value: object) -> bool:
    return isinstance(value, list) and all(map(is_device, value))


def is_provisioning(value: object) -> bool:
    if not isinstance(value, Provisioning):
        return False
    for name in WIRE_NAMES["Provisioning"]:
        found = getattr(value, name)
        kind = int if name == "sip_websocket_port" else str
        if not (found is None or (type(found) is kind and found)):
            return False
    port = value.sip_websocket_port
    expires_at = value.jwt_expires_at
    return (port is None or 0 < port < 65536) and (expires_at is None or isinstance(expires_at, datetime))


def behaves(model: Any) -> None:
    """What users do with a model, whatever is in it."""
    repr(model)
    hash(model)
    assert pickle.loads(pickle.dumps(model)).raw.keys() == model.raw.keys()


@pytest.mark.parametrize(
    ("parse", "answers", "is_right"),
    [
        (parse_login, logins, is_session),
        (parse_devices, lists, are_devices),
        (parse_provisioning, provisionings, is_provisioning),
    ],
    ids=["login", "devices", "provisioning"],
)
def test_any_body_is_a_right_value_or_an_error_of_the_tree(
    parse: Callable[[Response], Any], answers: st.SearchStrategy[Any], is_right: Callable[[object], bool]
) -> None:
    values, errors = [], []

    @many
    @given(bodies_of(answers))
    def check(body: bytes) -> None:
        try:
            value = parse(Response(200, body))
        except SiperbError as error:
            errors.append(error)
            return
        values.append(value)
        assert is_right(value)
        for model in value if isinstance(value, list) else [value]:
            behaves(model)

    check()
    assert all(error.__context__ is None for error in errors)
    assert min(len(values), len(errors)) > 20, "both outcomes were met"


@settings(many, max_examples=examples(500))
@given(documents)
def test_any_document_is_a_provisioning_and_nothing_of_it_is_lost(document: dict[str, Any]) -> None:
    body = json.dumps({"Platform": "script", "Settings_json": document})
    try:
        provisioning = parse_provisioning(Response(200, body.encode()))
    except SiperbError:
        assert "NaN" in body or "Infinity" in body  # which is no JSON
        return
    assert is_provisioning(provisioning)
    assert provisioning.raw == json.loads(body)["Settings_json"]
    assert list(provisioning.raw) == list(document)
    behaves(provisioning)


# Through the facades.


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[SiperbServer]:
    with SiperbServer() as running:
        yield running


few = settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_any_answer_is_a_right_result_on_both_facades(kind: str, lasting_server: SiperbServer) -> None:
    server = lasting_server
    given_session = {"user_id": server.user.user_id, "session_token": server.user.session_token}
    with Facade(kind, server) as facade:
        lenient, strict = facade.client(max_retries=0), facade.client(max_retries=0, strict=True)

        def attempt(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            try:
                return facade.call(method, *arguments, **options)
            except SiperbError as error:
                return error

        @few
        @given(bodies_of(logins | lists | provisionings))
        def check(body: bytes) -> None:
            server.fail(None, Body(body), times=5)
            login = attempt(strict.login)
            assert is_session(login) or isinstance(login, SiperbError)
            for arguments, name, is_right in (
                ((), "get_devices", are_devices),
                (("t",), "get_provisioning", is_provisioning),
            ):
                result = attempt(getattr(strict, name), *arguments, **given_session)
                assert is_right(result) or isinstance(result, SiperbError)
                same = attempt(getattr(lenient, name), *arguments, **given_session)
                assert same is None if isinstance(result, SiperbError) else same == result
            assert not server.faults

        check()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_any_cached_payload_is_served_right_or_replaced(kind: str, lasting_server: SiperbServer) -> None:
    server, cache = lasting_server, MemoryCache()
    key = Key.of(server.base_url, server.user.user_id, "devices", "x")
    owner = Key.scope_of(server.base_url, server.user.user_id)
    with Facade(kind, server) as facade:
        client = facade.client(cache=cache, strict=True)
        facade.call(client.login)

        @settings(few, max_examples=examples(100))
        @given((lists | values).map(json.dumps) | st.text(), st.floats() | st.integers(), st.none() | st.floats())
        def check(payload: str, stored_at: float, expires_at: float | None) -> None:
            cache.save(key, Record(payload, stored_at, expires_at, "1" * 16), owner=owner)
            assert are_devices(facade.call(client.get_devices, enable_cache=True, session_key="x"))

        check()
