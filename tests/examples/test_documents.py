"""CHANGELOG.md is short, and the code that CONTRIBUTING.md shows is ours."""

from __future__ import annotations

import re

import pytest
from pages import ROOT, Block, blocks_of

_, *VERSIONS = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
SHOWN = [block for block in blocks_of(ROOT / "CONTRIBUTING.md") if block.language == "python"]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: str(version).split("\n")[0])
def test_a_version_is_short_and_begins_with_what_breaks(version: str) -> None:
    assert 0 < len(re.findall(r"^- ", version, re.MULTILINE)) <= 10
    kinds = re.findall(r"^### (.*)$", version, re.MULTILINE)
    assert set(kinds) <= {"Breaking changes", "Added", "Changed", "Security", "Fixed"}
    assert "Breaking changes" not in kinds[1:]


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_code_that_is_shown_stands_somewhere(block: Block) -> None:
    """Word for word, so that a reader finds it."""
    files = [*(ROOT / "siperb").rglob("*.py"), *(ROOT / "tests" / "sync_and_async").glob("*.py")]
    assert any(block.code in path.read_text(encoding="utf-8") for path in files)
