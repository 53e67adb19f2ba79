"""A call and its login, the first and the next, as transcripts."""

from __future__ import annotations

import pytest
from attrs import evolve
from transcripts import (
    ANN,
    ANN_LATER,
    DEVICE,
    DEVICES,
    KEY,
    LIST,
    LOGIN,
    NOW,
    OWNER,
    PAT,
    PAT_KEY,
    PROVISIONING,
    REFUSED,
    SESSION_KEY,
    SIGNED_IN,
    Raise,
    fetch,
    ok,
    play,
    record,
    saved,
    world,
)

from siperb.cache.records import Record
from siperb.core import flows
from siperb.core.calls import GetProvisioning
from siperb.core.effects import Auth, Evict, Later, Load, Save, Send
from siperb.core.flows import Credentials
from siperb.core.wire import Response, build_devices
from siperb.errors import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    MissingCredentialsError,
    PermissionDeniedError,
)


def test_a_call_is_a_session_and_a_request() -> None:
    devices = play(fetch(world()), (Auth(), ANN), (Send(DEVICES), LIST))
    assert [found.device_token for found in devices] == [DEVICE]


def test_a_session_that_was_passed_is_not_asked_for() -> None:
    assert play(fetch(world(), session=ANN), (Send(DEVICES), LIST))


def test_a_login_is_one_request_and_touches_no_cache() -> None:
    assert play(flows.login(world(), Credentials(PAT)), (Send(LOGIN), SIGNED_IN[0])) == ANN


def test_without_a_pat_the_stored_one_is_used() -> None:
    stored = record({"PAT": PAT, "UserId": "ann"})
    assert play(flows.login(world(), Credentials()), (Load(PAT_KEY), stored), (Send(LOGIN), SIGNED_IN[0])) == ANN


@pytest.mark.parametrize(
    "stored",
    [
        None,
        record(None),
        record([]),
        record({"UserId": "ann"}),
        record({"PAT": 1}),
        record({"PAT": "in two"}),
        Record("{", NOW, None, "1" * 16),
    ],
)
def test_without_a_pat_anywhere_the_error_names_every_place(stored: Record | None) -> None:
    with pytest.raises(MissingCredentialsError) as caught:
        play(flows.login(world(), Credentials()), (Load(PAT_KEY), stored))
    for place in ("login()", "client", "SIPERB_PAT", "siperb login"):
        assert place in str(caught.value)


def test_effects_show_no_secret() -> None:
    stored = evolve(record({}), payload="payload-secret")
    shown = repr([Send(LOGIN), Send(PROVISIONING), Auth("token,1"), Save(KEY, stored, OWNER), Credentials(PAT), ANN])
    shown += repr(Later(GetProvisioning(DEVICE, "mine"), ANN, KEY, "1" * 16))
    assert not any(secret in shown for secret in (PAT, "token,1", DEVICE, "payload-secret"))


# Logging in again.


def test_a_401_logs_in_again_and_repeats_once() -> None:
    again = build_devices(ANN_LATER)
    steps = (Auth(), ANN), (Send(DEVICES), REFUSED), (Auth("token,1"), ANN_LATER), (Send(again), LIST)
    assert play(fetch(world()), *steps)


def test_a_second_401_is_the_callers() -> None:
    again = build_devices(ANN_LATER)
    with pytest.raises(AuthenticationError):
        play(
            fetch(world()),
            (Auth(), ANN),
            (Send(DEVICES), REFUSED),
            (Auth("token,1"), ANN_LATER),
            (Send(again), REFUSED),
        )


def test_a_401_from_login_never_loops() -> None:
    with pytest.raises(AuthenticationError):
        play(flows.login(world(), Credentials(PAT)), (Send(LOGIN), REFUSED))


@pytest.mark.parametrize("failure", [AuthenticationError, PermissionDeniedError])
def test_a_login_that_fails_is_the_calls_failure(failure: type[APIStatusError]) -> None:
    error = failure("no", status_code=401, method="POST", path_template="/Login")
    with pytest.raises(failure):
        play(fetch(world()), (Auth(), Raise(error)))
    with pytest.raises(failure):
        play(fetch(world()), (Auth(), ANN), (Send(DEVICES), REFUSED), (Auth("token,1"), Raise(error)))


def test_a_session_that_was_passed_is_never_renewed() -> None:
    with pytest.raises(AuthenticationError):
        play(fetch(world(), session=ANN), (Send(DEVICES), REFUSED))


# A cached session.


CACHED = Credentials(PAT, "SiperbLogin")
SESSION_LIFETIME = 24 * 86400.0


def test_a_session_is_kept_for_24_days() -> None:
    answer = SIGNED_IN[0]
    save = Save(SESSION_KEY, saved(answer, SESSION_LIFETIME), OWNER)
    play(flows.login(world(), CACHED), (Load(SESSION_KEY), None), (Send(LOGIN), answer), (save, True))


@pytest.mark.parametrize("age", [0.0, SESSION_LIFETIME - 1])
def test_a_kept_session_is_used_without_asking(age: float) -> None:
    stored = record(ANN.raw | {}, at=NOW - age, lifetime=SESSION_LIFETIME)
    assert play(flows.login(world(), CACHED), (Load(SESSION_KEY), stored)) == ANN


def test_a_kept_session_is_no_good_after_24_days() -> None:
    stored = record(ANN.raw | {}, at=NOW - SESSION_LIFETIME, lifetime=SESSION_LIFETIME)
    save = Save(SESSION_KEY, saved(SIGNED_IN[1], SESSION_LIFETIME), OWNER)
    steps = (Load(SESSION_KEY), stored), (Send(LOGIN), SIGNED_IN[1]), (save, True)
    assert play(flows.login(world(), CACHED), *steps) == ANN_LATER


def test_a_stale_session_is_evicted_and_the_new_one_takes_its_place() -> None:
    stored = record(ANN.raw | {}, lifetime=SESSION_LIFETIME)
    play(
        flows.login(world(), CACHED, "token,1"),
        (Load(SESSION_KEY), stored),
        (Evict(SESSION_KEY), True),
        (Send(LOGIN), SIGNED_IN[1]),
        (Save(SESSION_KEY, saved(SIGNED_IN[1], SESSION_LIFETIME), OWNER), True),
    )


def test_a_stale_session_stays_evicted_when_the_login_is_refused() -> None:
    stored = record(ANN.raw | {}, lifetime=SESSION_LIFETIME)
    with pytest.raises(AuthenticationError):
        play(
            flows.login(world(), CACHED, "token,1"),
            (Load(SESSION_KEY), stored),
            (Evict(SESSION_KEY), True),
            (Send(LOGIN), REFUSED),
        )


def test_a_session_that_another_process_renewed_is_used() -> None:
    stored = record(ANN_LATER.raw | {}, lifetime=SESSION_LIFETIME)
    assert play(flows.login(world(), CACHED, "token,1"), (Load(SESSION_KEY), stored)) == ANN_LATER


@pytest.mark.parametrize("answer", [Response(200, b""), ok({}), ok({"UserId": "ann", "SessionToken": "with blank"})])
def test_a_login_that_does_not_parse_is_not_kept(answer: Response) -> None:
    with pytest.raises(APIResponseError):
        play(flows.login(world(), CACHED), (Load(SESSION_KEY), None), (Send(LOGIN), answer))
