"""A refusal is remembered until a login that began after it succeeds."""

from __future__ import annotations

import pytest
from attrs import evolve

from siperb.core.flows import Credentials, login
from siperb.core.retry import Context
from siperb.core.wire import Response
from siperb.errors import AuthenticationError

SESSION = Response(200, b'{"UserId": "ann", "SessionToken": "token"}')
REFUSED = AuthenticationError("Refused.", status_code=401, method="GET", path_template="/Users/{id}/Devices/")


def context() -> Context:
    return Context("https://api.example", 1030.0, 2, lambda: 1000.0, lambda: 1_790_000_000.0, lambda: 0.5, began=900.0)


def test_a_login_that_succeeds_ends_a_refusal_from_before() -> None:
    call = context()
    call.refusal.note(REFUSED, 1000.0)
    steps = login(evolve(call, began=float("inf")), Credentials("pat"))
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(SESSION)
    call.refusal.check(call.began)


def test_what_is_refused_during_a_login_stays_so_after_it() -> None:
    call = context()
    steps = login(call, Credentials("pat"))
    next(steps)
    call.refusal.note(REFUSED, 1000.0)
    with pytest.raises(StopIteration):
        steps.send(SESSION)
    with pytest.raises(AuthenticationError):
        call.refusal.check(call.began)
