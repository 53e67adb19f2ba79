"""tox says at its end which tests were skipped for want of a program, and how to have them."""

from __future__ import annotations

import atexit
import re

from tox.execute.api import Outcome
from tox.plugin import impl
from tox.tox_env.api import ToxEnv
from tox.tox_env.errors import Skip

MISSING = re.compile(r"^((\d+) tests were skipped: .*)$", re.MULTILINE)  # as tests/conftest.py says it
PASSED = re.compile(r"(\d+) passed")


@impl
def tox_after_run_commands(tox_env: ToxEnv, exit_code: int, outcomes: list[Outcome]) -> None:
    said = "".join(outcome.out for outcome in outcomes)
    if missing := MISSING.search(said):
        atexit.register(print, f"{tox_env.conf.name}: {missing[1]}")
        passed = PASSED.search(said)
        if exit_code == 0 and int(missing[2]) > int(passed[1] if passed else 0):
            raise Skip("what most of them need is not here")
