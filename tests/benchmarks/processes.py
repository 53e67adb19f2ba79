"""Processes of the benchmark: their environment, what one costs, and workers that are told what to measure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.benchmarks.counting import CALLS

LONGEST = 120.0  # seconds under valgrind
ROOT = Path(__file__).parents[2]

_DROPPED = {"pythondontwritebytecode", "pythondevmode", "pythonwarnings", "pythonasynciodebug", "siperb_pat"} | {
    f"{kind}_proxy" for kind in ("http", "https", "all", "no")
}


def environment(**more: str) -> dict[str, str]:
    """That of this process, without what would slow down or lead astray one of the peers."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _DROPPED}
    return {**kept, "PYTHONPYCACHEPREFIX": _bytecode().name, **more}


@cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    """Where all have theirs, from the round on that is not counted, whatever folders can be written to."""
    return tempfile.TemporaryDirectory(prefix="siperb-benchmark-")


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def code(module: str, call: str) -> list[str]:
    """Python that makes this call of a module of the benchmark; the module is compiled only once."""
    return python("-c", f"from tests.benchmarks import {module}; {module}.{call}")


def cost(command: list[str], env: Mapping[str, str]) -> tuple[float, str]:
    """CPU seconds of the whole process, user and system, all threads; and what it prints."""
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command!r} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, said.strip()


def seconds_to_line(command: list[str], env: Mapping[str, str]) -> tuple[float, str]:
    """From the start of the process to the first line that it prints, and that line."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        took = time.perf_counter() - began
    return took, line.strip()


class Worker:
    """A process that answers each line with a figure, and sleeps meanwhile."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, line: str) -> float:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line + "\n")
        return float(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()


def counted(command: list[str], env: Mapping[str, str]) -> dict[str, float]:
    """The instructions up to each mark of the program (see `counting`), or of one call, as valgrind counts them.

    Raises `subprocess.TimeoutExpired` after `LONGEST`.
    """
    cost(command, env)  # compiles what is not compiled yet
    counting = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command]
    env = {**env, "PYTHONHASHSEED": "0"}
    process = subprocess.run(counting, env=env, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST)
    if process.returncode:
        raise SystemExit(f"{command!r} ended with {process.returncode} under valgrind:\n{process.stderr}")
    found = re.findall(r"==(\d+)== I\s+refs:\s+([\d,]+)", process.stderr)
    of_process = {pid: float(number.replace(",", "")) for pid, number in found}
    counts = {name: of_process[pid] for name, _, pid in (line.rpartition(" ") for line in process.stdout.splitlines())}
    for name in [name for name in counts if name.startswith("to ")]:
        what = name.removeprefix("to ")
        counts[what] = (counts.pop(name) - counts.pop(f"from {what}")) / CALLS
    return counts
