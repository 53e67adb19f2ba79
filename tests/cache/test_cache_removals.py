"""A record that was to be removed, or could not be replaced, is not seen again, and goes as soon as it can."""

from __future__ import annotations

import keyring.errors
import pytest
from backends import FailingKeyring, HangingKeyring, MemoryKeyring
from cache_contract import BOB, KEY, OWNER, SESSION, record
from cache_helpers import Clock, Use, settle

from siperb.cache import Key, KeyringCache

pytest_plugins = ["cache_fixtures"]


def remove(cache: KeyringCache, removal: str) -> bool:
    return cache.evict(KEY) if removal == "evict" else cache.forget(OWNER)


def stored(backend: MemoryKeyring) -> bool:
    return any(service.startswith(KEY.service) for service, _ in backend.entries)


@pytest.mark.parametrize("removal", ["evict", "forget"])
def test_a_removal_that_a_hung_keyring_did_not_take_is_done_as_soon_as_it_answers(removal: str, use: Use) -> None:
    backend = HangingKeyring(hang_in="none")
    cache = use(backend)
    assert cache.save(KEY, record("old"), owner=OWNER)
    assert cache.save(SESSION, record("old session"), owner=OWNER)
    backend.hang_in = "set"
    assert cache.save(KEY, record("late"), owner=OWNER) is False  # under way, and will be applied
    assert remove(cache, removal) is False
    backend.release.set()
    settle()
    assert not stored(backend)
    assert use(backend).load(KEY) is None
    assert (use(backend).load(SESSION) is None) == (removal == "forget")


@pytest.mark.parametrize("removal", ["evict", "forget"])
def test_a_removal_that_a_locked_keyring_refused_is_made_up_for(removal: str, use: Use, clock: Clock) -> None:
    backend = FailingKeyring(None)
    cache = use(backend)
    assert cache.save(KEY, record("a secret"), owner=OWNER)
    backend.error = keyring.errors.KeyringLocked()
    assert remove(cache, removal) is False
    backend.error = None
    clock.now += 301
    assert cache.load(KEY) is None
    assert not stored(backend)


def test_a_removal_that_is_owed_is_done_before_something_new_is_saved(use: Use, clock: Clock) -> None:
    backend = FailingKeyring(keyring.errors.KeyringLocked())
    cache = use(backend)
    assert cache.forget(OWNER) is False
    backend.error = None
    clock.now += 301
    new = record("new")
    assert cache.save(KEY, new, owner=OWNER)
    assert cache.load(KEY) == new


def test_a_refresh_does_not_bring_back_what_is_to_be_removed(use: Use, clock: Clock) -> None:
    backend = FailingKeyring(None)
    cache, old = use(backend), record("old")
    assert cache.save(KEY, old, owner=OWNER)
    backend.error = keyring.errors.KeyringLocked()
    assert cache.evict(KEY) is False
    backend.error = None
    clock.now += 301
    assert cache.save(KEY, record("late"), owner=OWNER, expected=old.generation) is False
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
    assert remove(cache, removal) is False
    assert cache.load(KEY) is None
    assert cache.load(SESSION) == theirs
    assert cache.save(KEY, record("late"), owner=OWNER, expected=new.generation) is False
    assert cache.save(KEY, new, owner=OWNER)
    assert cache.load(KEY) == new


@pytest.mark.parametrize(
    "error", [KeyError, OSError, RuntimeError, NotImplementedError, keyring.errors.PasswordDeleteError]
)
@pytest.mark.parametrize("works", [True, False])
def test_a_delete_that_raises_counts_by_whether_the_entry_is_still_there(
    error: type[Exception], works: bool, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(service: str, username: str) -> None:
        if works:
            backend.entries.pop((service, username), None)
        raise error("a secret")

    backend = MemoryKeyring()
    cache = use(backend)
    assert cache.save(KEY, record("x" * 3000), owner=OWNER)
    monkeypatch.setattr(backend, "delete_password", delete)
    assert cache.evict(KEY) is works
    assert cache.forget(OWNER) is works
    assert (backend.entries == {}) is works


def test_of_several_entries_of_one_name_all_are_removed(use: Use) -> None:
    class Doubling(MemoryKeyring):
        """As after a race of two writers: it deletes one entry at a time."""

        def delete_password(self, service: str, username: str) -> None:
            if doubles.get(service, 0):
                doubles[service] -= 1
            else:
                super().delete_password(service, username)

    doubles = {KEY.service: 1}
    cache = use(Doubling())
    assert cache.save(KEY, record(), owner=OWNER)
    assert cache.evict(KEY) is True
    assert cache.load(KEY) is None


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
    cache, old = use(backend), record("old")
    assert cache.save(KEY, old, owner=OWNER)
    backend.full = why == "full"
    new = record("new" if backend.full else "x" * 200_000)
    assert cache.save(KEY, new, owner=OWNER, expected=old.generation) is False
    assert not stored(backend)
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
    assert stored(backend)
    backend.full = backend.read_only = False
    assert cache.load(KEY) is None
    assert not stored(backend)


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


def test_failures_are_remembered_for_so_many_keys_at_most(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.cache.keyring.MOST", 5)
    cache = use(FailingKeyring(RuntimeError()))
    for number in range(20):
        assert cache.evict(Key(OWNER, f"prov-{number}")) is False
    assert len(cache._owed) == 5
