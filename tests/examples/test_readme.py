"""README.md is short, every block of it runs, with a good token and with a refused one, and its links lead somewhere.

The JavaScript registers at a real registrar, see test_sip_registrar.py; tests/typing/readme.py checks types.
The commands that install something are run by the gate, which takes them from README.md word for word.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from pages import README, ROOT, Block, blocks_of, run_python

from siperb.testing import SiperbServer

TEXT = README.read_text(encoding="utf-8")
BLOCKS = blocks_of(README)
PYTHON = [block for block in BLOCKS if block.language == "python"]
CALLS = [block for block in PYTHON if not block.is_test]
SHELL = [line.split("  #")[0].strip() for block in BLOCKS if block.language == "sh" for line in block.code.splitlines()]
REPOSITORY = "https://github.com/siperb/siperb-python"
RAW = "https://raw.githubusercontent.com/siperb/siperb-python/main/"


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= 150


@pytest.mark.parametrize("block", CALLS, ids=str)
def test_python_block_runs(siperb_server: SiperbServer, block: Block) -> None:
    run = block.run()
    assert (run.returncode, run.stderr) == (0, "")
    assert '"uri":"sip:' in run.stdout if block.visit else "Front Desk" in run.stdout
    assert [request.route for request in siperb_server.requests][:3] == ["login", "devices", "provisioning"]


@pytest.mark.parametrize("block", CALLS, ids=str)
def test_python_block_says_that_the_token_is_refused(siperb_server: SiperbServer, block: Block) -> None:
    siperb_server.revoke_pat()
    run = block.run()
    said = run.stdout if block.visit else run.stderr
    assert re.match(r'No phones: |\{"detail":', said)
    assert "the token is wrong or has expired" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("block", [block for block in PYTHON if block.is_test], ids=str)
def test_test_block_passes(pytester: pytest.Pytester, block: Block) -> None:
    pytester.makepyfile(block.code)
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize("command", [line for line in SHELL if line.startswith("siperb ")])
def test_shell_line_runs(
    siperb_server: SiperbServer, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = run_python("-m", *shlex.split(command))
    assert (run.returncode, "siperb:" in run.stderr) == (0, False)


def test_the_gate_runs_the_two_commands() -> None:
    first, second = (line for line in SHELL if line.startswith("pip install"))
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep --max-count=1 -E '([^']+)' README.md", gate)
    assert [bool(re.match(pattern, line)) for pattern, line in zip(patterns, (first, second), strict=True)] == [
        True
    ] * 2


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {block.language for block in BLOCKS} == {"python", "sh", "javascript"}
    known = ("siperb ", "pip install ", f"git clone {REPOSITORY} ", "python3 -m venv ")
    assert [line for line in SHELL if line and not line.startswith(known)] == []


def test_links_lead_somewhere_from_any_page() -> None:
    """A package page shows this text too, so none of them is relative to the repository."""
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", TEXT):
        [address] = filter(None, link)
        within = re.match(rf"{REPOSITORY}/(?:tree|blob)/main/(.*)|{RAW}(.*)", address)
        if within:
            assert (ROOT / (within[1] or within[2])).exists(), address
        else:
            assert address.startswith("https://")


def test_pictures_are_described_and_light() -> None:
    [picture] = re.findall(r"<img [^>]*>", TEXT)
    assert re.search(r' alt="[^"]{40,}"', picture)
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "pictures").glob("*.png")) < 300_000
