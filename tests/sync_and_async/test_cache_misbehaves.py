"""A cache that raises, answers nonsense, is slow or has no thread is a miss and one warning."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cached_calls import devices_key, stored_descriptions
from facades import Facade, said, warnings_of

from siperb import AsyncSiperb, ConfigurationError, MemoryCache
from siperb.cache.records import Key, Record
from siperb.testing import SiperbServer
from siperb.threads import WorkerPool


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

    monkeypatch.setattr("siperb.client.caching.READERS", WorkerPool("none", 1))
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    async with AsyncSiperb(server.pat, base_url=server.base_url, cache=MemoryCache()) as client:
        assert await client.get_devices(enable_cache=True)
    assert len(warnings_of(caplog)) == 1
