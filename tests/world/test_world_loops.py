"""Event loops other than the standard library's, and a notebook's."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.world


def test_uvloop(place: Any) -> None:
    assert place("loops").run("on_uvloop.py").splitlines() == ["uvloop 2", "2", "True 2"] * 2


def test_trio_is_refused_and_siperb_serves_in_a_thread(place: Any) -> None:
    *refusals, served = place("loops").run("under_trio.py").splitlines()
    assert len(refusals) == 3
    assert all("needs a running event loop of asyncio" in refusal for refusal in refusals)
    assert served == "2"


def test_jupyter(place: Any) -> None:
    *cells, last = place("jupyter").run("in_jupyter.py").splitlines()
    assert cells[:7] == ["", *["2", "KeyboardInterrupt", "2"] * 2]
    assert cells[7:] in (["2", "KeyboardInterrupt", "2"], ["2", "CancelledError", "2"])
    assert last == "closed"
