"""The entries of siperb 0.1.0, of which helpers/entries_of_0_1_0.json has two accounts: not read, and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from backends import MemoryKeyring
from cache_contract import KEY, ORIGIN, OWNER, record
from cache_helpers import Use
from entry_world import CrashError, World

from siperb.cache import older

pytest_plugins = ["cache_fixtures"]

ENTRIES: dict[str, str] = json.loads((Path(__file__).parents[1] / "helpers" / "entries_of_0_1_0.json").read_text())


def test_a_logout_at_the_address_removes_them_and_nothing_else(use: Use) -> None:
    backend = MemoryKeyring()
    backend.entries.update({(name, "siperb"): text for name, text in ENTRIES.items()})
    cache = use(backend)
    assert cache.load(KEY) is None
    assert cache.accounts(ORIGIN) == []
    new = record("new")
    assert cache.save(KEY, new, owner=OWNER)
    assert cache.forget_older("https://other.example") is True
    assert {name for name, _ in backend.entries} > set(ENTRIES)
    assert cache.forget_older(ORIGIN) is True
    assert not any(name.startswith("siperb/1/") for name, _ in backend.entries)
    assert cache.load(KEY) == new


def test_where_there_are_none_hardly_anything_is_asked() -> None:
    world = World()
    assert older.forget(world, ORIGIN) is True
    assert len(world.operations) == 4  # for the index of all accounts, and for what may be left of it


def test_a_second_try_finds_what_is_left_after_a_crash() -> None:
    for operations in range(200):
        world = World(ENTRIES).crashing(operations)
        try:
            older.forget(world, ORIGIN)
        except CrashError:
            assert older.forget(world.crashing(1000), ORIGIN) is True
            assert world == {}
        else:
            assert world == {}
            break
    else:
        pytest.fail("it came to no end")


def test_one_that_cannot_be_removed_is_told_and_stays_named() -> None:
    world = World(ENTRIES)
    kept = next(name for name in world if "/prov-" in name)
    world.undeletable.add(kept)
    assert older.forget(world, ORIGIN) is False
    world.undeletable.clear()
    assert older.forget(world, ORIGIN) is True
    assert world == {}


@pytest.mark.parametrize(
    "text", ["?", "[]", "7", '{"d": 7}', '{"s": "a", "n": "x"}', '{"s": "a", "n": 2}', '{"d": "[[1,2]]"}']
)
def test_an_index_of_nonsense_is_removed(text: str) -> None:
    world = World({name: text if name.endswith("/accounts") else value for name, value in ENTRIES.items()})
    assert older.forget(world, ORIGIN) is True
    assert not any(name.endswith("/accounts") for name in world)
