"""Whole processes: importing, and the first credential."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from tests.benchmarks.api import Api, running_api
from tests.benchmarks.measure import Figures, take_turns
from tests.benchmarks.processes import ROOT, cpu, instructions, memory, program, python, wall, wall_to_line

Clock = Callable[[list[str], Mapping[str, str]], float]

NOT_LOADED = ("requests", "aiohttp", "keyring", "cattrs")


def importing(api: Api, quick: bool) -> Figures:
    figures = _compare(wall, python("-c", "import siperb"), python("-c", "import attrs"), api, 5 if quick else 31)
    look = f"import siperb, sys; print(*sorted(set({NOT_LOADED!r}) & set(sys.modules)))"
    loaded = subprocess.run(
        python("-c", look), env=api.environment(), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    figures.broken.extend(f"loads {name}" for name in loaded)
    return figures


def constructing(api: Api, quick: bool) -> Figures:
    ours = python("-c", "from siperb import Siperb; Siperb()")
    return _compare(wall, ours, python("-c", "import requests"), api, 5 if quick else 31)


def first(api: Api, quick: bool) -> Figures:
    return _programs(cpu, "first_credential", api, 5 if quick else 21)


def first_counted(api: Api, quick: bool) -> Figures | None:
    if not shutil.which("valgrind"):
        return None
    figures = _programs(instructions, "first_credential", api, 1 if quick else 3)
    return evolve(figures, unit="million")


def first_wall(_: Api, quick: bool) -> Figures:
    with running_api(0.05) as api:
        return _programs(wall, "first_credential", api, 5 if quick else 21)


def first_memory(api: Api, quick: bool) -> Figures | None:
    if not Path("/proc/self/status").exists():
        return None
    return evolve(_programs(memory, "first_credential", api, 3 if quick else 7), unit="MB")


def first_async(api: Api, quick: bool) -> Figures:
    return _programs(cpu, "first_credential_async", api, 5 if quick else 21)


def cached(api: Api, quick: bool) -> Figures | None:
    if not has_keyring():
        return None
    with filled_keyring(api):
        lines: list[str] = []
        figures = _programs(_to_value(lines), "cached_credential", api, 5 if quick else 21)
        figures.broken.extend(f"{lines.count(line)} × {line}" for line in sorted(set(lines) - {"ok"}))
        return figures


def has_keyring() -> bool:
    """Whether there is one that a benchmark may write to."""
    return "SIPERB_TEST_SECRET_SERVICE" in os.environ


@contextmanager
def filled_keyring(api: Api) -> Generator[None, None, None]:
    """The session and the document of the first phone, as `siperb` and as a script of one's own would keep them."""
    cpu([*program("cached_state"), "fill"], api.environment())
    try:
        yield
    finally:
        cpu([*program("cached_state"), "empty"], api.environment())


def _to_value(lines: list[str]) -> Clock:
    def clock(command: list[str], env: Mapping[str, str]) -> float:
        took, line = wall_to_line(command, env)
        lines.append(line)
        return took

    return clock


def _programs(clock: Clock, name: str, api: Api, rounds: int) -> Figures:
    return _compare(clock, program(name), program(f"{name}_by_hand"), api, rounds)


def _compare(clock: Clock, ours: list[str], peer: list[str], api: Api, rounds: int) -> Figures:
    env = api.environment()
    return Figures(*take_turns(rounds, lambda: clock(ours, env), lambda: clock(peer, env)))
