"""What flows promise of the cache, through both facades, with `MemoryCache` and with caches that misbehave."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from facades import Facade, said, warnings_of

from siperb import (
    AsyncSiperb,
    AuthenticationError,
    ConfigurationError,
    DeviceNotScriptError,
    MemoryCache,
    MissingCredentialsError,
    NotFoundError,
    Siperb,
)
from siperb.cache.workers import WorkerPool
from siperb.core.calls import GetDevices, GetProvisioning
from siperb.core.flows import session_key
from siperb.core.records import Key, Record
from siperb.testing import Body, Device, Drop, Hold, Json, SiperbServer, Status


class WatchedCache(MemoryCache):
    """A `MemoryCache` that tells a test when a record was stored or removed."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Semaphore(0)

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        result = super().save(key, record, owner=owner, expected=expected)
        self.changed.release()
        return result

    def evict(self, key: Key) -> bool:
        result = super().evict(key)
        self.changed.release()
        return result


def devices_key(server: SiperbServer, name: str = "SiperbDevices", user: Any = None) -> Key:
    key = GetDevices(name).key(server.base_url, (user or server.user).user_id)
    assert key
    return key


def provisioning_key(server: SiperbServer, device: Device, name: str = "SiperbProvisioning") -> Key:
    key = GetProvisioning(device.token, name).key(server.base_url, device.user_id)
    assert key
    return key


def descriptions(devices: Any) -> list[str | None]:
    return [device.description for device in devices]


def stored_descriptions(cache: MemoryCache, key: Key) -> list[str]:
    record = cache.load(key)
    assert record
    return [device["Description"] for device in json.loads(record.payload)]


def renamed(server: SiperbServer, description: str) -> Device:
    return server.change_device(server.user.devices[0], description=description)


# Stale while revalidate.


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
    """In a process of its own, with a cache in a file: the interpreter waits for the refresh."""
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
from siperb.core.records import Record
from siperb.sync.on_class import default_client
from siperb.facade.caching import CacheGateway

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
    client._cache, client._base_url, client._pat = CacheGateway(FileCache()), url, pat
    assert Siperb.get_devices(enable_cache=True)
"""


# Whose record.


def test_another_user_with_the_same_key_never_sees_it(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    other = server.add_user()
    server.add_device(other, description="Theirs")
    first, second = facade.client(cache=cache), facade.client(other.pat, cache=cache)
    for _ in range(2):
        assert descriptions(facade.call(first.get_devices, enable_cache=True)) == ["Front Desk", "Door bell"]
        assert descriptions(facade.call(second.get_devices, enable_cache=True)) == ["Theirs"]


def test_another_user_on_the_same_client_never_sees_it(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    other = server.add_user()
    client = facade.client(cache=cache)
    mine = facade.call(client.get_devices, enable_cache=True)
    facade.call(client.login, other.pat, enable_cache=True)
    assert facade.call(client.get_devices, enable_cache=True) == []
    facade.call(client.login, enable_cache=True)
    assert facade.call(client.get_devices, enable_cache=True) == mine


def test_another_host_never_sees_it(facade: Facade, other_server: SiperbServer, cache: MemoryCache) -> None:
    pat = facade.server.pat
    theirs = other_server.add_user(pat=pat)
    other_server.add_device(theirs, description="Elsewhere")
    here, there = facade.client(cache=cache), facade.client(cache=cache, base_url=other_server.base_url)
    for _ in range(2):
        for client, expected in (here, facade.server.user), (there, theirs):
            assert facade.call(client.login, enable_cache=True).session_token == expected.session_token
    assert descriptions(facade.call(here.get_devices, enable_cache=True)) == ["Front Desk", "Door bell"]
    assert descriptions(facade.call(there.get_devices, enable_cache=True)) == ["Elsewhere"]
    assert len(said(other_server)) == 2


def test_a_device_and_a_key_have_a_record_each(facade: Facade, cache: MemoryCache) -> None:
    one, two = (facade.server.user.devices[index] for index in (0, 2))
    client = facade.client(cache=cache)
    results = [
        facade.call(client.get_provisioning, device.token, enable_cache=True, provisioning_key=key)
        for device in (one, two)
        for key in ("a", "b")
    ]
    assert len({result.sip_username for result in results}) == 2
    assert said(facade.server).count("provisioning") == 4
    facade.call(client.get_devices, enable_cache=True, session_key="a")
    facade.call(client.get_devices, enable_cache=True, session_key="b")
    assert said(facade.server).count("devices") == 2


# What the API says of it.


@pytest.mark.parametrize("code", [403, 404])
def test_a_refusal_removes_the_record(facade: Facade, code: int) -> None:
    cache = WatchedCache()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("devices", Status(code))
    assert facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert cache.load(devices_key(facade.server)) is None


def test_a_revoked_pat_removes_the_record(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.revoke_pat()
    facade.server.expire_sessions()
    assert facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert cache.load(devices_key(facade.server)) is None


def test_a_device_that_is_gone_is_gone_from_the_cache(facade: Facade, cache: MemoryCache) -> None:
    device = facade.server.user.devices[0]
    client = facade.client(cache=cache, strict=True)
    assert facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.server.remove_device(device)
    assert facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.close(client)
    second = facade.client(cache=cache, strict=True)
    with pytest.raises(NotFoundError):
        facade.call(second.get_provisioning, device.token, enable_cache=True)


@pytest.mark.parametrize(
    "fault", [Status(500), Status(429, retry_after=3600), Drop("head"), Body("<html>"), Json({}), Json(None)], ids=repr
)
def test_any_other_failure_keeps_it_and_says_so_once(
    facade: Facade, cache: MemoryCache, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = facade.client(cache=cache, max_retries=0)
    before = facade.call(client.get_devices, enable_cache=True)
    record = cache.load(devices_key(facade.server))
    facade.server.fail("devices", fault, times=None)
    assert facade.call(client.get_devices, enable_cache=True) == before
    facade.close(client)
    assert cache.load(devices_key(facade.server)) == record
    assert len(warnings_of(caplog)) == 1


def test_after_a_refresh_that_failed_none_is_tried_for_a_while(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache, max_retries=0)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.clear()
    facade.server.fail("devices", Status(500), times=None)
    with facade.warning():  # that it failed
        facade.call(client.get_devices, enable_cache=True)
    for _ in range(3):
        assert facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert said(facade.server) == ["devices"]


# A document whose JWT has expired.


@pytest.fixture
def expired(facade: Facade, cache: MemoryCache) -> Device:
    """A device whose stored document has a JWT with 30 s left."""
    device = facade.server.user.devices[0]
    facade.server.jwt_lifetime = 30.0
    client = facade.client(cache=cache)
    assert facade.call(client.get_provisioning, device.token, enable_cache=True)
    facade.close(client)
    facade.server.jwt_lifetime = 86400.0
    facade.server.set_settings(device, {"sip_domain": "new.example"})
    facade.server.clear()
    return device


def test_it_is_fetched_first(facade: Facade, cache: MemoryCache, expired: Device) -> None:
    client = facade.client(cache=cache)
    assert facade.call(client.get_provisioning, expired.token, enable_cache=True).sip_domain == "new.example"
    assert said(facade.server).count("provisioning") == 1
    facade.server.set_settings(expired, {"sip_domain": "newer.example"})
    assert facade.call(client.get_provisioning, expired.token, enable_cache=True).sip_domain == "new.example"


@pytest.mark.parametrize("fault", [Status(500), Drop("head"), Body("<html>")], ids=repr)
def test_it_is_returned_with_a_warning_when_the_network_fails(
    facade: Facade, cache: MemoryCache, expired: Device, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    facade.server.fail("provisioning", fault, times=None)
    client = facade.client(cache=cache, max_retries=0, strict=True)
    found = facade.call(client.get_provisioning, expired.token, enable_cache=True)
    assert found.sip_domain != "new.example"
    assert len(warnings_of(caplog)) == 1
    assert "expired" in warnings_of(caplog)[0]


@pytest.mark.parametrize(("code", "kind"), [(401, AuthenticationError), (404, NotFoundError)])
def test_it_is_evicted_and_refused_when_the_api_refuses(
    facade: Facade, cache: MemoryCache, expired: Device, code: int, kind: type[Exception]
) -> None:
    facade.server.fail("provisioning", Status(code), times=None)
    client = facade.client(cache=cache, strict=True)
    with pytest.raises(kind):
        facade.call(client.get_provisioning, expired.token, enable_cache=True)
    assert cache.load(provisioning_key(facade.server, expired)) is None


def test_it_is_evicted_when_the_device_changed_its_platform(
    facade: Facade, cache: MemoryCache, expired: Device
) -> None:
    facade.server.change_device(expired, platform="ios")
    client = facade.client(cache=cache, strict=True)
    with pytest.raises(DeviceNotScriptError):
        facade.call(client.get_provisioning, expired.token, enable_cache=True)
    assert cache.load(provisioning_key(facade.server, expired)) is None


# A kept session.


def test_a_session_is_kept_and_used_without_asking(facade: Facade, cache: MemoryCache) -> None:
    session = facade.call(facade.client(cache=cache).login, enable_cache=True)
    client = facade.client(cache=cache)
    assert facade.call(client.login, enable_cache=True) == session
    assert client.session == client.state.session == session
    assert said(facade.server) == ["login"]
    record = cache.load(session_key(facade.server.base_url, facade.server.pat, "SiperbLogin"))
    assert record
    assert record.expires_at
    assert record.expires_at - record.stored_at == 24 * 86400


def test_a_kept_session_that_expired_gives_way_to_the_next(facade: Facade, cache: MemoryCache) -> None:
    facade.call(facade.client(cache=cache).login, enable_cache=True)
    facade.server.expire_sessions()
    facade.server.clear()
    client = facade.client(cache=cache)
    facade.call(client.login, enable_cache=True)
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["devices", "login", "devices"]
    third = facade.client(cache=cache)
    assert facade.call(third.login, enable_cache=True) == client.session
    assert len(facade.server.requests) == 3


def test_another_login_key_is_another_session(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.login, enable_cache=True, login_key="a")
    facade.call(client.login, enable_cache=True, login_key="b")
    facade.call(client.login, enable_cache=True, login_key="a")
    assert said(facade.server) == ["login", "login"]


def test_a_second_process_asks_for_nothing(facade: Facade, cache: MemoryCache) -> None:
    """The session that `get_devices` makes by itself is kept with the list."""
    hold = Hold()
    first = facade.client(cache=cache)
    facade.call(first.get_devices, enable_cache=True)
    facade.server.clear()
    facade.server.fail(None, hold, times=None)
    second = facade.client(cache=cache)
    assert facade.call(second.get_devices, enable_cache=True)
    hold.release()
    facade.close(second)
    assert said(facade.server) == ["devices"]


# The end of it.


def test_logout_removes_all(facade: Facade, cache: MemoryCache) -> None:
    server = facade.server
    other = server.add_user()
    bystander = facade.client(other.pat, cache=cache)
    facade.call(bystander.get_devices, enable_cache=True)
    client = facade.client(cache=cache)
    facade.call(client.login, enable_cache=True)
    facade.call(client.login, enable_cache=True, login_key="second")
    facade.call(client.save_pat, server.pat)
    facade.call(client.get_devices, enable_cache=True, session_key="odd")
    for device in server.user.devices[::2]:
        facade.call(client.get_provisioning, device.token, enable_cache=True)
    assert repr(cache) == "<MemoryCache of 8 records>"
    facade.call(client.logout)
    assert repr(cache) == "<MemoryCache of 2 records>"
    assert cache.load(devices_key(server, user=other))
    with pytest.raises(MissingCredentialsError):
        facade.call(facade.bare_client(base_url=server.base_url, cache=cache).login)


def test_logout_in_another_process_removes_all(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.call(facade.client(cache=cache).logout)
    assert repr(cache) == "<MemoryCache of 0 records>"


def test_a_refresh_under_way_brings_nothing_back_after_a_logout(facade: Facade, cache: MemoryCache) -> None:
    hold = Hold()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("devices", hold)
    facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(2, "devices")
    facade.call(client.logout)
    hold.release()
    facade.close(client)
    assert repr(cache) == "<MemoryCache of 0 records>"


def test_a_refresh_under_way_does_not_log_in_again_after_a_logout(facade: Facade, cache: MemoryCache) -> None:
    hold = Hold()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("devices", hold, Status(401))
    facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(2, "devices")
    facade.server.clear()
    facade.call(client.logout)
    hold.release()
    facade.close(client)
    assert (client.session, client.state.session) == (None, None)
    assert repr(cache) == "<MemoryCache of 0 records>"
    assert said(facade.server) == []


# A cache that misbehaves.


class Broken:
    """Whatever is asked of it, `answer` is done."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    def load(self, key: Key) -> Any:
        return self.answer()

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> Any:
        return self.answer()

    def evict(self, key: Key) -> Any:
        return self.answer()

    def forget(self, owner: str) -> Any:
        return self.answer()


def raising(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


def returning(value: Any) -> Callable[[], Any]:
    return lambda: value


SECRET = "what-was-being-stored"
MISBEHAVIOUR = {
    "raises": raising(RuntimeError(SECRET)),
    "raises ours": raising(ConfigurationError(SECRET)),
    "raises a timeout": raising(TimeoutError()),
    "text": returning(SECRET),
    "bytes": returning(b"{}"),
    "a dict": returning({"payload": SECRET}),
    "true": returning(True),
    "a record of bytes": lambda: Record(b"[]", 0.0, None, "1" * 16),  # type: ignore[arg-type]
    "a record without a time": lambda: Record("[]", None, None, "1" * 16),  # type: ignore[arg-type]
    "a record with a date": lambda: Record("[]", 0.0, "tomorrow", "1" * 16),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("answer", MISBEHAVIOUR.values(), ids=list(MISBEHAVIOUR))
def test_a_cache_that_misbehaves_is_a_miss_and_one_warning(
    facade: Facade, answer: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    client = facade.client(cache=Broken(answer), strict=True)
    token = facade.server.user.devices[0].token
    for _ in range(2):
        assert facade.call(client.login, enable_cache=True)
        assert facade.call(client.get_devices, enable_cache=True)
        assert facade.call(client.get_provisioning, token, enable_cache=True)
    assert said(facade.server) == ["login", "devices", "provisioning"] * 2
    assert len(warnings_of(caplog)) == 1
    assert "Broken" in warnings_of(caplog)[0]
    assert SECRET not in caplog.text


def test_a_cache_without_the_methods_is_a_miss_too(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    client = facade.client(cache=object())
    assert facade.call(client.get_devices, enable_cache=True)
    assert len(warnings_of(caplog)) == 1


def test_a_logout_that_removed_nothing_says_so(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    client = facade.client(cache=Broken(raising(OSError())))
    facade.call(client.login)
    facade.call(client.logout)
    assert client.session is None
    assert any("log out again" in warning for warning in warnings_of(caplog))


def test_a_record_of_another_shape_is_replaced(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    session = facade.call(client.login)
    key = devices_key(facade.server)
    owner = Key.scope_of(facade.server.base_url, session.user_id)
    for payload in ("{}", "null", "[", '[{"Platform": "script"}]', "\ud800"):
        cache.save(key, Record(payload, 0.0, None, "1" * 16), owner=owner)
        assert facade.call(client.get_devices, enable_cache=True)
        assert stored_descriptions(cache, key) == ["Front Desk", "A phone", "Door bell"]


# The keyring that nobody asked for.

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


def test_a_refresh_of_an_older_login_leaves_a_newer_one_alone(facade: Facade, cache: MemoryCache) -> None:
    other = facade.server.add_user()
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    facade.server.clear()
    hold = Hold()
    facade.server.fail("devices", hold, Status(401))
    facade.call(client.get_devices, enable_cache=True)
    facade.wait_for_requests(1, route="devices")
    facade.call(client.login, other.pat)
    hold.release()
    facade.close(client)
    assert client.session.user_id == client.state.USER_ID == other.user_id
    assert said(facade.server) == ["devices", "login"]


def test_what_ends_after_a_logout_is_neither_kept_nor_published(facade: Facade, cache: MemoryCache) -> None:
    client = facade.client(cache=cache)
    facade.call(client.login)
    hold = Hold()
    facade.server.fail("devices", hold)

    devices, _ = facade.together(
        lambda: client.get_devices(enable_cache=True),
        facade.after(lambda: facade.server.wait_for_requests(1, route="devices"), client.logout, then=hold.release),
    )
    assert len(devices) == 2
    assert repr(cache) == "<MemoryCache of 0 records>"
    assert (client.session, client.state.session, client.state.DEVICES) == (None, None, None)


async def test_tasks_wait_for_a_slow_cache_side_by_side(server: SiperbServer, caplog: pytest.LogCaptureFixture) -> None:
    """Else the waits for a keyring would add up, past the time that each may take."""

    class Slow(MemoryCache):
        def load(self, key: Key) -> Record | None:
            if not met.is_set():
                together.wait(30)
                met.set()
            return super().load(key)

    calls = 4  # as many as there are threads for caches
    together, met = threading.Barrier(calls), threading.Event()
    tokens = [device.token for device in server.add_devices(calls)]
    async with AsyncSiperb(server.pat, base_url=server.base_url, cache=Slow(), strict=True) as client:
        await client.login()
        assert all(await asyncio.gather(*(client.get_provisioning(token, enable_cache=True) for token in tokens)))
    assert warnings_of(caplog) == []


async def test_without_a_thread_for_the_cache_there_is_none(
    server: SiperbServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_thread(*_: object) -> Any:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("siperb.aio.driver.POOL", WorkerPool("none", 1))
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    async with AsyncSiperb(server.pat, base_url=server.base_url, cache=MemoryCache()) as client:
        assert await client.get_devices(enable_cache=True)
    assert len(warnings_of(caplog)) == 1


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
