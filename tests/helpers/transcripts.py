"""Flows as transcripts: the effects that one asks for, what it is answered, what it returns."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from attrs import evolve

from siperb.cache.records import Key, Record
from siperb.core import flows
from siperb.core.calls import GetDevices
from siperb.core.effects import Flow
from siperb.core.retry import Context
from siperb.core.wire import Response, build_devices, build_login, build_provisioning
from siperb.errors import (
    APIConnectionError,
    SiperbError,
)
from siperb.models import Device, Session

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
    """Monotonic time, which stands still but for what a test lets pass."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def world(*, timeout: float = 30.0, max_retries: int = 2, random: float = 0.5, now: float = NOW) -> Context:
    clock = Clock()
    return Context(ORIGIN, clock() + timeout, max_retries, clock, lambda: now, lambda: random)


def within(seconds: float) -> Context:
    """The context of a call that has so many seconds left."""
    return evolve(world(), limit=time.monotonic() + seconds)


def play(flow: Flow[Any], *transcript: tuple[object, Any]) -> Any:
    """What becomes of a flow that asks for these effects, in this order and for no others, given these answers."""
    steps = list(transcript)
    try:
        effect = next(flow)
        while True:
            expected, answer = steps.pop(0) if steps else (None, None)
            assert effect == expected
            answer = answer() if callable(answer) else answer
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
