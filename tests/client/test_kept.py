"""An answer that is stored is returned at once, and the API is asked behind it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from facades import warnings_of
from fake_ports import (
    ANN,
    DEVICE,
    LIST,
    ORIGIN,
    SIGNED_IN_LATER,
    World,
    device,
    document,
    no_answer,
    ok,
    shown,
    status,
)

from siperb.cache.records import Key
from siperb.client.caching import pat_key, session_key
from siperb.core import operations
from siperb.core.wire import Response
from siperb.errors import AuthenticationError, DeviceNotScriptError, NotFoundError, PermissionDeniedError
from siperb.models import Provisioning

DEVICES, KEY = operations.get_devices(cache_key="mine"), Key.of(ORIGIN, "ann", "devices", "mine")
PROVISIONING = operations.get_provisioning(DEVICE, "mine")
DOCUMENT = Key.of(ORIGIN, "ann", "prov", "mine", DEVICE)
OLD = [device("t-old")]
REFUSALS = [
    ([status(401), SIGNED_IN_LATER, status(401)], AuthenticationError),
    ([status(403)], PermissionDeniedError),
    ([status(404)], NotFoundError),
]
FAILURES = [[no_answer()] * 3, [status(503)] * 3, [status(429)] * 3, [Response(200, b"<html>")], [ok({})], [ok([1])]]


def names(devices: Any) -> list[str]:
    return [each.device_token for each in devices]


def payload(world: World, key: Key) -> Any:
    return json.loads(world.records[key].payload)


def test_a_first_answer_is_stored() -> None:
    world = World(LIST, session=ANN)
    assert names(world.ask(DEVICES)) == [DEVICE]
    assert payload(world, KEY) == [device()]
    assert world.refreshes == []


def test_a_stored_answer_is_served_and_refreshed_behind() -> None:
    world = World(session=ANN)
    world.store(KEY, OLD)
    assert names(world.ask(DEVICES)) == ["t-old"]
    world.answers = [LIST]
    world.refresh()
    assert payload(world, KEY) == [device()]


def test_a_refresh_replaces_the_record_that_was_served_and_no_other() -> None:
    world = World(session=ANN)
    world.store(KEY, OLD)
    world.ask(DEVICES)
    newer = world.store(KEY, [device("t-newer")])
    world.answers = [LIST]
    world.refresh()
    assert world.records[KEY] == newer


def test_a_refresh_is_dropped_after_a_logout() -> None:
    world = World(session=ANN)
    world.store(KEY, OLD)
    world.ask(DEVICES)
    assert world._account
    world._account.is_over = True
    world.refresh()
    assert world.done == []


@pytest.mark.parametrize(("answers", "error"), REFUSALS, ids=shown)
def test_a_refusal_removes_the_record(answers: list[Any], error: type[Exception]) -> None:
    world = World(session=ANN)
    world.store(KEY, OLD)
    world.ask(DEVICES)
    world.answers = list(answers)
    world.refresh()
    assert not {KEY, DOCUMENT} & world.records.keys()
    world = World(*answers, session=ANN)
    world.store(KEY, OLD, age=-3600)  # from the future, after a clock was set back
    with pytest.raises(error):
        world.ask(DEVICES)
    assert not {KEY, DOCUMENT} & world.records.keys()


def test_a_device_that_is_a_script_device_no_more_is_removed() -> None:
    world = World(ok({**device(), "Platform": "ios"}), session=ANN)
    world.store(DOCUMENT, document(-1))
    with pytest.raises(DeviceNotScriptError):
        world.ask(PROVISIONING)
    assert not {KEY, DOCUMENT} & world.records.keys()


@pytest.mark.parametrize("answers", FAILURES, ids=shown)
def test_any_other_failure_keeps_the_record_and_pauses_refreshing(
    answers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    world = World(session=ANN)
    world.store(KEY, OLD)
    world.ask(DEVICES)
    world.answers = list(answers)
    world.refresh()
    assert payload(world, KEY) == OLD
    assert len(warnings_of(caplog)) == 1
    assert world.ask(DEVICES)
    assert world.refreshes == []
    world._refresh_failed_at -= 30
    assert world.ask(DEVICES)
    assert len(world.refreshes) == 1


def test_a_refresh_that_worked_ends_the_pause() -> None:
    world = World(session=ANN)
    world.store(KEY, OLD)
    world.ask(DEVICES)
    world._refresh_failed_at = time.monotonic() - 31
    world.answers = [LIST]
    world.refresh()
    assert world.ask(DEVICES)
    assert len(world.refreshes) == 1


@pytest.mark.parametrize(
    ("stored", "age"),
    [("{", 0), ({}, 0), ([{"Platform": "script"}], 0), (OLD, -3600), ('["\ud800"]', 0), ("[" * 100_000, 0)],
    ids=map(str, range(6)),
)
def test_a_record_that_cannot_be_served_is_asked_for_and_replaced(stored: Any, age: float) -> None:
    world = World(LIST, session=ANN)
    world.store(KEY, stored, age=age)
    assert names(world.ask(DEVICES)) == [DEVICE]
    assert payload(world, KEY) == [device()]


def test_a_record_of_more_than_a_day_is_confirmed_first(caplog: pytest.LogCaptureFixture) -> None:
    world = World(LIST, session=ANN)
    world.store(KEY, OLD, age=86401)
    assert names(world.ask(DEVICES)) == [DEVICE]
    world = World(*[status(503)] * 3, session=ANN)
    world.store(KEY, OLD, age=86401)
    assert names(world.ask(DEVICES)) == ["t-old"]
    assert "could not be confirmed" in warnings_of(caplog)[0]


def test_records_have_keys_of_their_own() -> None:
    """By origin, by user or PAT, by kind, by the caller's key, by device."""
    kept = [operations.get_devices(cache_key=key) for key in "ab"]
    kept += [operations.get_provisioning(*names) for names in (("t1", "a"), ("t2", "a"), ("t1", "b"))]  # type: ignore[misc]
    origins, users = ("https://one.example", "https://two.example"), ("ann", "bob")
    keys = [Key.of(origin, user, *each.kept) for each in kept for origin in origins for user in users if each.kept]
    keys += [session_key(origin, user, key) for key in "ab" for origin in origins for user in users]
    keys += [pat_key(origin) for origin in origins]
    assert len(set(keys)) == len(keys)
    assert not any(secret in str(key) for key in keys for secret in ("ann", "bob", "t1", "one"))


# A document whose JWT has expired.


@pytest.mark.parametrize("left", [59.0, 0.0, -3600.0])
def test_a_document_whose_jwt_has_expired_is_fetched_first(left: float) -> None:
    world = World(ok(document(86400.0)), session=ANN)
    world.store(DOCUMENT, document(left))
    found = world.ask(PROVISIONING)
    assert found.jwt_expires_at.timestamp() > time.time() + 3600
    assert payload(world, DOCUMENT)["Settings_json"]["SipJwt"] == found.sip_jwt


@pytest.mark.parametrize("left", [None, 65.0])
def test_a_document_whose_jwt_is_good_is_served(left: float | None) -> None:
    world = World(session=ANN)
    world.store(DOCUMENT, document(left))
    assert world.ask(PROVISIONING).sip_domain == "sip.example"
    assert len(world.refreshes) == 1


@pytest.mark.parametrize("answers", FAILURES[:4], ids=shown)
def test_an_expired_document_is_served_with_a_warning_when_there_is_no_other(
    answers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    world = World(*answers, session=ANN)
    world.store(DOCUMENT, document(-1.0))
    assert isinstance(world.ask(PROVISIONING), Provisioning)
    assert "expired" in warnings_of(caplog)[0]
    caplog.clear()
    assert world.ask(PROVISIONING)  # nothing is asked within the pause
    assert warnings_of(caplog) == [
        "The stored provisioning has expired and is returned as it is: the API failed a moment ago."
    ]


@pytest.mark.parametrize(("answers", "error"), REFUSALS, ids=shown)
def test_an_expired_document_that_the_api_refuses_is_removed(answers: list[Any], error: type[Exception]) -> None:
    world = World(*answers, session=ANN)
    world.store(DOCUMENT, document(-1.0))
    with pytest.raises(error):
        world.ask(PROVISIONING)
    assert not {KEY, DOCUMENT} & world.records.keys()
