"""A pytest plugin for the tests of `KeyringCache`: a backend to use, a clock to turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keyring.core
import pytest
from backends import HangingKeyring
from cache_helpers import PASSES, Clock, Use

from siperb.cache import KeyringCache


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Use]:
    """Make a backend the one of the process, and a cache on it; its deadline is short only where one is to pass."""
    used: list[Any] = []

    def use(backend: Any, *, timeout: float | None = None, **options: Any) -> KeyringCache:
        used.append(backend)
        if timeout is None:
            timeout = PASSES if isinstance(backend, HangingKeyring) else 30
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        return KeyringCache(timeout=timeout, clock=clock, **options)

    yield use
    for backend in used:
        if isinstance(backend, HangingKeyring):
            backend.release.set()
