"""The pytest plugin: inert, and next to nothing to load, until a test asks for its fixture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from siperb.testing import SiperbServer


@pytest.fixture
def siperb_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SiperbServer]:
    """A running loopback Siperb API that code under test finds by itself, unchanged.

    For the time of the test `SIPERB_BASE_URL` and `SIPERB_PAT` are its address and its user's token. Loopback is
    added to `NO_PROXY`, so that a proxy of the machine does not come between; the proxy stays for everything else.
    The keyring is left as it is: give a client `MemoryCache()` where a test must not write to the real one.
    """
    from siperb.testing import SiperbServer

    with SiperbServer() as server:
        monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)
        monkeypatch.setenv("SIPERB_PAT", server.pat)
        for name in ("no_proxy", "NO_PROXY"):
            hosts = (os.environ.get(name), "127.0.0.1")
            monkeypatch.setenv(name, ",".join(filter(None, hosts)))
        yield server
