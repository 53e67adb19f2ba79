"""The PAT that is kept, and all that is forgotten, as transcripts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from facades import warnings_of
from transcripts import (
    ANN,
    HALF,
    NOW,
    OWNER,
    PAT,
    PAT_KEY,
    SESSION_KEY,
    play,
    record,
    world,
)

from siperb.cache.records import Record
from siperb.core import flows
from siperb.core.effects import Evict, Forget, Load, Save
from siperb.core.flows import Credentials


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
