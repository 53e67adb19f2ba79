"""What a call takes from the cache and puts there, as transcripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from facades import warnings_of
from transcripts import (
    ANN,
    ANN_LATER,
    DEVICE,
    DEVICES,
    KEY,
    LIST,
    NO_ANSWER,
    NOW,
    ORIGIN,
    OWNER,
    PROVISIONING,
    REFUSED,
    Clock,
    device,
    document,
    fetch,
    ok,
    play,
    record,
    saved,
    status,
    world,
)

from siperb.cache.records import Key, Record
from siperb.core import flows
from siperb.core.calls import GetDevices, GetProvisioning
from siperb.core.effects import Auth, Evict, Later, Load, Save, Send
from siperb.core.wire import Response, build_devices
from siperb.errors import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    DeviceNotScriptError,
    NotFoundError,
    PermissionDeniedError,
)
from siperb.models import Provisioning, Session


def test_a_first_answer_is_stored_under_its_user() -> None:
    steps = (Auth(), ANN), (Load(KEY), None), (Send(DEVICES), LIST), (Save(KEY, saved(LIST), OWNER), True)
    assert play(fetch(world(), "mine"), *steps)


@pytest.mark.parametrize("session", [None, ANN])
def test_a_stored_answer_is_served_and_refreshed_later(session: Session | None) -> None:
    stored = record([device("t-old")])
    later = Later(GetDevices("mine"), session, KEY, stored.generation)
    auth: list[tuple[object, Any]] = [] if session else [(Auth(), ANN)]
    devices = play(fetch(world(), "mine", session), *auth, (Load(KEY), stored), (later, None))
    assert [found.device_token for found in devices] == ["t-old"]


def test_a_refresh_replaces_the_record_that_was_served_and_no_other() -> None:
    later = Later(GetDevices("mine"), None, KEY, "1" * 16)
    steps = (Auth(), ANN), (Send(DEVICES), LIST), (Save(KEY, saved(LIST), OWNER, "1" * 16), True)
    assert play(flows.refresh(world(), later), *steps) is None


def test_a_refresh_is_dropped_when_somebody_else_has_logged_in() -> None:
    later = Later(GetDevices("mine"), None, KEY, "1" * 16)
    assert play(flows.refresh(world(), later), (Auth(), Session("bob", "token,b"))) is None


def test_a_refresh_logs_in_again_too() -> None:
    later = Later(GetDevices("mine"), None, KEY, "1" * 16)
    play(
        flows.refresh(world(), later),
        (Auth(), ANN),
        (Send(DEVICES), REFUSED),
        (Auth("token,1"), ANN_LATER),
        (Send(build_devices(ANN_LATER)), LIST),
        (Save(KEY, saved(LIST), OWNER, "1" * 16), True),
    )


REFUSALS = [
    (Response(401), AuthenticationError),
    (Response(403), PermissionDeniedError),
    (Response(404), NotFoundError),
]


@pytest.mark.parametrize(("answer", "error"), REFUSALS)
def test_a_refusal_evicts_the_record(answer: Response, error: type[Exception]) -> None:
    later = Later(GetDevices("mine"), ANN, KEY, "1" * 16)
    with pytest.raises(error):
        play(flows.refresh(world(), later), (Send(DEVICES), answer), (Evict(KEY), True))


@pytest.mark.parametrize(("answer", "error"), REFUSALS)
def test_a_refusal_evicts_a_record_that_could_not_be_served(answer: Response, error: type[Exception]) -> None:
    """One from the future, after a clock was set back: it would be served again when its time has come."""
    stored = record([device()], at=NOW + 3600)
    with pytest.raises(error):
        play(fetch(world(), "mine", ANN), (Load(KEY), stored), (Send(DEVICES), answer), (Evict(KEY), True))


def test_a_device_that_is_a_script_device_no_more_is_evicted() -> None:
    call = GetProvisioning(DEVICE, "mine")
    key = call.key(ORIGIN, "ann")
    assert key
    other = ok({**device(), "Platform": "ios"})
    with pytest.raises(DeviceNotScriptError):
        play(flows.refresh(world(), Later(call, ANN, key, "1" * 16)), (Send(PROVISIONING), other), (Evict(key), True))


@pytest.mark.parametrize("answer", [NO_ANSWER, status(503), status(429), Response(200, b"<html>"), ok({}), ok([1])])
def test_any_other_failure_keeps_the_record_and_pauses_refreshing(answer: Any) -> None:
    context = world(max_retries=0)
    stored = record([device("t-old")])
    later = Later(GetDevices("mine"), ANN, KEY, stored.generation)
    with pytest.raises((APIConnectionError, APIStatusError, APIResponseError)):
        play(flows.refresh(context, later), (Send(DEVICES), answer))
    assert isinstance(context.clock, Clock)
    context.clock.time += 29
    assert play(fetch(context, "mine", ANN), (Load(KEY), stored))  # no Later
    context.clock.time += 1
    assert play(fetch(context, "mine", ANN), (Load(KEY), stored), (later, None))


def test_a_refresh_that_worked_ends_the_pause() -> None:
    context = world()
    context.failures[KEY] = context.clock() - 10
    stored = record([device("t-old")])
    later = Later(GetDevices("mine"), ANN, KEY, stored.generation)
    save = Save(KEY, saved(LIST), OWNER, stored.generation)
    play(flows.refresh(context, later), (Send(DEVICES), LIST), (save, True))
    assert play(fetch(context, "mine", ANN), (Load(KEY), stored), (later, None))


@pytest.mark.parametrize(
    "stored",
    [
        Record("{", NOW, None, "1" * 16),
        record({}),
        record([{"Platform": "script"}]),
        record([device()], at=NOW + 3600),
        Record('["\ud800"]', NOW, None, "1" * 16),
        Record("[" * 100_000, NOW, None, "1" * 16),
    ],
)
def test_a_record_that_cannot_be_served_is_asked_for_and_replaced(stored: Record) -> None:
    save = Save(KEY, saved(LIST), OWNER, stored.generation)
    assert play(fetch(world(), "mine", ANN), (Load(KEY), stored), (Send(DEVICES), LIST), (save, True))


def test_without_a_cache_key_nothing_is_loaded_or_saved() -> None:
    assert play(fetch(world(), session=ANN), (Send(DEVICES), LIST))


def test_records_have_keys_of_their_own() -> None:
    """By origin, by user or PAT, by kind, by the caller's key, by device."""
    calls: list[Callable[[str, str], Key | None]] = [
        GetDevices("a").key,
        GetDevices("b").key,
        GetProvisioning("t1", "a").key,
        GetProvisioning("t2", "a").key,
        GetProvisioning("t1", "b").key,
        lambda origin, user: flows.session_key(origin, user, "a"),
        lambda origin, user: flows.session_key(origin, user, "b"),
    ]
    origins, users = ("https://one.example", "https://two.example"), ("ann", "bob")
    keys = [call(origin, user) for call in calls for origin in origins for user in users]
    keys += [flows.pat_key(origin) for origin in origins]
    assert len(set(keys)) == len(keys)
    assert not any(secret in str(key) for key in keys for secret in ("ann", "bob", "t1", "one"))


# A document whose JWT has expired.


@pytest.fixture
def provisioning() -> tuple[GetProvisioning, Key]:
    call = GetProvisioning(DEVICE, "mine")
    key = call.key(ORIGIN, "ann")
    assert key
    return call, key


Prov = tuple[GetProvisioning, Key]


@pytest.mark.parametrize("left", [59.0, 0.0, -3600.0])
def test_a_document_whose_jwt_has_expired_is_fetched_first(provisioning: Prov, left: float) -> None:
    call, key = provisioning
    stored, fresh = record(document(left)), ok(document(86400.0))
    save = Save(key, saved(fresh), OWNER, stored.generation)
    steps = (Load(key), stored), (Send(PROVISIONING), fresh), (save, True)
    result = play(flows.fetch(world(), call, ANN), *steps)
    assert result.jwt_expires_at.timestamp() == NOW + 86400


@pytest.mark.parametrize("left", [None, 61.0])
def test_a_document_whose_jwt_is_good_is_served(provisioning: Prov, left: float | None) -> None:
    call, key = provisioning
    stored = record(document(left))
    steps = (Load(key), stored), (Later(call, ANN, key, stored.generation), None)
    assert play(flows.fetch(world(), call, ANN), *steps).sip_domain == "sip.example"


@pytest.mark.parametrize("answer", [NO_ANSWER, status(503), status(429), Response(200, b"<html>")])
def test_an_expired_document_is_served_with_a_warning_when_there_is_no_other(
    provisioning: Prov, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    call, key = provisioning
    context, stored = world(max_retries=0), record(document(-1.0))
    result = play(flows.fetch(context, call, ANN), (Load(key), stored), (Send(PROVISIONING), answer))
    assert isinstance(result, Provisioning)
    assert len(warnings_of(caplog)) == 1
    assert "expired" in warnings_of(caplog)[0]


def test_an_expired_document_is_not_fetched_within_the_pause(
    provisioning: Prov, caplog: pytest.LogCaptureFixture
) -> None:
    call, key = provisioning
    context, stored = world(), record(document(-1.0))
    context.failures[key] = context.clock() - 29
    assert play(flows.fetch(context, call, ANN), (Load(key), stored))
    assert warnings_of(caplog) == [
        "The stored provisioning has expired and is returned as it is: the API failed a moment ago."
    ]


@pytest.mark.parametrize(("answer", "error"), REFUSALS)
def test_an_expired_document_that_the_api_refuses_is_evicted(
    provisioning: Prov, answer: Response, error: type[Exception]
) -> None:
    call, key = provisioning
    with pytest.raises(error):
        play(
            flows.fetch(world(), call, ANN),
            (Load(key), record(document(-1.0))),
            (Send(PROVISIONING), answer),
            (Evict(key), True),
        )
