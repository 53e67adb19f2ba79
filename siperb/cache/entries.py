"""How a record is written to, read from and removed from a keyring, entry by entry.

Like the flows, these are generators: each YIELDS one operation on one entry and is SENT its answer. Whoever drives
them may stop after any operation, and others may work on the same entries between any two: a reader gets an old
record, a new one or none, never a mixture. For that

- a record in parts goes into the slot ("a" or "b") that its head does not use; writing the head is the commit;
- parts are written ascending and removed descending, so that what a crash leaves behind is found again from 0 on;
- an index names the records of an owner, and another one the owners at an API origin; each names before what it names
  is written: no keyring lists its entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator
from contextlib import suppress
from enum import Enum
from typing import TypeAlias, TypeVar

from attrs import frozen

from siperb.cache.records import Head, Key, Record, Unread, assemble, encode, read_head

TRIES = 3  # of reading a record that others write, of updating an index that others update


@frozen(repr=False)
class Get:
    """Answer the text of the entry, or None."""

    service: str


@frozen(repr=False)
class Set:
    """Create or replace the entry."""

    service: str
    text: str


@frozen(repr=False)
class Delete:
    """Remove the entry; answer `Deleted`."""

    service: str


class Deleted(Enum):
    """What became of an entry that was to be removed: it is gone, there was none, or it could not be removed."""

    GONE = "gone"
    NONE = "none"
    KEPT = "kept"


T = TypeVar("T")
Operation: TypeAlias = Get | Set | Delete
Answer: TypeAlias = str | Deleted | None
Steps: TypeAlias = Generator[Operation, Answer, T]


def load(key: Key) -> Steps[Record | None]:
    """The record under `key`. None when there is none, or none that this version can read."""
    found = yield from _find(key)
    return found if isinstance(found, Record) else None


def save(key: Key, record: Record, *, owner: str, expected: str | None, limit: int) -> Steps[bool]:
    """Name the record in the owner's index, then write it; `expected` as in `siperb.Cache.save`.

    False, and nothing is written, when another generation is stored, or one that a newer siperb wrote.
    """

    def may_replace(head: Head | Unread) -> bool:
        return head is not Unread.NEWER and (expected is None or _generation(head) == expected)

    index = index_key(owner)
    found = yield from _find(index)
    head = read_head((yield from _get(key.service)), key)
    if key not in _names(found) and may_replace(head):
        if found is Unread.ABSENT and not (yield from _name(index, accounts_key(owner), limit)):
            return False
        if not (yield from _name(key, index, limit)):
            return False
        head = read_head((yield from _get(key.service)), key)
    return may_replace(head) and (yield from _put(key, record, head, may_replace, limit))


def evict(key: Key) -> Steps[bool]:
    """Remove the record, and what torn writes left of it; whether it is gone.

    One that a newer siperb wrote goes too, for a logout must leave nothing that can be read; but it may have
    entries that this version does not know, so the answer is False.
    """
    head = read_head((yield from _get(key.service)), key)
    gone = yield from _delete(key.service)
    for slot in ("a", "b"):
        known = head.parts if isinstance(head, Head) and head.slot == slot else 0
        gone = (yield from _clear(key, slot, known)) and gone
    return gone and head is not Unread.NEWER


def forget(owner: str, *, limit: int) -> Steps[list[Key]]:
    """Remove all that the owner's index names, then the index and its name; the keys that are not gone for sure."""
    index = index_key(owner)
    found = yield from _find(index)
    if found is Unread.BROKEN or found is Unread.NEWER:
        return [index]
    kept: list[Key] = []
    for key in _names(found):
        gone = yield from evict(key)
        kept += [] if gone else [key]
    if kept:
        return kept
    if not (yield from evict(index)):
        return [index]
    accounts = accounts_key(owner)
    if not (yield from _name(index, accounts, limit, remove=True)):
        return [accounts]
    return []


def stored(owner: str) -> Steps[list[Key]]:
    """What the owner's index names: every record that is stored, and maybe some that were evicted."""
    return _names((yield from _find(index_key(owner))))


def accounts(origin: str) -> Steps[list[str]]:
    """The owners at an API origin that have an index."""
    return [index.scope for index in _names((yield from _find(accounts_key(Key.scope_of(origin, "")))))]


def round_trip(name: str) -> Steps[bool]:
    """Whether an entry of this name can be stored, read and removed; `name`: 20 hex digits."""
    key = Key(name, "check")
    yield Set(key.service, name)
    kept = (yield from _get(key.service)) == name
    return (yield from _delete(key.service)) and kept


def index_key(owner: str) -> Key:
    return Key(owner, "index")


def accounts_key(owner: str) -> Key:
    """Where the indexes of all owners at the same API origin are named."""
    return Key(Key.origin_of(owner), "accounts")


def _find(key: Key) -> Steps[Record | Unread]:
    for _ in range(TRIES):
        head = read_head((yield from _get(key.service)), key)
        if not isinstance(head, Head):
            return head
        parts: list[str | None] = []
        for index in range(head.parts):
            parts += [(yield from _get(key.part(head.slot or "a", index)))]
        record = assemble(head, parts)
        if record:
            return record
    return Unread.BROKEN


def _put(
    key: Key, record: Record, old: Head | Unread, may_replace: Callable[[Head | Unread], bool], limit: int
) -> Steps[bool]:
    old_slot, old_parts = (old.slot, old.parts) if isinstance(old, Head) else (None, 0)
    slot = "b" if old_slot == "a" else "a"
    text, parts = encode(record, key, limit=limit, slot=slot)
    for index, part in enumerate(parts):
        yield Set(key.part(slot, index), part)
    if parts and not may_replace(read_head((yield from _get(key.service)), key)):
        return False
    yield Set(key.service, text)
    if parts:
        yield from _clear(key, slot, len(parts), keep=len(parts))
    if old_slot:
        yield from _clear(key, old_slot, old_parts)
    return True


def _name(key: Key, index: Key, limit: int, *, remove: bool = False) -> Steps[bool]:
    """Have the index name the key, or not any more; whether it does. Others may be changing it."""
    for _ in range(TRIES):
        found = yield from _find(index)
        names = _names(found)
        if (key in names) is not remove:
            return True
        names = [name for name in names if name != key] if remove else [*names, key]
        if not names:
            return (yield from evict(index))
        seen = _generation(found)

        def is_unchanged(head: Head | Unread, seen: str | None = seen) -> bool:
            return head is not Unread.NEWER and _generation(head) == seen

        payload = json.dumps([[name.scope, name.kind] for name in names], separators=(",", ":"))
        entry = Record(payload, 0.0, None, hashlib.sha256(f"{payload} {seen}".encode()).hexdigest()[:16])
        head = read_head((yield from _get(index.service)), index)
        if is_unchanged(head) and (yield from _put(index, entry, head, is_unchanged, limit)):
            return True
    return False


def _names(found: Record | Unread) -> list[Key]:
    """The keys in an index."""
    names: list[Key] = []
    with suppress(RecursionError, TypeError, ValueError):
        said: list[list[str]] = json.loads(found.payload) if isinstance(found, Record) else []
        for scope, kind in said:
            names.append(Key(scope, kind))
    return names


def _generation(found: Head | Record | Unread) -> str | None:
    return None if isinstance(found, Unread) else found.generation


def _clear(key: Key, slot: str, known: int, *, keep: int = 0) -> Steps[bool]:
    """Remove the parts from `keep` on: those that are known of, and any that follow them."""
    count = known
    while (yield from _get(key.part(slot, count))) is not None:
        count += 1
    gone = True
    for index in reversed(range(keep, count)):
        gone = (yield from _delete(key.part(slot, index))) and gone
    return gone


def _get(service: str) -> Steps[str | None]:
    answer = yield Get(service)
    return answer if isinstance(answer, str) else None


def _delete(service: str) -> Steps[bool]:
    """Delete until there is none: a keyring may hold several entries of one name."""
    for _ in range(TRIES):
        answer = yield Delete(service)
        if answer is not Deleted.GONE:
            return answer is Deleted.NONE
    return False
