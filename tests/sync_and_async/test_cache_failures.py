"""A cache that does not answer, cannot replace what it holds, or takes too long; and whose exception it is."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import keyring.core
import keyring.errors
import pytest
from backends import FailingKeyring, HangingKeyring, MemoryKeyring
from cache_helpers import settle
from facades import Facade, warnings_of

from siperb import (
    AsyncSiperb,
    CredentialsUnavailableError,
    KeyringCache,
    MemoryCache,
    MissingCredentialsError,
    Siperb,
)
from siperb.cache.records import Key, Record
from siperb.testing import SiperbServer


class Refusing(MemoryCache):
    """Raises for the methods named in `refused`, or answers False for those in `negative`."""

    refused: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()

    def load(self, key: Key) -> Record | None:
        self._refuse("load")
        return super().load(key)

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        return self._refuse("save") and super().save(key, record, owner=owner, expected=expected)

    def evict(self, key: Key) -> bool:
        return self._refuse("evict") and super().evict(key)

    def _refuse(self, method: str) -> bool:
        if method in self.refused:
            raise OSError(f"no {method}")
        return method not in self.negative


def use(backend: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> KeyringCache:
    settle()  # the thread of the keyring may still be held by what another test left hanging
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return KeyringCache(**options)


# No answer is not "none"


UNANSWERED: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "is locked": lambda patch: use(FailingKeyring(keyring.errors.KeyringLocked()), patch),
    "failed": lambda patch: use(FailingKeyring(RuntimeError()), patch),
    "The cache failed with OSError": lambda _: refusing("load"),
}


def refusing(*methods: str) -> Refusing:
    cache = Refusing()
    cache.refused = methods
    return cache


@pytest.mark.parametrize("said", UNANSWERED)
def test_a_cache_that_does_not_answer_is_not_one_without_a_pat(
    facade: Facade, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = UNANSWERED[said](monkeypatch)
    strict = facade.bare_client(base_url=facade.server.base_url, cache=cache, strict=True)
    lenient = facade.bare_client(base_url=facade.server.base_url, cache=cache)
    for call in strict.login, strict.get_devices, lenient.login:
        with pytest.raises(CredentialsUnavailableError, match=said):
            facade.call(call)
    caplog.clear()
    assert facade.call(lenient.get_devices) is None
    assert [said in warning for warning in warnings_of(caplog)] == [True]
    assert facade.server.requests == []


def test_a_bulk_run_without_an_answer_of_the_keyring_ends_at_once(
    server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = FailingKeyring(keyring.errors.KeyringLocked())
    client = Siperb(base_url=server.base_url, cache=use(backend, monkeypatch), state=None)
    with client, pytest.raises(CredentialsUnavailableError):
        list(client.provision_all(["a" * 64, "b" * 64]))
    assert server.requests == []


def test_after_a_keyring_that_was_locked_a_pause_is_no_answer_either(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = FailingKeyring(keyring.errors.KeyringLocked())
    client = facade.bare_client(base_url=facade.server.base_url, cache=use(backend, monkeypatch))
    for _ in range(2):
        with pytest.raises(CredentialsUnavailableError, match="is locked"):
            facade.call(client.login)
    assert len(backend.calls) == 1


def test_where_there_is_no_keyring_there_is_no_pat(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import fail, null

    for backend in (fail.Keyring(), null.Keyring(), MemoryKeyring()):  # type: ignore[no-untyped-call]
        client = facade.bare_client(base_url=facade.server.base_url, cache=use(backend, monkeypatch))
        with pytest.raises(MissingCredentialsError):
            facade.call(client.get_devices)


def test_a_logout_without_an_answer_does_not_say_that_nobody_is_known(
    facade: Facade, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = facade.client(cache=use(FailingKeyring(RuntimeError()), monkeypatch))
    facade.call(client.logout)
    assert not any("Nobody" in warning for warning in warnings_of(caplog))
    assert any("log out again" in warning for warning in warnings_of(caplog))


# What cannot be replaced is outdated


@pytest.mark.parametrize("failing", [{"refused": ("save",)}, {"negative": ("save",)}], ids=str)
@pytest.mark.parametrize("kept", [{}, {"refused": ("evict",)}, {"negative": ("evict",)}], ids=str)
def test_what_a_cache_cannot_replace_is_not_served_again(
    facade: Facade, failing: dict[str, tuple[str, ...]], kept: dict[str, tuple[str, ...]]
) -> None:
    server, cache = facade.server, Refusing()
    client = facade.client(cache=cache)
    facade.call(client.login)
    facade.call(client.get_devices, enable_cache=True)
    for name in ("refused", "negative"):
        setattr(cache, name, failing.get(name, ()) + kept.get(name, ()))
    server.change_device(server.user.devices[0], description="New name")
    facade.call(client.get_devices, enable_cache=True)  # stored, and to be refreshed
    facade.wait_for_requests(3)
    facade.close(client)
    assert repr(cache) == f"<MemoryCache of {1 if kept else 0} records>"

    if not kept:
        client = facade.client(cache=cache)
        assert facade.call(client.get_devices, enable_cache=True)[0].description == "New name"


def test_what_a_cache_can_neither_replace_nor_remove_is_not_served_by_this_client(facade: Facade) -> None:
    """Of a document whose JWT has expired the next one is fetched first: the client goes on."""
    server, cache = facade.server, Refusing()
    device = server.user.devices[0]
    server.jwt_lifetime = 30.0
    client = facade.client(cache=cache)
    facade.call(client.get_provisioning, device.token, enable_cache=True)
    server.jwt_lifetime = 86400.0
    cache.refused = ("save", "evict")
    server.set_settings(device, {"sip_domain": "new.example"})
    for _ in range(3):
        found = facade.call(client.get_provisioning, device.token, enable_cache=True)
        assert found.sip_domain == "new.example"
    server.revoke_pat()
    server.expire_sessions()
    assert facade.call(client.get_provisioning, device.token, enable_cache=True) is None


def test_a_save_that_was_overtaken_leaves_the_newer_record(facade: Facade) -> None:
    class Overtaken(MemoryCache):
        """Between the answer and its save another process stores its own."""

        overtaking = False

        def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
            if self.overtaking and expected is not None:
                super().save(key, newer, owner=owner)
            return super().save(key, record, owner=owner, expected=expected)

    cache = Overtaken()
    newer = Record('[{"Platform": "script"}]', 0.0, None, "f" * 16)
    client = facade.client(cache=cache)
    facade.call(client.get_devices, enable_cache=True)
    cache.overtaking = True
    facade.call(client.get_devices, enable_cache=True)
    facade.close(client)
    assert newer in [record for record, _ in cache._records.values()]


# Deadlines


def test_a_keyring_that_hangs_leaves_time_to_ask_the_api(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = HangingKeyring()
    client = facade.client(cache=use(backend, monkeypatch, timeout=60), strict=True, timeout=2)
    try:
        facade.call(client.login)
        began = time.monotonic()
        assert facade.call(client.get_devices, enable_cache=True)
        assert time.monotonic() - began < 2.5
    finally:
        backend.release.set()


async def test_a_task_does_not_wait_for_ever_for_a_cache_of_ones_own(
    server: SiperbServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Hanging(MemoryCache):
        def load(self, key: Key) -> Record | None:
            assert released.wait(60)
            return None

    released = threading.Event()
    try:
        async with AsyncSiperb(server.pat, base_url=server.base_url, cache=Hanging(), strict=True, timeout=2) as client:
            await client.login()
            assert await client.get_devices(enable_cache=True)
    finally:
        released.set()
    [warning] = warnings_of(caplog)
    assert "no answer in time" in warning


# Whose exception it is


class WatchdogError(Exception):
    """As Celery's SoftTimeLimitExceeded: an ordinary exception of a signal handler."""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no such signals on this system")
@pytest.mark.parametrize("kind", ["keyring", "own"])
def test_the_exception_of_a_signal_handler_is_no_failure_of_the_cache(
    server: SiperbServer, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(MemoryCache):
        def load(self, key: Key) -> Record | None:
            entered.set()
            assert released.wait(60)
            return None

    def watchdog(*_: object) -> None:
        if not barked.is_set():
            barked.set()
            raise WatchdogError

    barked, entered, released, backend = threading.Event(), threading.Event(), threading.Event(), HangingKeyring()
    cache: Any = use(backend, monkeypatch, timeout=60) if kind == "keyring" else Slow()

    def bark() -> None:
        assert (backend.entered if kind == "keyring" else entered).wait(30)
        while not barked.wait(0.05):  # a signal that comes just before a wait does not end it
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, watchdog)
    barking = threading.Thread(target=bark)
    try:
        with Siperb(server.pat, base_url=server.base_url, cache=cache, state=None) as client:
            client.login()
            barking.start()
            with pytest.raises(WatchdogError):
                client.get_devices(enable_cache=True)
            released.set()
            backend.release.set()
            assert client.get_devices(enable_cache=True)
    finally:
        released.set()
        backend.release.set()
        barked.set()
        barking.join()
        signal.signal(signal.SIGUSR1, before)
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_is_no_exception_of_a_cache_goes_through(server: SiperbServer, error: type[BaseException]) -> None:
    class Ending(MemoryCache):
        def load(self, key: Key) -> Record | None:
            raise error

    with Siperb(server.pat, base_url=server.base_url, cache=Ending(), state=None) as client:
        with pytest.raises(error):
            client.get_devices(enable_cache=True)
        assert client.get_devices()
