"""Whole processes: how long one takes, or how much CPU time."""

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

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"

_DROPPED = {"pythondontwritebytecode", "pythondevmode", "pythonwarnings", "pythonasynciodebug", "siperb_pat"} | {
    f"{kind}_proxy" for kind in ("http", "https", "all", "no")
}


def environment(**more: str) -> dict[str, str]:
    """That of this process, without what would slow down or lead astray one of the two."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _DROPPED}
    return {**kept, "PYTHONPYCACHEPREFIX": _bytecode().name, **more}


@cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    """Where both sides have theirs, from the round on that is not counted, whatever folders can be written to."""
    return tempfile.TemporaryDirectory(prefix="siperb-benchmark-")


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def program(name: str) -> list[str]:
    return python(str(PROGRAMS / f"{name}.py"))


def wall(command: list[str], env: Mapping[str, str]) -> float:
    """Seconds from the start of the process to its end."""
    began = time.perf_counter()
    process = _start(command, env)
    _finish(process)
    return time.perf_counter() - began


def cpu(command: list[str], env: Mapping[str, str]) -> float:
    """CPU seconds, user and system, all threads."""
    return _finish(_start(command, env))


def instructions(command: list[str], env: Mapping[str, str]) -> float:
    """Those of the process, which valgrind counts: the same ones in each run, but for a hundredth."""
    counting = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    env = {**env, "PYTHONHASHSEED": "0"}
    said = subprocess.run([*counting, *command], env=env, cwd=ROOT, capture_output=True, check=True, text=True).stderr
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    assert found
    return float(found[1].replace(",", ""))


def memory(command: list[str], env: Mapping[str, str]) -> float:
    """Bytes of memory that the program of the command had at most. (`os.wait4` counts what this process has, too.)"""
    counting = python("-c", _MEMORY, *command[1:])
    said = subprocess.run(counting, env=env, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return float(said) * 1024


_MEMORY = """
import runpy, sys
runpy.run_path(sys.argv[1], run_name="__main__")
sys.stdout.write(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def wall_to_line(command: list[str], env: Mapping[str, str]) -> tuple[float, str]:
    """Seconds from the start of the process to the first line that it prints, and that line."""
    began = time.perf_counter()
    process = _start(command, env, stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as output:
        line = output.readline()
        took = time.perf_counter() - began
        output.read()
    _finish(process)
    return took, line.decode().strip()


def _start(command: list[str], env: Mapping[str, str], stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=env, cwd=ROOT, stdout=stdout)


def _finish(process: subprocess.Popen[bytes]) -> float:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime
