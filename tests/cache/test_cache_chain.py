"""A chain of keyrings: the link that stores is found behind those that store nothing, and what it holds goes again."""

from __future__ import annotations

from typing import Any

import keyring.errors
import pytest
from backends import MemoryKeyring
from cache_contract import KEY, OWNER, SESSION, record
from cache_helpers import Use, warnings
from keyring.backends.chainer import ChainerBackend

pytest_plugins = ["cache_fixtures"]


class Feed(MemoryKeyring):
    """As the authenticators of package feeds: it knows its own services alone, and stores nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append("refused")
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


def chain(*links: Any) -> ChainerBackend:
    return type("Chain", (ChainerBackend,), {"backends": list(links), "priority": -2})()


def test_a_link_that_stores_nothing_does_not_hide_the_one_that_does(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    feed, store, saved = Feed(), MemoryKeyring(), record()
    cache = use(chain(feed, store))
    assert cache.save(KEY, saved, owner=OWNER)
    assert cache.load(KEY) == saved
    assert cache.backend() == "backends.MemoryKeyring"
    assert feed.calls.count("refused") == 1  # it is not asked again
    assert warnings(caplog) == []


def test_what_another_process_stored_is_read_before_anything_is_written(use: Use) -> None:
    feed, store, saved = Feed(), MemoryKeyring(), record()
    use(chain(feed, store)).save(KEY, saved, owner=OWNER)
    assert use(chain(feed, store)).load(KEY) == saved


@pytest.mark.parametrize("removal", ["evict", "forget"])
def test_a_removal_goes_to_the_link_that_stores(removal: str, use: Use) -> None:
    feed, store = Feed(), MemoryKeyring()
    use(chain(feed, store)).save(KEY, record(), owner=OWNER)
    cache = use(chain(feed, store))
    assert cache.evict(KEY) if removal == "evict" else cache.forget(OWNER)
    assert KEY.service not in {service for service, _ in store.entries}
    assert cache.forget(OWNER)
    assert store.entries == {}


def test_a_link_that_fails_is_not_one_that_stores_nothing(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    first, second = MemoryKeyring(), MemoryKeyring()
    cache = use(chain(first, second))
    assert cache.save(KEY, record(), owner=OWNER)

    def refuse(*_: object) -> None:
        raise keyring.errors.PasswordSetError

    first.set_password = refuse  # type: ignore[method-assign]
    assert cache.save(SESSION, record(), owner=OWNER) is False
    assert second.entries == {}
    assert len(warnings(caplog)) == 1


def test_a_keyring_alone_that_stores_nothing_is_a_warning(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    cache = use(Feed())
    assert cache.save(KEY, record(), owner=OWNER) is False
    assert "NotImplementedError" in warnings(caplog)[0]
