"""A place that siperb is run in: a virtual environment with what its requirements name, and the wheel of siperb."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

WORLD = Path(__file__).parents[1] / "world"
PROGRAMS = WORLD / "programs"
TIMEOUT = 300  # seconds, of a machine that has much else to do


class Place:
    """Runs programs in the environment `name`, with nothing of this process's environment but the PATH."""

    def __init__(self, name: str, home: Path, variables: dict[str, str]) -> None:
        self.directory = environment(name)
        self.python = str(self.directory / "bin" / "python")
        self.home = home
        self.variables = {
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONUNBUFFERED": "1",
            "HOME": str(home),
            "TMPDIR": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "LC_ALL": "C.UTF-8",
            **variables,
        }

    def run(self, *command: str | Path, **variables: str) -> str:
        """What Python prints that is given these arguments, below `PROGRAMS`."""
        return self.run_program(self.python, *command, **variables)

    def run_program(self, *command: str | Path, **variables: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, **self._options(variables))
        assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *command: str | Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """The same in the background; what it says comes through `stdout`."""
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen([self.python, *command], **both, **self._options(variables)) as process:
            try:
                yield process
            finally:
                process.terminate()

    def _options(self, variables: dict[str, str]) -> dict[str, Any]:
        return {"cwd": PROGRAMS, "env": self.variables | variables}


def environment(name: str) -> Path:
    """The virtual environment with `requirements/<name>.txt`, made if it is not there as it should be."""
    wheel, requirements = Path(os.environ["TOX_PACKAGE"]), WORLD / "requirements" / f"{name}.txt"
    made_of = hashlib.sha256(wheel.read_bytes() + requirements.read_bytes() + sys.version.encode()).hexdigest()
    places = Path(os.environ["TOX_ENV_DIR"]) / "places"
    places.mkdir(exist_ok=True)
    directory, mark = places / name, places / f"{name}.made"
    with open(places / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several tests at a time may want it
        if not mark.exists() or mark.read_text() != made_of:
            shutil.rmtree(directory, ignore_errors=True)
            _uv("venv", "--python", sys.executable, directory)
            _uv("pip", "install", "--python", directory, "--requirement", requirements, f"siperb @ {wheel.as_uri()}")
            mark.write_text(made_of)
    return directory


def _uv(*arguments: str | Path) -> None:
    variables = {"UV_CACHE_DIR": str(Path(os.environ["TOX_ENV_DIR"]) / "uv-cache"), "UV_SYSTEM_CERTS": "1"}
    if index := _index_of_pip():
        variables["UV_DEFAULT_INDEX"] = index
    command = [Path(sys.executable).with_name("uv"), *arguments]
    done = subprocess.run(command, env=AT_THE_START | variables, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr


@cache
def _index_of_pip() -> str:
    """The package index that pip is told to use, which uv does not read; empty where it is told none."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(command, env=AT_THE_START, capture_output=True, text=True, timeout=TIMEOUT).stdout.strip()
    return AT_THE_START.get("PIP_INDEX_URL", told)


AT_THE_START = dict(os.environ)  # with the settings of certificates and proxies that a test does without
