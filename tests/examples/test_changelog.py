"""A version of CHANGELOG.md has ten bullets at most, and begins with its breaking changes."""

from __future__ import annotations

import re

import pytest
from pages import ROOT

_, *VERSIONS = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: str(version).split("\n")[0])
def test_a_version_is_short_and_begins_with_what_breaks(version: str) -> None:
    assert 0 < len(re.findall(r"^- ", version, re.MULTILINE)) <= 10
    kinds = re.findall(r"^### (.*)$", version, re.MULTILINE)
    assert set(kinds) <= {"Breaking changes", "Added", "Changed", "Security", "Fixed"}
    assert "Breaking changes" not in kinds[1:]
