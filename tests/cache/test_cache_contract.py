"""Every implementation of the cache under one set of tests; the real Secret Service has its own file."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import keyring.core
import pytest
from backends import FileKeyring, MemoryKeyring, WindowsKeyring
from cache_contract import KEY, OWNER, CacheContract, record

from siperb import MemoryCache
from siperb.cache import Cache, KeyringCache


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return MemoryCache()


@pytest.mark.parametrize("backend", [MemoryKeyring, WindowsKeyring, FileKeyring], scope="class")
class TestKeyringCache(CacheContract):
    @pytest.fixture
    def cache(self, backend: type, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cache]:
        monkeypatch.setenv("SIPERB_TEST_KEYRING", str(tmp_path))
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend())
        return KeyringCache(timeout=30)


def test_windows_is_left_without_a_copy_of_what_was_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = WindowsKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", windows)
    cache = KeyringCache(timeout=30)
    for payload in ("x" * 6000, "y" * 3000, "{}"):
        assert cache.save(KEY, record(payload), owner=OWNER)
    assert any(name.startswith("siperb@") for name, _ in windows.entries)  # what keyring copied
    assert cache.forget(OWNER) is True
    assert windows.entries == {}


def test_the_fake_windows_store_refuses_1281_characters() -> None:
    WindowsKeyring().set_password("service", "user", "x" * 1280)
    with pytest.raises(OSError, match="bad data"):
        WindowsKeyring().set_password("service", "user", "x" * 1281)
