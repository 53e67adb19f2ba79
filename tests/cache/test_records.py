"""The text of records: any payload, any limit of an entry, any nonsense in an entry."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from entry_world import KEY, LIMIT, OWNER, World, record, save, under
from hypothesis import given
from hypothesis import strategies as st

from siperb.cache import entries
from siperb.cache.records import MAX_ENTRIES, Key, Record, decode, encode, read_head
from siperb.errors import CacheError

payloads = st.text(st.characters(codec=None), max_size=3000)
limits = st.integers(LIMIT, 5000)


# Text


@given(payloads, limits)
def test_any_payload_comes_back_whatever_the_limit_of_an_entry(payload: str, limit: int) -> None:
    world = World(limit=limit)
    assert save(world, record(payload))
    assert entries.load(world, KEY) == record(json.loads(json.dumps(payload)))  # a pair of surrogates is one character


@given(payloads, limits)
def test_entries_are_ascii_within_the_limit_under_plain_names(payload: str, limit: int) -> None:
    world = World(limit=limit)
    save(world, record(payload))
    assert all(text.isascii() and len(text) <= limit for text in world.values())
    assert all(re.fullmatch(r"siperb/2/[0-9a-f]{20}/[0-9a-z-]+(/\d+)?", service) for service in world)


def test_a_lone_surrogate_survives() -> None:
    world = World()
    save(world, record("\ud83d half a telephone"))
    assert entries.load(world, KEY) == record("\ud83d half a telephone")


def test_a_record_that_fits_is_one_entry_and_one_get() -> None:
    world = World()
    save(world, record("{}"))
    assert under(world) == [KEY.service]
    world.operations.clear()
    assert entries.load(world, KEY)
    assert world.operations == [f"get {KEY.service}"]


def test_the_first_line_is_laid_out_as_other_versions_expect() -> None:
    whole, *none = encode(Record("{}", 1.5, 9.0, "00ff00ff00ff00ff"), KEY, OWNER, 1000)
    assert none == []
    line, text = whole.split("\n")
    said = json.loads(line)
    assert len(said.pop("sha")) == 64
    assert said == {"k": f"{KEY.scope}/{KEY.kind}", "o": OWNER, "g": "00ff00ff00ff00ff", "at": 1.5, "exp": 9.0, "n": 1}
    assert text == '"{}"'
    first, *rest = encode(Record("x" * 900, 1.5, None, "00ff00ff00ff00ff"), KEY, OWNER, 500)
    assert json.loads(first.split("\n")[0])["n"] == 1 + len(rest)
    assert {len(entry) for entry in [first, *rest[:-1]]} <= {498, 499, 500}


def test_a_record_too_large_for_any_deadline_is_refused_before_anything_is_written() -> None:
    encode(record("x" * 37_000), KEY, OWNER, LIMIT)
    with pytest.raises(CacheError, match="40,002 characters"):
        encode(record("x" * LIMIT * MAX_ENTRIES), KEY, OWNER, LIMIT)


@pytest.mark.parametrize(
    ("scope", "kind"), [("A" * 20, "prov"), ("0" * 19, "prov"), ("0" * 20, "a\0"), ("0" * 20, "A")]
)
def test_a_key_with_an_odd_name_cannot_be_made(scope: str, kind: str) -> None:
    with pytest.raises(ValueError, match="must match regex"):
        Key(scope, kind)


# What may stand in an entry


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), lambda x: st.lists(x)).map(json.dumps))
def test_a_first_entry_that_is_none_is_a_miss_and_can_be_replaced(text: str) -> None:
    world = World({KEY.service: text})
    assert entries.load(world, KEY) is None
    assert save(world, record("new"))
    assert entries.load(world, KEY) == record("new")


@given(
    st.dictionaries(
        st.sampled_from(["k", "o", "g", "at", "exp", "sha", "n"]), st.none() | st.integers() | st.text(), min_size=1
    )
)
def test_a_line_with_any_field_changed_is_no_record_and_no_error(changes: dict[str, Any]) -> None:
    whole, *rest = encode(record("x" * 900), KEY, OWNER, LIMIT)
    line, text = whole.split("\n")
    changed = {**json.loads(line), **changes}
    found = decode([f"{json.dumps(changed)}\n{text}", *rest], KEY)
    assert found is None or changed == json.loads(line)


@pytest.mark.parametrize("entries", [0, -1, MAX_ENTRIES + 1, 10**9, "1", None, 1.0])
def test_an_impossible_number_of_entries_is_no_record(entries: object) -> None:
    line = encode(record("x" * 900), KEY, OWNER, LIMIT)[0].split("\n")[0]
    assert read_head(line, KEY)
    assert read_head(json.dumps({**json.loads(line), "n": entries}), KEY) is None


@pytest.mark.parametrize("text", ["[" * 100_000, '{"n":1' + "0" * 5000 + "}", "\0", "", None])
def test_a_hostile_entry_is_no_record(text: str | None) -> None:
    assert read_head(text, KEY) is None
    assert decode([text], KEY) is None


def test_a_record_of_another_key_is_not_taken() -> None:
    world = World()
    save(world, record("secret"))
    other = Key(KEY.scope, "devices")
    world[other.service] = world[KEY.service]
    assert entries.load(world, other) is None


@pytest.mark.parametrize("damage", ["cut", "swapped", "missing", "of another record"])
def test_a_damaged_entry_is_a_miss(damage: str) -> None:
    world, other = World(), World()
    save(world, record("".join(map(str, range(500)))))
    save(other, record("".join(map(str, range(500, 1000)))))
    name, text = KEY.entry(1), world[KEY.entry(1)]
    if damage == "missing":
        del world[name]
    else:
        world[name] = {"cut": text[:-1], "swapped": text[:-2] + text[:-3:-1], "of another record": other[name]}[damage]
    assert entries.load(world, KEY) is None


def test_a_record_does_not_show_what_it_holds() -> None:
    assert "secret" not in repr(record("secret"))
