"""What was to be removed does not come back, whatever a hung keyring writes late."""

from __future__ import annotations

import keyring.errors
import pytest
from backends import HangingKeyring, MemoryKeyring
from cache_contract import BOB, KEY, OWNER, SESSION, record
from cache_helpers import Clock, Use, settle

pytest_plugins = ["cache_fixtures"]


class LateKeyring(MemoryKeyring):
    """Takes a set, reports an error, and applies the set when `apply` is called."""

    late: list[tuple[str, str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.late = []
        self.failing = False

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.failing and service == KEY.service:
            self.late.append((service, username, password))
            raise TimeoutError("no reply")
        super().set_password(service, username, password)

    def apply(self) -> None:
        for entry in self.late:
            super().set_password(*entry)


@pytest.mark.parametrize("removal", ["evict", "forget"])
def test_a_late_write_does_not_bring_back_what_was_removed_since(removal: str, use: Use) -> None:
    backend = LateKeyring()
    cache = use(backend)
    backend.failing = True
    assert cache.save(KEY, record("a secret"), owner=OWNER) is False
    backend.failing = False
    assert cache.evict(KEY) if removal == "evict" else cache.forget(OWNER)
    backend.apply()
    assert cache.load(KEY) is None
    assert (KEY.service, "siperb") not in backend.entries


@pytest.mark.parametrize("removal", ["evict", "forget"])
def test_a_removal_that_a_hung_keyring_did_not_take_is_made_up_for(removal: str, use: Use, clock: Clock) -> None:
    backend = HangingKeyring(hang_in="none")
    cache = use(backend)
    assert cache.save(KEY, record("old"), owner=OWNER)
    assert cache.save(SESSION, record("old session"), owner=OWNER)
    backend.hang_in = "set"
    assert cache.save(KEY, record("late"), owner=OWNER) is False  # under way, and will be applied
    assert (cache.evict(KEY) if removal == "evict" else cache.forget(OWNER)) is False
    backend.release.set()
    settle()
    clock.now += 61
    assert cache.load(KEY) is None
    assert not any(service.startswith(KEY.service) for service, _ in backend.entries)
    assert (cache.load(SESSION) is None) == (removal == "forget")


def test_a_removal_that_is_owed_is_paid_before_something_new_is_saved(use: Use, clock: Clock) -> None:
    backend = HangingKeyring()
    cache = use(backend)
    assert cache.forget(OWNER) is False
    backend.release.set()
    settle()
    clock.now += 61
    new = record("new")
    assert cache.save(KEY, new, owner=OWNER)
    assert cache.load(KEY) == new


def test_a_save_that_ends_after_its_key_was_evicted_does_not_count(use: Use, clock: Clock) -> None:
    backend = HangingKeyring(hang_in="none")
    cache = use(backend)
    cache.save(KEY, record("old"), owner=OWNER)
    backend.hang_in = "set"  # the one set of a record that its index names: the last call of the save
    assert cache.save(KEY, record("late"), owner=OWNER) is False
    assert cache.evict(KEY) is False
    backend.release.set()
    settle()
    assert (KEY.service, "siperb") in backend.entries  # the late write
    clock.now += 61
    assert cache.load(KEY) is None


@pytest.mark.parametrize("removal", ["evict", "forget"])
def test_an_entry_that_cannot_be_removed_is_not_read_again(
    removal: str, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(service: str, username: str) -> None:
        raise keyring.errors.PasswordDeleteError("access denied")

    backend = MemoryKeyring()
    cache = use(backend)
    theirs, new = record("theirs"), record("new")
    cache.save(KEY, record("a secret"), owner=OWNER)
    cache.save(SESSION, theirs, owner=BOB)
    monkeypatch.setattr(backend, "delete_password", refuse)
    assert (cache.evict(KEY) if removal == "evict" else cache.forget(OWNER)) is False
    assert cache.load(KEY) is None
    assert cache.load(SESSION) == theirs
    assert cache.save(KEY, record("late"), owner=OWNER, expected=new.generation) is False
    assert cache.save(KEY, new, owner=OWNER)
    assert cache.load(KEY) == new
