"""The text of records: any payload, any limit of an entry, any nonsense in an entry."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from entry_world import KEY, LIMIT, World, load, record, run, save, under
from hypothesis import given, settings
from hypothesis import strategies as st

from siperb.cache import entries
from siperb.cache.entries import Get, Set
from siperb.cache.records import MAX_PARTS, Key, Record, RecordTooLargeError, Unread, encode, read_head

payloads = st.text(st.characters(codec=None), max_size=3000)
limits = st.integers(LIMIT, 5000)


# Text


@settings(deadline=None)
@given(payloads, limits)
def test_any_payload_comes_back_whatever_the_limit_of_an_entry(payload: str, limit: int) -> None:
    world: World = {}
    assert save(world, record(payload), limit=limit)
    assert load(world) == record(json.loads(json.dumps(payload)))  # a pair of surrogates is one character


@settings(deadline=None)
@given(payloads, limits)
def test_entries_are_ascii_within_the_limit_under_plain_names(payload: str, limit: int) -> None:
    world: World = {}
    save(world, record(payload), limit=limit)
    assert all(text.isascii() and len(text) <= limit for text in world.values())
    assert all(re.fullmatch(r"siperb/1/[0-9a-f]{20}/[0-9a-z-]+(/[ab]\d+)?", service) for service in world)


def test_a_lone_surrogate_survives() -> None:
    world: World = {}
    save(world, record("\ud83d half a telephone"))
    assert load(world) == record("\ud83d half a telephone")


def test_a_record_that_fits_is_one_entry_and_one_get() -> None:
    world: World = {}
    save(world, record("{}"))
    assert under(world, KEY) == [KEY.service]
    steps = entries.load(KEY)
    assert next(steps) == Get(KEY.service)
    with pytest.raises(StopIteration):
        steps.send(world[KEY.service])


def test_the_head_is_laid_out_as_other_versions_expect() -> None:
    whole, _ = encode(Record("{}", 1.5, 9.0, "00ff00ff00ff00ff"), KEY, limit=1000, slot="a")
    head = json.loads(whole)
    assert len(head.pop("sha")) == 64
    about = {"v": 1, "k": f"{KEY.scope}/{KEY.kind}", "g": "00ff00ff00ff00ff", "at": 1.5, "exp": 9.0, "len": 4}
    assert head == {**about, "d": "{}"}
    text, parts = encode(Record("x" * 900, 1.5, None, "00ff00ff00ff00ff"), KEY, limit=500, slot="b")
    manifest = json.loads(text)
    assert "d" not in manifest
    assert (manifest["s"], manifest["n"]) == ("b", len(parts))
    assert parts[1].startswith("00ff00ff00ff00ff:1:2:xxx")


def test_a_record_too_large_for_any_deadline_is_refused_before_anything_is_written() -> None:
    encode(record("x" * 37_000), KEY, limit=LIMIT, slot="a")
    with pytest.raises(RecordTooLargeError):
        encode(record("x" * LIMIT * MAX_PARTS), KEY, limit=LIMIT, slot="a")


@pytest.mark.parametrize(
    ("scope", "kind"), [("A" * 20, "prov"), ("0" * 19, "prov"), ("0" * 20, "a\0"), ("0" * 20, "A")]
)
def test_a_key_with_an_odd_name_cannot_be_made(scope: str, kind: str) -> None:
    with pytest.raises(ValueError, match="must match regex"):
        Key(scope, kind)


# What may stand in an entry


@settings(deadline=None)
@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), lambda x: st.lists(x)).map(json.dumps))
def test_a_head_that_is_none_is_a_miss_and_can_be_replaced(text: str) -> None:
    world = {KEY.service: text}
    assert load(world) is None
    assert save(world, record("new"))
    assert load(world) == record("new")


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["v", "k", "g", "at", "exp", "len", "sha", "d", "s", "n"]),
        st.none() | st.integers() | st.text(),
    )
)
def test_a_head_with_any_field_changed_is_never_an_error(changes: dict[str, Any]) -> None:
    world: World = {}
    save(world, record("x" * 900))
    world[KEY.service] = json.dumps({**json.loads(world[KEY.service]), **changes})
    found = load(world)
    assert found is None or found.payload == "x" * 900


@pytest.mark.parametrize("parts", [0, -1, MAX_PARTS + 1, 10**9, "1"])
def test_a_manifest_of_an_impossible_number_of_parts_is_broken(parts: object) -> None:
    text, _ = encode(record("x" * 900), KEY, limit=LIMIT, slot="a")
    assert read_head(json.dumps({**json.loads(text), "n": parts}), KEY) is Unread.BROKEN


@pytest.mark.parametrize("text", ["[" * 100_000, '{"v":1' + "0" * 5000 + "}", "\0", ""])
def test_a_hostile_head_is_broken(text: str) -> None:
    assert read_head(text, KEY) is Unread.BROKEN


def test_a_record_of_another_key_is_not_taken() -> None:
    world: World = {}
    save(world, record("secret"))
    other = Key(KEY.scope, "devices")
    world[other.service] = world[KEY.service]
    assert load(world, other) is None


@pytest.mark.parametrize("damage", ["cut", "swapped", "missing", "other generation"])
def test_a_damaged_part_is_a_miss(damage: str) -> None:
    world: World = {}
    save(world, record("".join(map(str, range(500)))))
    part = KEY.part("a", 1)
    if damage == "missing":
        del world[part]
    else:
        text = world[part]
        world[part] = {"cut": text[:-1], "swapped": text[:-2] + text[:-3:-1], "other generation": "f" + text[1:]}[
            damage
        ]
    assert load(world) is None


def test_a_record_of_a_newer_version_is_neither_read_nor_replaced() -> None:
    newer = json.dumps({"v": 2, "anything": "else"})
    world = {KEY.service: newer}
    assert load(world) is None
    assert save(world, record("older")) is False
    assert world == {KEY.service: newer}


def test_a_record_of_a_newer_version_is_evicted_but_not_for_sure() -> None:
    world = {KEY.service: json.dumps({"v": 2})}
    assert run(world, entries.evict(KEY)) is False
    assert world == {}


def test_no_operation_shows_what_it_writes() -> None:
    assert "secret" not in repr(Set("name", "secret")) + repr(record("secret"))
