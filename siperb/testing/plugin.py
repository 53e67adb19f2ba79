"""The pytest plugin. It loads next to nothing until a test asks for its fixture.

It is installed as the module `pytest_siperb`: a project may have a package named siperb of its own, which pytest must
neither trip over nor find replaced by the SDK.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from siperb.testing import SiperbServer


@pytest.fixture
def siperb_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SiperbServer]:
    """A running loopback Siperb API. Code under test finds it through the environment.

    During the test, `SIPERB_BASE_URL` and `SIPERB_PAT` are its address and its user's token, and `NO_PROXY` includes
    loopback. The keyring stays as it is: pass `cache=MemoryCache()` if a test must not write to the real one.
    """
    if message := _hidden():
        pytest.fail(message, pytrace=False)
    from siperb.testing import SiperbServer

    with SiperbServer() as server:
        monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)
        monkeypatch.setenv("SIPERB_PAT", server.pat)
        for name in ("no_proxy", "NO_PROXY"):
            hosts = (os.environ.get(name), "127.0.0.1")
            monkeypatch.setenv(name, ",".join(filter(None, hosts)))
        yield server


def pytest_report_header() -> str | None:
    return _hidden()


def _hidden() -> str | None:
    """Say what `import siperb` finds, if that is not the SDK. Looking imports nothing."""
    spec = None
    with suppress(ValueError):  # a module that somebody made by hand
        spec = find_spec("siperb")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if any(os.path.exists(os.path.join(folder, "testing", "server.py")) for folder in folders):
        return None
    where = ((spec and spec.origin) or ", ".join(folders)) or "something else of that name"
    return f"siperb: {where} hides the Siperb SDK, so there is no siperb_server. Rename it to have the fixture."
