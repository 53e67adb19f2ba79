"""Records among entries: any crash and any interleaving, without a keyring and without a thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from effort import examples
from entry_world import KEY, LIMIT, OWNER, World, finish, load, perform, record, run, save, under
from hypothesis import given, settings
from hypothesis import strategies as st

from siperb.cache import entries
from siperb.cache.entries import Delete, Deleted, Get, Set, Steps
from siperb.cache.records import Key, Record, encode

payloads = st.text(st.characters(codec=None), max_size=3000)
limits = st.integers(LIMIT, 5000)

# Replacing and removing


SIZES = [10, 1000, 5000]  # one entry, a few parts, many


@pytest.mark.parametrize("torn", [None, *SIZES])
@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("new", SIZES[1:])
def test_replacing_leaves_nothing_of_the_old_record_nor_of_a_torn_one(torn: int | None, old: int, new: int) -> None:
    world: World = {}
    save(world, record("o" * old, 1))
    if torn:
        steps = entries.save(KEY, record("t" * torn, 2), owner=OWNER, expected=None, limit=LIMIT)
        parts = len(encode(record("t" * torn), KEY, limit=LIMIT, slot="a")[1])
        run(world, steps, operations=2 + parts)
    save(world, record("n" * new, 3))
    assert len(under(world, KEY)) == 1 + len(encode(record("n" * new), KEY, limit=LIMIT, slot="a")[1])


def test_a_reader_overtaken_by_a_writer_reads_again() -> None:
    world: World = {}
    save(world, record("o" * 1000, 1))
    reader = entries.load(KEY)
    part = reader.send(perform(world, next(reader)))
    save(world, record("n" * 1000, 2))
    assert finish(world, reader, part) == record("n" * 1000, 2)


def test_a_save_that_expects_another_generation_is_dropped() -> None:
    world: World = {}
    save(world, record("one", 1))
    assert save(world, record("three", 3), expected=record("two", 2).generation) is False
    assert load(world) == record("one", 1)
    assert save(world, record("two", 2), expected=record("one", 1).generation) is True
    assert load(world) == record("two", 2)


def test_a_slow_refresh_does_not_bring_back_what_was_evicted() -> None:
    world: World = {}
    save(world, record("one", 1))
    run(world, entries.evict(KEY))
    assert save(world, record("two", 2), expected=record("one", 1).generation) is False
    assert load(world) is None


def test_an_eviction_during_the_parts_of_a_refresh_wins() -> None:
    world: World = {}
    save(world, record("one", 1))
    refresh = entries.save(KEY, record("x" * 2000, 2), owner=OWNER, expected=record("", 1).generation, limit=LIMIT)
    operation = next(refresh)
    while not isinstance(operation, Set):
        operation = refresh.send(perform(world, operation))
    run(world, entries.evict(KEY))
    assert finish(world, refresh, operation) is False
    assert load(world) is None


@settings(deadline=None)
@given(payloads, limits)
def test_evicting_leaves_nothing(payload: str, limit: int) -> None:
    world: World = {}
    save(world, record(payload), limit=limit)
    assert run(world, entries.evict(KEY)) is True
    assert under(world, KEY) == []


def test_evicting_nothing_is_success() -> None:
    assert run({}, entries.evict(KEY)) is True


# A crash after any single operation


def crashes(world: World, steps: Callable[[], Steps[Any]]) -> list[World]:
    """The worlds that a crash after each operation leaves."""
    complete, worlds = dict(world), [dict(world)]
    run(complete, steps())
    while worlds[-1] != complete or len(worlds) < 2:
        worlds.append(dict(world))
        run(worlds[-1], steps(), operations=len(worlds) - 1)
        assert len(worlds) < 200
    return worlds


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("new", SIZES)
def test_a_crash_while_saving_leaves_the_old_or_the_new_record(old: int, new: int) -> None:
    before: World = {}
    save(before, record("o" * old, 1))
    second = entries.save
    worlds = crashes(before, lambda: second(KEY, record("n" * new, 2), owner=OWNER, expected=None, limit=LIMIT))
    results = [load(world) for world in worlds]
    switch = results.index(record("n" * new, 2))
    assert results == [record("o" * old, 1)] * switch + [record("n" * new, 2)] * (len(results) - switch)
    for world in worlds:  # and what it left behind is found
        assert run(world, entries.evict(KEY)) is True
        assert under(world, KEY) == []


@pytest.mark.parametrize("size", SIZES)
def test_a_crash_while_evicting_leaves_nothing_that_a_second_eviction_would_not_find(size: int) -> None:
    before: World = {}
    save(before, record("x" * size))
    worlds = crashes(before, lambda: entries.evict(KEY))
    assert {load(world) for world in worlds} == {record("x" * size), None}
    for world in worlds:
        assert run(world, entries.evict(KEY)) is True
        assert under(world, KEY) == []


def test_whenever_a_save_crashes_the_index_names_what_is_there() -> None:
    worlds = crashes({}, lambda: entries.save(KEY, record("x" * 1000), owner=OWNER, expected=None, limit=LIMIT))
    for world in worlds:
        assert not under(world, KEY) or run(world, entries.stored(OWNER)) == [KEY]
        assert run(world, entries.forget(OWNER, limit=LIMIT)) == []
        assert world == {}


# Any interleaving of any number of processes, without a lock

texts = st.sampled_from([10, 900, 3000])


@settings(max_examples=examples(400), deadline=None)
@given(
    st.lists(texts, min_size=2, max_size=3),
    st.lists(st.integers(0, 5), max_size=120),
    st.booleans(),
    st.lists(st.integers(0, 5), max_size=3),
)
def test_a_reader_among_writers_and_an_evictor_never_sees_a_mixture(
    sizes: list[int], schedule: list[int], evicting: bool, crashing: list[int]
) -> None:
    written = [record(str(number) * size, number) for number, size in enumerate([*sizes, 500], start=1)]
    world: World = {}
    save(world, written[-1])
    seen: list[Record | None] = []

    def reader() -> Steps[None]:
        for _ in range(3):
            seen.append((yield from entries.load(KEY)))

    processes: list[Steps[Any]] = [
        entries.save(KEY, value, owner=OWNER, expected=None, limit=LIMIT) for value in written[:-1]
    ]
    processes += [reader(), reader()] + ([entries.evict(KEY)] if evicting else [])
    interleave(world, processes, schedule, crashing)
    seen.append(load(world))
    assert all(value is None or value in written for value in seen)


def interleave(world: World, processes: list[Steps[Any]], schedule: list[int], crashing: list[int]) -> None:
    """Let the processes take steps in the order of `schedule`; then the `crashing` ones end, the others finish."""
    waiting = {number: next(steps) for number, steps in enumerate(processes)}

    def step(number: int) -> None:
        try:
            waiting[number] = processes[number].send(perform(world, waiting[number]))
        except StopIteration:
            del waiting[number]

    for number in schedule:
        if number in waiting:
            step(number)
    for number in list(waiting):
        while number in waiting and number not in crashing:
            step(number)


# The index


def test_forgetting_an_owner_removes_records_of_every_scope_and_the_index() -> None:
    world: World = {}
    session = Key.of("https://api.example", "a PAT", "session", "SiperbLogin")
    save(world, record("one"), key=session)
    save(world, record("x" * 2000), key=KEY)
    other = Key(KEY.scope, "devices")
    run(world, entries.save(other, record("theirs"), owner="f" * 20, expected=None, limit=LIMIT))
    assert run(world, entries.stored(OWNER)) == [session, KEY]
    assert run(world, entries.forget(OWNER, limit=LIMIT)) == []
    assert load(world, other) == record("theirs")
    assert run(world, entries.forget("f" * 20, limit=LIMIT)) == []
    assert world == {}


# The accounts


def test_every_owner_at_an_origin_is_found_until_it_is_forgotten() -> None:
    world: World = {}
    here, there = "https://api.example", "https://other.example"
    owners = [Key.scope_of(here, user) for user in ("one", "two", "three")]
    for origin, user in ((here, "one"), (there, "one"), (here, "two"), (here, "three")):
        key, owner = Key.of(origin, user, "devices"), Key.scope_of(origin, user)
        run(world, entries.save(key, record("[]"), owner=owner, expected=None, limit=LIMIT))
    assert run(world, entries.accounts(here)) == owners
    assert run(world, entries.accounts(there)) == [Key.scope_of(there, "one")]
    assert run(world, entries.forget(owners[1], limit=LIMIT)) == []
    assert run(world, entries.accounts(here)) == [owners[0], owners[2]]
    for owner in (owners[0], owners[2], Key.scope_of(there, "one")):
        assert run(world, entries.forget(owner, limit=LIMIT)) == []
    assert world == {}


def test_whenever_a_first_save_crashes_its_owner_is_found() -> None:
    worlds = crashes({}, lambda: entries.save(KEY, record("x" * 1000), owner=OWNER, expected=None, limit=LIMIT))
    for world in worlds:
        assert not under(world, KEY) or run(world, entries.accounts("https://api.example")) == [OWNER]
        assert not run(world, entries.stored(OWNER)) or run(world, entries.accounts("https://api.example")) == [OWNER]


def test_whenever_a_logout_crashes_what_is_left_is_found() -> None:
    full: World = {}
    for number in range(3):
        save(full, record("x" * 1000, number), key=Key.of("https://api.example", "user", "prov", str(number)))
    for world in crashes(full, lambda: entries.forget(OWNER, limit=LIMIT)):
        for owner in run(world, entries.accounts("https://api.example")) or []:
            assert run(world, entries.forget(owner, limit=LIMIT)) == []
        assert world == {}


def test_a_large_index_is_a_record_in_parts() -> None:
    world: World = {}
    keys = [Key.of("https://api.example", "user", "prov", str(number)) for number in range(60)]
    for number, key in enumerate(keys):
        save(world, record("{}", number), key=key)
    assert entries.index_key(OWNER).part("a", 1) in world or entries.index_key(OWNER).part("b", 1) in world
    assert run(world, entries.stored(OWNER)) == keys
    assert run(world, entries.forget(OWNER, limit=LIMIT)) == []
    assert world == {}


def test_saving_again_writes_the_index_once() -> None:
    world: World = {}
    save(world, record("one", 1))
    steps = entries.save(KEY, record("two", 2), owner=OWNER, expected=None, limit=LIMIT)
    operations = [next(steps)]
    while True:
        try:
            operations.append(steps.send(perform(world, operations[-1])))
        except StopIteration:
            break
    assert operations[:2] == [Get(entries.index_key(OWNER).service), Get(KEY.service)]
    assert [type(operation) for operation in operations[2:]] == [Set]


def test_names_of_records_that_vanished_are_tolerated() -> None:
    world: World = {}
    save(world, record("one"))
    del world[KEY.service]
    assert run(world, entries.forget(OWNER, limit=LIMIT)) == []


@pytest.mark.parametrize("payload", ["[]", "{}", "null", '[["0"]]', '[["0","1","2"]]', "[[1,2]]", "7"])
def test_an_index_of_nonsense_names_nothing(payload: str) -> None:
    world: World = {}
    save(world, record(payload), key=entries.index_key(OWNER))
    assert run(world, entries.stored(OWNER)) == []


def test_an_index_that_cannot_be_read_is_kept_and_forgetting_fails() -> None:
    world = {entries.index_key(OWNER).service: "?"}
    assert run(world, entries.forget(OWNER, limit=LIMIT)) == [entries.index_key(OWNER)]


def test_nothing_is_saved_that_the_index_of_a_newer_version_would_not_name() -> None:
    world = {entries.index_key(OWNER).service: json.dumps({"v": 2})}
    assert save(world, record("x")) is False
    assert under(world, KEY) == []


def test_without_a_lock_an_index_changed_meanwhile_is_read_again() -> None:
    world: World = {}
    other = Key(KEY.scope, "devices")
    first = entries.save(KEY, record("one", 1), owner=OWNER, expected=None, limit=LIMIT)
    operation = next(first)
    index_reads = 0
    while index_reads < 2:  # just before the index is read for the last time
        operation = first.send(perform(world, operation))
        index_reads += operation == Get(entries.index_key(OWNER).service)
    save(world, record("two", 2), key=other)
    assert finish(world, first, operation) is True
    assert set(run(world, entries.stored(OWNER)) or []) == {KEY, other}


def test_a_part_that_cannot_be_removed_makes_an_eviction_uncertain() -> None:
    world: World = {}
    save(world, record("x" * 2000))
    steps = entries.evict(KEY)
    operation: entries.Operation = next(steps)
    gone: bool | None = None
    while gone is None:
        kept = operation == Delete(KEY.part("a", 1))
        try:
            operation = steps.send(Deleted.KEPT if kept else perform(world, operation))
        except StopIteration as stop:
            gone = stop.value
    assert gone is False
    assert under(world, KEY) == [KEY.part("a", 1)]
