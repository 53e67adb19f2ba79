"""The calls of `Siperb` are written from those of `AsyncSiperb`: what is on disk is what the tool writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from write_sync import FILES, PACKAGE, REPLACEMENTS, written


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_as_the_tool_writes_it(name: str) -> None:
    assert (PACKAGE / "sync" / name).read_text() == written(name), "run python tests/write_sync.py"


def test_each_replacement_is_needed() -> None:
    import re

    texts = "".join((PACKAGE / "aio" / name).read_text() for name in FILES)
    written_texts = "".join(written(name) for name in FILES)
    for pattern, replacement in REPLACEMENTS:
        found = re.search(pattern, texts, re.DOTALL) or replacement in written_texts
        assert found, pattern
    assert "await " not in written_texts
    assert "async" not in written_texts.replace("asyncio", "")
