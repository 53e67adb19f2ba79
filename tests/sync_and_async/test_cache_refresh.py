"""What is stored is returned at once and fetched anew behind, on both facades."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from cached_calls import descriptions, devices_key, provisioning_key, renamed, stored_descriptions
from facades import Facade, said

from siperb import AsyncSiperb, MemoryCache
from siperb.testing import Delay, Hold, SiperbServer


def test_nothing_is_cached_unless_asked_for(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.login)
    facade.call(client.get_devices)
    facade.call(client.get_provisioning, facade.server.user.devices[0].token)
    assert repr(cache) == "<MemoryCache of 0 records>"


def test_a_stored_list_is_returned_at_once_and_updated_behind(facade: Facade, cache: MemoryCache) -> None:
    server, hold = facade.server, Hold()
    client = facade.client(cache=cache)
    before = facade.call(client.get_devices, enable_cache=True)
    renamed(server, "New name")
    server.fail("devices", hold)  # the answer is not there yet, and is not needed
    assert facade.call(client.get_devices, enable_cache=True) == before
    facade.wait_for_requests(2, "devices")
    assert stored_descriptions(cache, devices_key(server))[0] == "Front Desk"
    hold.release()
    facade.close(client)
    assert stored_descriptions(cache, devices_key(server))[0] == "New name"
    second = facade.client(cache=cache)
    assert descriptions(facade.call(second.get_devices, enable_cache=True)) == ["New name", "Door bell"]


def test_a_stored_document_is_returned_at_once_and_updated_behind(facade: Facade, cache: MemoryCache) -> None:
    server, device = facade.server, facade.server.user.devices[0]
    client = facade.client(cache=cache)
    before = facade.call(client.get_provisioning, device.token, enable_cache=True)
    server.set_settings(device, {"sip_domain": "new.example"})
    assert facade.call(client.get_provisioning, device.token, enable_cache=True) == before
    facade.close(client)
    second = facade.client(cache=cache)
    assert facade.call(second.get_provisioning, device.token, enable_cache=True).sip_domain == "new.example"


def test_closing_at_once_does_not_lose_the_refresh(facade: Facade, cache: MemoryCache) -> None:
    """As a script does it: `with Siperb(...)`, one call, the end."""
    server = facade.server
    first = facade.client(cache=cache)
    facade.call(first.get_devices, enable_cache=True)
    for name in ("one", "two", "three"):
        renamed(server, name)
        client = facade.client(cache=cache)
        facade.call(client.get_devices, enable_cache=True)
        facade.close(client)
        assert stored_descriptions(cache, devices_key(server))[0] == name


def test_closing_waits_for_every_refresh(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    devices = [server.add_device() for _ in range(5)]
    client = facade.client(cache=cache)
    for device in devices:
        facade.call(client.get_provisioning, device.token, enable_cache=True)
        server.set_settings(device, {"sip_domain": "new.example"})
    server.clear()
    for device in devices:
        facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.close(client)
    assert said(server) == ["provisioning"] * 5
    for device in devices:
        record = cache.load(provisioning_key(server, device))
        assert record
        assert json.loads(record.payload)["Settings_json"]["SipDomain"] == "new.example"


def test_a_refresh_of_a_session_that_was_passed_uses_it(facade: Facade, cache: MemoryCache) -> None:
    other = facade.server.add_user()
    facade.server.add_device(other, description="Theirs")
    given = {"user_id": other.user_id, "session_token": other.session_token, "enable_cache": True}
    client = facade.client(cache=cache)
    for _ in range(2):
        assert descriptions(facade.call(client.get_devices, **given)) == ["Theirs"]
    facade.close(client)
    assert said(facade.server) == ["devices", "devices"]
    sent = {request.headers["X-Api-Key"] for request in facade.server.requests}
    assert sent == {other.session_token}


def test_one_refresh_for_many_calls(facade: Facade, cache: MemoryCache) -> None:
    hold = Hold()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.clear()
    facade.server.fail("devices", hold)
    for _ in range(5):
        facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(1)
    hold.release()
    facade.close(client)
    assert said(facade.server) == ["devices"]


def test_a_refresh_works_in_the_next_event_loop_too(server: SiperbServer, cache: MemoryCache) -> None:
    """`asyncio.run` cancels the first one's before it has begun."""
    client = AsyncSiperb(server.pat, base_url=server.base_url, cache=cache)
    asyncio.run(client.get_devices(enable_cache=True))
    asyncio.run(client.get_devices(enable_cache=True))
    renamed(server, "New name")

    async def call_and_close() -> None:
        await client.get_devices(enable_cache=True)
        await client.close()

    asyncio.run(call_and_close())
    assert stored_descriptions(cache, devices_key(server))[0] == "New name"


@pytest.mark.parametrize("left", ["closed", "left open"])
def test_a_script_that_ends_at_once_still_updates(server: SiperbServer, tmp_path: Any, left: str) -> None:
    """In a process of its own, with a cache in a file: the interpreter waits for the refresh, which comes late."""
    server.fail("devices", Delay(0.3), times=None)
    script = tmp_path / "script.py"
    script.write_text(FILE_CACHE)
    run = [sys.executable, "-W", "error", str(script), server.base_url, server.pat, str(tmp_path), left]
    for description in ("Front Desk", "two", "three"):
        renamed(server, description)
        done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / devices_key(server).kind).read_text())[0][0]["Description"] == "three"


FILE_CACHE = """
import json, sys, pathlib
from siperb import Siperb
from siperb.cache.records import Record
from siperb.sync.on_class import default_client
from siperb.client.caching import OwnCache

url, pat, folder, left = sys.argv[1:]

class FileCache:
    def path(self, key):
        return pathlib.Path(folder, key.kind)
    def load(self, key):
        try:
            payload, at, expires, generation = json.loads(self.path(key).read_text())
        except FileNotFoundError:
            return None
        return Record(json.dumps(payload), at, expires, generation)
    def save(self, key, record, *, owner, expected=None):
        fields = [json.loads(record.payload), record.stored_at, record.expires_at, record.generation]
        self.path(key).write_text(json.dumps(fields))
        return True
    def evict(self, key):
        self.path(key).unlink(missing_ok=True)
        return True
    def forget(self, owner):
        return True

client = default_client(Siperb) if left == "left open" else None
if client is None:
    with Siperb(pat, base_url=url, cache=FileCache()) as client:
        assert client.get_devices(enable_cache=True)
else:
    client._cache, client._base_url, client._pat = OwnCache(FileCache(), client._pass_over), url, pat
    assert Siperb.get_devices(enable_cache=True)
"""


def test_a_refresh_is_of_the_event_loop_that_found_it_due(server: SiperbServer, cache: MemoryCache) -> None:
    """One that has ended, or stands still, does not keep the next one from refreshing."""
    hold = Hold()
    client = AsyncSiperb(server.pat, base_url=server.base_url, cache=cache)
    standing = asyncio.new_event_loop()
    standing.run_until_complete(client.get_devices(enable_cache=True))
    server.fail("devices", hold)
    standing.run_until_complete(client.get_devices(enable_cache=True))

    async def in_another_loop() -> None:
        server.clear()
        server.clear_faults()
        await client.get_devices(enable_cache=True)
        await server.requests_arrived(1, route="devices")

    asyncio.run(in_another_loop())
    hold.release()
    standing.run_until_complete(client.close())
    standing.run_until_complete(standing.shutdown_asyncgens())
    standing.close()
