"""The keyring is not even imported where nobody asks for it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from facades import said

from siperb import MemoryCache, Siperb
from siperb.testing import SiperbServer

NO_KEYRING = """
import sys
from siperb import AsyncSiperb, Siperb
import asyncio

url, pat, how = sys.argv[1:]
if how == "sync":
    Siperb.login()
    devices = Siperb.get_devices()
    assert Siperb.get_provisioning(devices[0].device_token)
else:
    async def main():
        async with AsyncSiperb(pat, base_url=url) as client:
            devices = await client.get_devices()
            assert await client.get_provisioning(devices[0].device_token)
    asyncio.run(main())
loaded = {"keyring", "secretstorage", "jeepney"} & set(sys.modules)
assert not loaded, loaded
unwanted = {"sync": "aiohttp", "async": "requests"}[how]
assert unwanted not in sys.modules
"""


@pytest.fixture
def environment(server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPERB_PAT", server.pat)
    monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("how", ["sync", "async"])
def test_no_keyring_is_imported_without_a_cache(server: SiperbServer, how: str) -> None:
    command = [sys.executable, "-c", NO_KEYRING, server.base_url, server.pat, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_siperb_takes_a_cache_of_the_users_own(server: SiperbServer) -> None:
    """Any object with the four methods."""

    class Mine:
        def __init__(self) -> None:
            self.inner = MemoryCache()
            self.load, self.save, self.evict = self.inner.load, self.inner.save, self.inner.evict
            self.forget = self.inner.forget

    with Siperb(server.pat, base_url=server.base_url, cache=Mine(), state=None) as client:
        client.get_devices(enable_cache=True)
        assert client.get_devices(enable_cache=True)
    assert said(server) == ["login", "devices", "devices"]
