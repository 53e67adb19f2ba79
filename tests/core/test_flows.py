"""The steps of every call as transcripts: the effects that a flow asks for, what it is answered, what it returns."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from attrs import evolve
from facades import warnings_of

from siperb.core import flows
from siperb.core.calls import GetDevices, GetProvisioning
from siperb.core.effects import Auth, Evict, Flow, Forget, Later, Load, Save, Send, Sleep
from siperb.core.flows import Credentials
from siperb.core.records import Key, Record
from siperb.core.retry import Context
from siperb.core.wire import Response, build_devices, build_login, build_provisioning
from siperb.errors import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    DeviceNotScriptError,
    InternalServerError,
    MissingCredentialsError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    SiperbError,
)
from siperb.models import Device, Provisioning, Session

ORIGIN = "https://api.example"
NOW = 1_790_000_000.0
PAT = "pat-of-the-user"
ANN = Session("ann", "token,1", raw={"UserId": "ann", "SessionToken": "token,1"})
ANN_LATER = Session("ann", "token,2", raw={"UserId": "ann", "SessionToken": "token,2"})
DEVICE = "t0123"
HALF = 0x8000000000000000  # what a random of 0.5 makes of a generation
LOGIN, DEVICES, PROVISIONING = build_login(PAT), build_devices(ANN), build_provisioning(ANN, DEVICE)
KEY = Key.of(ORIGIN, "ann", "devices", "mine")
OWNER = Key.scope_of(ORIGIN, "ann")
PAT_KEY = Key.of(ORIGIN, "", "pat")
SESSION_KEY = Key.of(ORIGIN, PAT, "session", "SiperbLogin")


class Raise:
    """The answer to an effect that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Clock:
    """Monotonic time: as many seconds as flows asked to sleep."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def world(*, timeout: float = 30.0, max_retries: int = 2, random: float = 0.5, now: float = NOW) -> Context:
    clock = Clock()
    return Context(ORIGIN, clock() + timeout, max_retries, clock, lambda: now, lambda: random)


def play(flow: Flow[Any], *transcript: tuple[object, Any]) -> Any:
    """What becomes of a flow that asks for these effects, in this order and for no others, given these answers."""
    steps = list(transcript)
    try:
        effect = next(flow)
        while True:
            expected, answer = steps.pop(0) if steps else (None, None)
            assert effect == expected
            effect = flow.throw(answer.error) if isinstance(answer, Raise) else flow.send(answer)
    except StopIteration as stop:
        assert steps == []
        return stop.value
    except SiperbError:
        assert steps == []
        raise


def ok(value: object) -> Response:
    return Response(200, json.dumps(value).encode())


def status(code: int, retry_after: str | None = None) -> Response:
    return Response(code, headers={} if retry_after is None else {"retry-after": retry_after})


def record(value: object, *, at: float = NOW, lifetime: float | None = None, generation: int = 1) -> Record:
    return Record(json.dumps(value), at, None if lifetime is None else at + lifetime, f"{generation:016x}")


def saved(answer: Response, lifetime: float | None = None) -> Record:
    """The record that a flow makes of an answer, now."""
    return Record(answer.body.decode(), NOW, None if lifetime is None else NOW + lifetime, f"{HALF:016x}")


def device(token: str = DEVICE, **more: object) -> dict[str, object]:
    return {"DeviceToken": token, "Platform": "script", "Description": "Front Desk", **more}


def document(expires_in: float | None = None) -> dict[str, object]:
    """A device with a provisioning document, whose JWT expires so many seconds from now."""
    settings: dict[str, object] = {"SipDomain": "sip.example"}
    if expires_in is not None:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": NOW + expires_in}).encode()).decode().rstrip("=")
        settings["SipJwt"] = f"e30.{claims}.c2ln"
    return device(Settings_json=settings)


def fetch(context: Context, cache_key: str | None = None, session: Session | None = None) -> Flow[list[Device]]:
    return flows.fetch(context, GetDevices(cache_key), session)


NO_ANSWER = Raise(APIConnectionError("no answer"))
SIGNED_IN = ok(ANN.raw | {}), ok(ANN_LATER.raw | {})
LIST = ok([device()])
REFUSED = status(401)


# A call.


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


# Trying again.


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_what_a_second_try_may_mend_is_tried_twice_more(code: int) -> None:
    with pytest.raises(APIStatusError) as caught:
        play(
            fetch(world(), session=ANN),
            (Send(DEVICES), status(code)),
            (Sleep(0.25), None),
            (Send(DEVICES), status(code)),
            (Sleep(0.5), None),
            (Send(DEVICES), status(code)),
        )
    assert caught.value.status_code == code


def test_a_connection_that_failed_is_tried_again() -> None:
    assert play(fetch(world(), session=ANN), (Send(DEVICES), NO_ANSWER), (Sleep(0.25), None), (Send(DEVICES), LIST))


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 418, 422, 501, 505])
def test_what_no_second_try_mends_is_raised_at_once(code: int) -> None:
    with pytest.raises(APIStatusError):
        play(fetch(world(), session=ANN), (Send(DEVICES), status(code)))


def test_an_answer_that_does_not_parse_is_not_asked_for_again() -> None:
    with pytest.raises(APIResponseError):
        play(fetch(world(), session=ANN), (Send(DEVICES), Response(200, b"<html>")))


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(APIResponseError, match="redirect"):
        play(fetch(world(), session=ANN), (Send(DEVICES), status(302)))


def test_max_retries_of_none() -> None:
    with pytest.raises(InternalServerError):
        play(fetch(world(max_retries=0), session=ANN), (Send(DEVICES), status(503)))


@pytest.mark.parametrize("random", [0.0, 0.5, 0.999])
def test_the_backoff_is_full_jitter_between_nothing_and_eight_seconds(random: float) -> None:
    ceilings = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    steps: list[tuple[object, Any]] = []
    for ceiling in ceilings:
        steps += [(Send(DEVICES), status(503)), (Sleep(random * ceiling), None)]
    assert play(fetch(world(max_retries=7, random=random), session=ANN), *steps, (Send(DEVICES), LIST))


def test_a_thousand_retries_are_no_arithmetic_problem() -> None:
    steps = [(Send(DEVICES), status(503, "0")), (Sleep(0.0), None)] * 1100
    assert play(fetch(world(max_retries=1100), session=ANN), *steps, (Send(DEVICES), LIST))


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), (" 7 ", 7.0), ("0", 0.0), (formatdate(NOW + 9, usegmt=True), 9.0)]
)
def test_retry_after_in_seconds_and_as_a_date_is_obeyed(said: str, seconds: float) -> None:
    for code in (429, 503):
        assert play(
            fetch(world(), session=ANN),
            (Send(DEVICES), status(code, said)),
            (Sleep(seconds), None),
            (Send(DEVICES), LIST),
        )


def test_a_retry_after_in_the_past_is_no_wait() -> None:
    said = formatdate(NOW - 100, usegmt=True)
    assert play(
        fetch(world(), session=ANN), (Send(DEVICES), status(503, said)), (Sleep(0.0), None), (Send(DEVICES), LIST)
    )


@pytest.mark.parametrize("said", ["soon", "-1", "", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_nobody_understands_is_as_none(said: str) -> None:
    steps = (Send(DEVICES), status(429, said)), (Sleep(0.25), None), (Send(DEVICES), LIST)
    assert play(fetch(world(), session=ANN), *steps)


@pytest.mark.parametrize(
    ("said", "seconds"), [("61", 61.0), ("9" * 400, 1e9), (formatdate(NOW + 3600, usegmt=True), 3600.0)]
)
def test_a_retry_after_of_more_than_a_minute_is_raised(said: str, seconds: float) -> None:
    with pytest.raises(RateLimitError) as caught:
        play(fetch(world(timeout=7200), session=ANN), (Send(DEVICES), status(429, said)))
    assert caught.value.retry_after == seconds


def test_a_retry_after_of_a_minute_is_waited_for() -> None:
    steps = (Send(DEVICES), status(429, "60")), (Sleep(60.0), None), (Send(DEVICES), LIST)
    assert play(fetch(world(timeout=61), session=ANN), *steps)


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    with pytest.raises(RateLimitError) as caught:
        play(fetch(world(timeout=5), session=ANN), (Send(DEVICES), status(429, "6")))
    assert caught.value.retry_after == 6.0


def test_a_timeout_is_the_end_when_the_time_is_up() -> None:
    context = world(timeout=0)
    with pytest.raises(APITimeoutError):
        play(fetch(context, session=ANN), (Send(DEVICES), Raise(APITimeoutError("too late"))))


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


# The cache.


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


# The stored PAT, and forgetting.


def test_save_pat_keeps_it_with_its_user() -> None:
    expected = Record(json.dumps({"PAT": PAT, "UserId": "ann"}), NOW, None, f"{HALF:016x}")
    for answer, result in (True, True), (False, False), (None, False):
        assert play(flows.save_pat(world(), PAT, ANN), (Save(PAT_KEY, expected, OWNER), answer)) is result


def test_forget_removes_the_pat_and_all_of_the_user() -> None:
    play(
        flows.forget(world(), Credentials(PAT), ANN),
        (Load(PAT_KEY), None),
        (Load(SESSION_KEY), None),
        (Evict(PAT_KEY), True),
        (Forget(OWNER), True),
    )


def test_forget_without_a_session_finds_the_user_in_the_stored_pat() -> None:
    play(
        flows.forget(world(), Credentials(), None),
        (Load(PAT_KEY), record({"PAT": PAT, "UserId": "ann"})),
        (Load(SESSION_KEY), None),
        (Evict(PAT_KEY), True),
        (Forget(OWNER), True),
    )


def test_forget_without_a_session_finds_the_user_in_the_kept_session() -> None:
    play(
        flows.forget(world(), Credentials(PAT), None),
        (Load(PAT_KEY), None),
        (Load(SESSION_KEY), record(ANN.raw | {})),
        (Evict(PAT_KEY), True),
        (Forget(OWNER), True),
    )


def test_a_pat_that_leads_to_nobody_is_said(caplog: pytest.LogCaptureFixture) -> None:
    play(
        flows.forget(world(), Credentials(PAT), None),
        (Load(PAT_KEY), None),
        (Load(SESSION_KEY), None),
        (Evict(PAT_KEY), True),
    )
    assert [warning[:26] for warning in warnings_of(caplog)] == ["Nobody is known to log out"]


@pytest.mark.parametrize("answers", [(True, False), (False, True), (None, None)])
def test_what_could_not_be_forgotten_is_said(answers: tuple[Any, Any], caplog: pytest.LogCaptureFixture) -> None:
    play(
        flows.forget(world(), Credentials(), ANN),
        (Load(PAT_KEY), None),
        (Evict(PAT_KEY), answers[0]),
        (Forget(OWNER), answers[1]),
    )
    assert len(warnings_of(caplog)) == 1


def test_effects_show_no_secret() -> None:
    stored = evolve(record({}), payload="payload-secret")
    shown = repr([Send(LOGIN), Send(PROVISIONING), Auth("token,1"), Save(KEY, stored, OWNER), Credentials(PAT), ANN])
    shown += repr(Later(GetProvisioning(DEVICE, "mine"), ANN, KEY, "1" * 16))
    assert not any(secret in shown for secret in (PAT, "token,1", DEVICE, "payload-secret"))
