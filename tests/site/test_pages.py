"""Every block of every page runs, and the tables of the pages are complete."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hostile import certificate
from pages import PAGES, ROOT, Block, blocks_of, run_python
from sip_registrars import running_registrar

import siperb.testing
from siperb.testing import SiperbServer
from siperb.testing.paths import Route

BLOCKS = blocks_of(*PAGES)
PHONE = "phone.md"  # whose blocks need a registrar that calls: see test_real_examples.py
PYTHON = [block for block in BLOCKS if block.language == "python" and block.page.name != PHONE]
COMMANDS = [
    f"{line}  # {block}"
    for block in BLOCKS
    if block.language == "sh"
    for line in block.code.splitlines()
    if line.startswith("siperb ") and "serve" not in line
]


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {block.language for block in BLOCKS} == {"python", "sh", "javascript", "powershell", "text"}
    known = ("siperb ", "pip install ", "git clone ", "python3 -m venv ", "pytest ")
    lines = [line for block in BLOCKS if block.language == "sh" for line in block.code.splitlines()]
    assert [line for line in lines if line and not line.startswith(known)] == []


@pytest.fixture
def registrar(siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registrar of the first device, with a certificate that is trusted."""
    bundle, context = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with running_registrar(ssl_context=context) as running:
        settings = {"registration_mode": "WebSocket", "sip_wss_server": "127.0.0.1"}
        settings["sip_websocket_port"] = str(running.port)
        siperb_server.set_settings(siperb_server.user.devices[0], settings)
        yield


@pytest.mark.parametrize("block", [block for block in PYTHON if not block.is_test], ids=str)
@pytest.mark.usefixtures("registrar")
def test_python_block_runs(siperb_server: SiperbServer, block: Block) -> None:
    run = block.run()
    logged = re.sub(r"^INFO:siperb:.*\n", "", run.stderr, flags=re.MULTILINE)
    assert (run.returncode, logged) == (0, "")
    if block.visit:
        assert re.search(r"\"uri\": ?\"sip:|^\{'Web phone'\}$", run.stdout)
    assert siperb_server.requests or "SiperbServer" in block.code


@pytest.mark.parametrize("block", [block for block in PYTHON if block.is_test], ids=str)
def test_test_block_passes(pytester: pytest.Pytester, block: Block) -> None:
    pytester.makepyfile(block.code)
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize("command", COMMANDS)
def test_shell_line_runs(
    siperb_server: SiperbServer, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "docs" / "fleet-example.csv", tmp_path / "fleet.csv")
    for name in "laptop", "ci":
        siperb_server.add_pat(name=name)
    words = shlex.split(command.partition("  #")[0].partition(" | ")[0])
    run = run_python("-m", *words)
    assert (run.returncode, run.stderr) == (1 if "--exit-code" in words else 0, run.stderr)
    assert "siperb:" not in run.stderr


@pytest.mark.parametrize("name", [*get_args(Route), *siperb.testing.__all__])
def test_the_page_on_testing_has_every_route_and_fault(name: str) -> None:
    page = (ROOT / "docs" / "guides" / "testing.md").read_text(encoding="utf-8")
    reference = (ROOT / "docs" / "reference" / "testing.md").read_text(encoding="utf-8")
    assert f"| `{name}" in page or f", `{name}`" in page or f"siperb.testing.{name}\n" in reference


def test_a_message_of_the_troubleshooting_page_is_one_of_the_package() -> None:
    said = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "siperb").rglob("*.py"))
    said = re.sub(r'"\s+f?"', "", said)
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert len(messages) > 20
    assert [message for message in messages if message not in said] == []
