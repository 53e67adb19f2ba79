"""How records stand in a keyring: each in entries of its own, and an index at each API origin that names them all.

A process that is killed in the middle leaves the old record, the new one or none. A record is named in the index before
it is written, and until it is removed. Its entries are numbered without a gap, so that those of a killed process are
found. Each entry of the index is complete in itself.
"""

from __future__ import annotations

import json
from typing import Protocol, TypeAlias

from siperb.cache.records import Key, Record, decode, encode, read_head

Page: TypeAlias = list[list[str]]  # an owner, and the name of one of the owner's records

UNREADABLE = ["", ""]


class Store(Protocol):
    """A keyring. `delete` answers whether the entry is gone for sure. is_alone: whether this process holds the lock."""

    is_alone: bool

    @property
    def limit(self) -> int: ...
    def get(self, name: str) -> str | None: ...
    def set(self, name: str, text: str) -> None: ...
    def delete(self, name: str) -> bool: ...


def load(store: Store, key: Key) -> Record | None:
    first = store.get(key.service)
    head = read_head(first, key)
    if head is None:
        return None
    return decode([first, *(store.get(key.entry(number)) for number in range(1, head.entries))], key)


def save(store: Store, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
    """See `Cache.save`. A stored record that says its owner is in the owner's index already."""
    head = read_head(store.get(key.service), key)
    if expected is not None and (head is None or head.generation != expected):
        return False
    texts = encode(record, key, owner, store.limit)
    if head is None or head.owner != owner:
        _name(store, key, owner)
    for number in [*range(1, len(texts)), 0]:  # the first entry last: it makes the others a record
        store.set(key.entry(number), texts[number])
    if head and len(texts) < head.entries:
        _clear(store, key, len(texts), head.entries)
    if not store.is_alone:  # another process may have overwritten the name with its own
        _name(store, key, owner)
    return True


def evict(store: Store, key: Key) -> bool:
    """Remove the first entry, then the others; whether all are gone."""
    head = read_head(store.get(key.service), key)
    gone = store.delete(key.service)
    return _clear(store, key, 1, head.entries if head else 1) and gone


def forget(store: Store, owner: str) -> list[Key]:
    """Remove the owner's records, then their names; the keys of those that are not gone for sure."""
    pages = _pages(store, owner)
    kept = [key for key in _of(owner, pages) if not evict(store, key)]
    if [UNREADABLE] in pages:  # it may have named more
        kept.append(_index(owner))
    names = [key.name for key in kept]
    others = [[line for line in page if line[0] != owner or line[1] in names] for page in pages]
    rest = [[line for line in page if line != UNREADABLE] for page in others]
    return kept if _rewrite(store, owner, pages, rest) else [*kept, _index(owner)]


def stored(store: Store, owner: str) -> list[Key]:
    return _of(owner, _pages(store, owner))


def accounts(store: Store, origin: str) -> list[str]:
    pages = _pages(store, Key.scope_of(origin, ""))
    return list(dict.fromkeys(owner for page in pages for owner, _ in page if owner))


def delete_all(store: Store, names: list[str]) -> bool:
    """Delete each entry, also when another could not be; whether all are gone."""
    kept = [name for name in names if not store.delete(name)]
    return not kept


def _clear(store: Store, key: Key, first: int, known: int) -> bool:
    """Remove the entries from number `first` on, the last first: those known of, and any that follow them."""
    while store.get(key.entry(known)) is not None:
        known += 1
    return delete_all(store, [key.entry(number) for number in reversed(range(first, known))])


def _index(owner: str) -> Key:
    return Key(Key.origin_of(owner), "index")


def _pages(store: Store, owner: str) -> list[Page]:
    """The entries of the index; one that cannot be read has `UNREADABLE` for its only line."""
    pages: list[Page] = []
    while (text := store.get(_index(owner).entry(len(pages)))) is not None:
        try:
            pages.append([[str(known), name] for known, name in json.loads(text) if Key(*name.split("/"))])
        except (AttributeError, RecursionError, TypeError, ValueError):
            pages.append([UNREADABLE])
    return pages


def _of(owner: str, pages: list[Page]) -> list[Key]:
    return [Key(*name.split("/")) for page in pages for known, name in page if known == owner]


def _name(store: Store, key: Key, owner: str) -> None:
    """Name the key under this owner, and then under no other."""
    line, pages = [owner, key.name], _pages(store, owner)
    if not any(line in page for page in pages):
        number = next(number for number, page in enumerate([*pages, []]) if _has_room(page, line, store.limit))
        pages[number:] = [[*(pages[number] if number < len(pages) else []), line], *pages[number + 1 :]]
        store.set(_index(owner).entry(number), _dump(pages[number]))
    _rewrite(store, owner, pages, [[one for one in page if one[1] != line[1] or one == line] for page in pages])


def _has_room(page: Page, line: list[str], limit: int) -> bool:
    return UNREADABLE not in page and len(_dump([*page, line])) <= limit


def _rewrite(store: Store, owner: str, pages: list[Page], rest: list[Page]) -> bool:
    """Write the rest of each page, the last first; whether the empty ones at the end are gone."""
    gone = True
    for number in reversed(range(len(pages))):
        if not any(rest[number:]):
            gone = store.delete(_index(owner).entry(number)) and gone
        elif rest[number] != pages[number]:
            store.set(_index(owner).entry(number), _dump(rest[number]))
    return gone


def _dump(page: Page) -> str:
    return json.dumps(page, separators=(",", ":"))
