"""What was to be removed does not come back, whatever a hung keyring writes late."""

from __future__ import annotations

from typing import Any

import keyring.errors
import pytest
from backends import FailingKeyring, HangingKeyring, MemoryKeyring
from cache_contract import BOB, KEY, OWNER, SESSION, record
from cache_helpers import Clock, Use, settle

from siperb.cache import Key
from siperb.cache.entries import Delete, Deleted, Set
from siperb.cache.tombstones import Tombstones
from siperb.errors import CacheError

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


# What cannot be replaced


class FullKeyring(MemoryKeyring):
    """Refuses to store, while it is `full`; and to remove, while it is `read_only`."""

    full = read_only = False

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.full and service.startswith(KEY.service):
            raise keyring.errors.PasswordSetError("store is full")
        super().set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        if self.read_only:
            raise keyring.errors.PasswordDeleteError("access denied")
        super().delete_password(service, username)


@pytest.mark.parametrize("why", ["full", "too long"])
def test_a_record_that_cannot_be_replaced_goes(why: str, use: Use) -> None:
    backend = FullKeyring()
    cache, old = use(backend, timeout=30), record("old")
    assert cache.save(KEY, old, owner=OWNER)
    backend.full = why == "full"
    new = record("new" if backend.full else "x" * 200_000)
    assert cache.save(KEY, new, owner=OWNER, expected=old.generation) is False
    assert not any(service.startswith(KEY.service) for service, _ in backend.entries)
    assert use(backend).load(KEY) is None  # another process
    backend.full = False
    again = record("again")
    assert cache.save(KEY, again, owner=OWNER)
    assert cache.load(KEY) == again


def test_one_that_can_neither_be_replaced_nor_removed_is_not_read_again(use: Use) -> None:
    backend = FullKeyring()
    cache, old = use(backend), record("old")
    assert cache.save(KEY, old, owner=OWNER)
    backend.full = backend.read_only = True
    assert cache.save(KEY, record("new"), owner=OWNER, expected=old.generation) is False
    assert cache.load(KEY) is None
    assert (KEY.service, "siperb") in backend.entries
    backend.full = backend.read_only = False
    assert cache.load(KEY) is None
    assert (KEY.service, "siperb") not in backend.entries


def test_a_save_that_another_one_overtook_leaves_the_newer_record(use: Use) -> None:
    cache, newer = use(MemoryKeyring()), record("newer")
    assert cache.save(KEY, newer, owner=OWNER)
    too_long = record("x" * 200_000)
    assert cache.save(KEY, too_long, owner=OWNER, expected=record("older").generation) is False
    assert cache.load(KEY) == newer


def test_what_was_never_begun_leaves_what_is_stored(use: Use, clock: Clock) -> None:
    backend = MemoryKeyring()
    old = record("old")
    assert use(backend).save(KEY, old, owner=OWNER)
    locked = FailingKeyring(keyring.errors.KeyringLocked())
    cache = use(locked)
    assert cache.load(SESSION) is None
    assert cache.save(KEY, record("new"), owner=OWNER) is False  # in the pause
    clock.now += 301
    locked.error, locked.entries = None, backend.entries
    assert cache.load(KEY) == old


def test_failures_are_remembered_for_so_many_keys_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.cache.tombstones.MOST", 5)
    tombstones = Tombstones()

    class Driver:
        limit = 1000

        def run(self, steps: Any) -> Any:
            answer: Any = None
            while True:
                try:
                    operation = steps.send(answer)
                except StopIteration as stop:
                    return stop.value
                if isinstance(operation, Set):
                    raise CacheError("full")
                answer = Deleted.NONE if isinstance(operation, Delete) else None

    for number in range(20):
        for _ in range(3):
            with pytest.raises(CacheError):
                tombstones.save(Driver(), Key(OWNER, f"prov-{number}"), record(), OWNER, None)
    assert len(tombstones) <= 5
