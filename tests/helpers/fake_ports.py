"""A client with five short ports: a test of a step gives it answers, and reads what it has done."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from siperb import MemoryCache, SiperbError
from siperb.cache.records import Key, Record
from siperb.client.bulk import BulkRuns
from siperb.client.ports import Account, Call, Run
from siperb.core.operations import Operation
from siperb.core.wire import Request, Response
from siperb.errors import APIConnectionError
from siperb.models import Session
from siperb.threads import Outcome

ORIGIN, PAT, DEVICE = "https://api.example", "pat-of-the-user", "t0123"
ANN = Session("ann", "token,1", raw={"UserId": "ann", "SessionToken": "token,1"})
ANN_LATER = Session("ann", "token,2", raw={"UserId": "ann", "SessionToken": "token,2"})


class World(BulkRuns):
    """answers: of `_send`, in order; an exception is raised. done: what was asked of the ports."""

    def __init__(self, *answers: Response | Exception, pat: str | None = PAT, session: Session | None = None) -> None:
        super().__init__(pat, ORIGIN, 30.0, 2, MemoryCache(), None, True, http_session=None, app_info=None)
        self.answers = list(answers)
        self.done: list[str] = []
        self.refreshes: list[Any] = []
        self._account = Account(ORIGIN, pat, session)
        self._accounts[ORIGIN, pat] = self._account

    def _renew_after_fork(self) -> None: ...

    async def _send(self, request: Request, origin: str, deadline: float) -> Response:
        token = request.headers.get("X-Api-Key") or request.headers["Authorization"]
        self.done.append(f"{request.method} {request.path} {token}")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.done.append(f"sleep {seconds:g}")

    async def _ask_cache(self, threads: Any, work: Callable[[], Any], seconds: float) -> Outcome[Any]:
        return Outcome(work)

    @contextlib.asynccontextmanager
    async def _alone(self, call: Call, name: object = None) -> AsyncIterator[None]:
        yield

    def _behind(self, key: Key, refresh: Callable[[], Any]) -> bool:
        self.refreshes.append(refresh)
        return True

    def ask(self, operation: Operation[Any], *, timeout: float = 30.0, run: Run | None = None) -> Any:
        """The answer to a call. With all answers taken, as none may be left."""
        call = self._call(self._account or Account(""), timeout)
        call.run = run
        if operation.kept:
            call.login_key = "SiperbLogin"
            result = drive(self._kept_answer(call, operation))
        else:
            result = drive(self._answer(call, operation))[1]
        assert self.answers == []
        return result

    def refresh(self) -> None:
        """Do what is due in the background."""
        drive(self.refreshes.pop(0)())

    @property
    def records(self) -> dict[Key, Record]:
        return {key: record for key, (record, _) in self._cache._cache._records.items()}

    def store(self, key: Key, value: object, *, age: float = 0.0, lifetime: float | None = None) -> Record:
        at = time.time() - age
        payload = value if isinstance(value, str) else json.dumps(value)
        record = Record(payload, at, None if lifetime is None else at + lifetime, f"{len(self.records) + 1:016x}")
        self._cache._cache.save(key, record, owner=Key.scope_of(ORIGIN, "ann"))
        return record


def drive(call: Any) -> Any:
    """What the coroutine returns, whose ports never suspend."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a port has suspended")


def asked(session: Session = ANN, query: str = "") -> str:
    """The list of devices, as `World.done` shows it."""
    return f"GET /Users/{session.user_id}/Devices/{query} {session.session_token}"


LOGIN = f"POST /Login Bearer {PAT}"


def ok(value: object, **headers: str) -> Response:
    return Response(200, json.dumps(value).encode(), {name.replace("_", "-"): text for name, text in headers.items()})


def status(code: int, retry_after: str | None = None) -> Response:
    return Response(code, headers={} if retry_after is None else {"retry-after": retry_after})


def no_answer(*, was_sent: bool = False) -> SiperbError:
    error = APIConnectionError("no answer")
    error.maybe_done = was_sent  # as a transport says it
    return error


def device(token: str = DEVICE, **more: object) -> dict[str, object]:
    return {"DeviceToken": token, "Platform": "script", "Description": "Front Desk", **more}


def document(expires_in: float | None = None) -> dict[str, object]:
    """A device with a provisioning document, whose JWT expires so many seconds from now."""
    settings: dict[str, object] = {"SipDomain": "sip.example"}
    if expires_in is not None:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + expires_in}).encode()).decode().rstrip("=")
        settings["SipJwt"] = f"e30.{claims}.c2ln"
    return device(Settings_json=settings)


def shown(value: Any) -> str | None:
    """A parameter of a test, in its id."""
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, list):
        return " ".join(filter(None, map(shown, value)))
    return f"{value.status} {value.body[:9]!r}" if isinstance(value, Response) else str(value) if value else None


SIGNED_IN, SIGNED_IN_LATER, LIST = ok(ANN.raw | {}), ok(ANN_LATER.raw | {}), ok([device()])
