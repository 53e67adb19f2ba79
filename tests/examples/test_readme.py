"""Every code block of README.md is run: Python in a process of its own, shell lines one by one, tests by pytest.

The JavaScript ones register at a real registrar, see test_sip_registrar.py.
The two commands that install something are run by the gate, which takes them from README.md word for word.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import certificate
from patience import patient_python
from sip_registrars import running_registrar

from siperb.testing import SiperbServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [line.split("#")[0].strip() for language, code in BLOCKS if language == "sh" for line in code.splitlines()]
SILENT = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def run_python(*arguments: str) -> None:
    """In a process of its own, which has to end well and say nothing on stderr."""
    run = subprocess.run(
        patient_python(*arguments),
        env={**os.environ, **SILENT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.fixture
def registrar(siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the first device is provisioned with, of a certificate that is trusted."""
    bundle, context = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with running_registrar(ssl_context=context) as running:
        settings = {"sip_wss_server": "127.0.0.1", "sip_websocket_port": str(running.port)}
        siperb_server.set_settings(siperb_server.user.devices[0], settings)
        yield


def first_line(code: object) -> str:
    return str(code).split("\n")[0]


@pytest.mark.parametrize("code", [code for code in PYTHON if "def test_" not in code], ids=first_line)
@pytest.mark.usefixtures("registrar")
def test_python_block_runs(siperb_server: SiperbServer, code: str) -> None:
    run_python("-c", code)
    assert siperb_server.requests


@pytest.mark.parametrize("code", [code for code in PYTHON if "def test_" in code], ids=first_line)
def test_test_block_passes(pytester: pytest.Pytester, code: str) -> None:
    pytester.makepyfile(code)
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize("command", [line for line in SHELL if line and not line.startswith("pip install")])
def test_shell_line_runs(siperb_server: SiperbServer, command: str) -> None:
    assert command.startswith("siperb ")
    run_python("-m", *command.split())


def test_the_gate_runs_the_two_commands() -> None:
    first, second = (line for line in SHELL if line.startswith("pip install"))
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep --max-count=1 -E '([^']+)' README.md", gate)
    assert [bool(re.match(pattern, line)) for pattern, line in zip(patterns, (first, second), strict=True)] == [
        True
    ] * 2


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "sh", "javascript", "text"}
