"""Where siperb is run: each test in an environment of its own, which `tox -e world` makes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from places import Place

from siperb.testing import SiperbServer

collect_ignore = ["programs"]


@pytest.fixture(autouse=True)
def tox_has_built_the_wheel() -> None:
    if "TOX_PACKAGE" not in os.environ:
        pytest.skip("run `tox -e world`, which makes the environments")


@pytest.fixture
def place(tmp_path: Path, server: SiperbServer) -> Callable[..., Place]:
    """Opens a place by its name; programs in there find the loopback API."""
    variables = {"SIPERB_BASE_URL": server.base_url, "SIPERB_PAT": server.pat}
    return lambda name: Place(name, tmp_path, variables)
