"""Records among entries: any crash, and any other process in between, without a keyring and without a thread."""

from __future__ import annotations

import pytest
from effort import examples
from entry_world import KEY, LIMIT, ORIGIN, OWNER, World, count, crashed, crashes, record, save, under
from hypothesis import given, settings
from hypothesis import strategies as st

from siperb.cache import entries
from siperb.cache.records import Key, Record

payloads = st.text(st.characters(codec=None), max_size=3000)
limits = st.integers(LIMIT, 5000)
SIZES = [10, 1000, 5000]  # one entry, a few, many
OTHER = Key(KEY.scope, "devices")

# Replacing and removing


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("new", SIZES)
def test_replacing_leaves_nothing_of_the_old_record(old: int, new: int) -> None:
    world, latest = World(), record("n" * new, 2)
    save(world, record("o" * old, 1))
    save(world, latest)
    assert entries.load(world, KEY) == latest
    assert len(under(world)) == count(latest)


def test_a_save_that_expects_another_generation_is_dropped() -> None:
    world = World()
    save(world, record("one", 1))
    assert save(world, record("three", 3), expected=record("two", 2).generation) is False
    assert entries.load(world, KEY) == record("one", 1)
    assert save(world, record("two", 2), expected=record("one", 1).generation) is True
    assert entries.load(world, KEY) == record("two", 2)


def test_a_slow_refresh_does_not_bring_back_what_was_evicted() -> None:
    world = World()
    save(world, record("one", 1))
    entries.evict(world, KEY)
    assert save(world, record("two", 2), expected=record("one", 1).generation) is False
    assert entries.load(world, KEY) is None


@given(payloads, limits)
def test_evicting_leaves_nothing(payload: str, limit: int) -> None:
    world = World(limit=limit)
    save(world, record(payload))
    assert entries.evict(world, KEY) is True
    assert under(world) == []


def test_evicting_nothing_is_success() -> None:
    assert entries.evict(World(), KEY) is True


def test_an_entry_that_cannot_be_removed_makes_an_eviction_uncertain_and_keeps_its_name() -> None:
    world = World()
    save(world, record("x" * 2000))
    world.undeletable.add(KEY.entry(1))
    assert entries.evict(world, KEY) is False
    assert under(world) == [KEY.entry(1)]
    assert entries.forget(world, OWNER) == [KEY]
    world.undeletable.clear()
    assert entries.forget(world, OWNER) == []
    assert world == {}


# A crash after any single operation


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("new", SIZES)
def test_a_crash_while_saving_leaves_the_old_record_the_new_one_or_none(old: int, new: int) -> None:
    before, first, second = World(), record("o" * old, 1), record("n" * new, 2)
    save(before, first)
    for world in crashes(before, lambda world: save(world, second)):
        assert entries.load(world, KEY) in (first, second, None)
        assert entries.forget(world, OWNER) == []
        assert world == {}
    assert entries.load(before, KEY) == first


@pytest.mark.parametrize("size", SIZES)
def test_a_crash_while_evicting_leaves_nothing_that_a_second_eviction_would_not_find(size: int) -> None:
    before = World()
    save(before, record("x" * size))
    worlds = crashes(before, lambda world: entries.evict(world, KEY))
    assert {entries.load(world, KEY) for world in worlds} == {record("x" * size), None}
    for world in worlds:
        assert entries.evict(world, KEY) is True
        assert under(world) == []


def test_whenever_a_first_save_crashes_it_is_named_and_its_owner_is_found() -> None:
    for world in crashes(World(), lambda world: save(world, record("x" * 1000))):
        if under(world):
            assert entries.stored(world, OWNER) == [KEY]
            assert entries.accounts(world, ORIGIN) == [OWNER]
        assert entries.forget(world, OWNER) == []
        assert world == {}


def test_whenever_a_logout_crashes_the_next_one_finds_the_rest() -> None:
    full = World()
    for number in range(3):
        save(full, record("x" * 1000, number), key=Key.of(ORIGIN, "user", "prov", str(number)))
    for world in crashes(full, lambda world: entries.forget(world, OWNER)):
        for owner in entries.accounts(world, ORIGIN):
            assert entries.forget(world, owner) == []
        assert world == {}


works = st.tuples(st.sampled_from([*SIZES, 2500, 0]), st.integers(0, 40))  # a size, or 0 to evict; when to crash


@settings(max_examples=examples(400))
@given(st.lists(works, max_size=8))
def test_after_any_number_of_crashes_no_mixture_is_read_and_a_logout_leaves_nothing(
    steps: list[tuple[int, int]],
) -> None:
    world, written = World(), [record(str(number) * size, number) for number, (size, _) in enumerate(steps)]
    for value, (size, operations) in zip(written, steps, strict=True):
        crashed(world, operations, lambda world, value=value, size=size: _save_or_evict(world, value, size))
        assert entries.load(world, KEY) in (None, *written)
    assert entries.forget(world, OWNER) == []
    assert world == {}


def _save_or_evict(world: World, value: Record, size: int) -> None:
    if size:
        save(world, value)
    else:
        entries.evict(world, KEY)


# Where there is no lock another process comes between any two operations


@settings(max_examples=examples(400))
@given(st.sampled_from(SIZES), st.sampled_from([*SIZES, 0]), st.integers(0, 20))
def test_a_reader_overtaken_by_a_writer_sees_no_mixture(old: int, new: int, after: int) -> None:
    world, first, second = World(), record("o" * old, 1), record("n" * new, 2)
    save(world, first)
    world.operations.clear()

    def between() -> None:
        if len(world.operations) == after + 1:
            _save_or_evict(world, second, new)

    world.between = between
    assert entries.load(world, KEY) in (first, second, None)


@pytest.mark.parametrize("is_alone", [False, True])
def test_a_name_that_another_process_overwrote_is_written_again_unless_there_is_a_lock(is_alone: bool) -> None:
    world, other = World(), World()
    save(other, record("two", 2), key=OTHER)  # as of a process that read the index before we wrote to it

    def overwrite() -> None:
        if world.operations[-1] == f"set {KEY.service}":
            world.update(other)

    world.between, world.is_alone = overwrite, is_alone
    save(world, record("one", 1))
    assert entries.stored(world, OWNER) == ([OTHER] if is_alone else [OTHER, KEY])


# The index


def test_forgetting_an_owner_removes_records_of_every_scope_and_their_names() -> None:
    world, theirs = World(), "f" * 20
    session = Key.of(ORIGIN, "a PAT", "session", "SiperbLogin")
    save(world, record("one"), key=session)
    save(world, record("x" * 2000))
    save(world, record("theirs"), key=OTHER, owner=theirs)
    assert entries.stored(world, OWNER) == [session, KEY]
    assert entries.forget(world, OWNER) == []
    assert entries.load(world, OTHER) == record("theirs")
    assert entries.forget(world, theirs) == []
    assert world == {}


def test_a_record_has_one_owner_the_last_one() -> None:
    world, other = World(), Key.scope_of(ORIGIN, "other")
    save(world, record("one"))
    save(world, record("two"), owner=other)
    assert (entries.stored(world, OWNER), entries.stored(world, other)) == ([], [KEY])
    assert entries.forget(world, OWNER) == []
    assert entries.load(world, KEY) == record("two")


def test_every_owner_at_an_origin_is_found_until_it_is_forgotten() -> None:
    world, there = World(), "https://other.example"
    owners = [Key.scope_of(ORIGIN, user) for user in ("one", "two", "three")]
    for origin, user in ((ORIGIN, "one"), (there, "one"), (ORIGIN, "two"), (ORIGIN, "three")):
        save(world, record("[]"), key=Key.of(origin, user, "devices"), owner=Key.scope_of(origin, user))
    assert entries.accounts(world, ORIGIN) == owners
    assert entries.accounts(world, there) == [Key.scope_of(there, "one")]
    assert entries.forget(world, owners[1]) == []
    assert entries.accounts(world, ORIGIN) == [owners[0], owners[2]]
    for owner in (owners[0], owners[2], Key.scope_of(there, "one")):
        assert entries.forget(world, owner) == []
    assert world == {}


def test_a_large_index_stands_in_several_entries() -> None:
    world = World()
    keys = [Key.of(ORIGIN, "user", "prov", str(number)) for number in range(60)]
    for number, key in enumerate(keys):
        save(world, record("{}", number), key=key)
    assert sum("/index" in name for name in world) > 10
    assert all(len(text) <= LIMIT for text in world.values())
    assert entries.stored(world, OWNER) == keys
    assert entries.forget(world, OWNER) == []
    assert world == {}


def test_saving_again_reads_the_first_entry_and_writes_it() -> None:
    world = World()
    save(world, record("one", 1))
    world.operations.clear()
    save(world, record("two", 2))
    assert world.operations == [f"get {KEY.service}", f"set {KEY.service}"]


def test_names_of_records_that_vanished_are_tolerated() -> None:
    world = World()
    save(world, record("one"))
    del world[KEY.service]
    assert entries.forget(world, OWNER) == []
    assert world == {}


INDEX = Key(Key.origin_of(OWNER), "index")


@pytest.mark.parametrize("text", ["?", "{}", "null", '[["0"]]', '[["0","1","2"]]', "[[1,2]]", "7", '[["a","b/C"]]'])
def test_an_index_of_nonsense_names_nothing_and_a_logout_is_not_sure_but_removes_it(text: str) -> None:
    world = World({INDEX.service: text})
    assert entries.stored(world, OWNER) == entries.accounts(world, ORIGIN) == []
    assert save(world, record("new"))
    assert entries.stored(world, OWNER) == [KEY]
    assert entries.forget(world, OWNER) != [] or text == "{}"
    assert entries.forget(world, OWNER) == []
    assert world == {}
