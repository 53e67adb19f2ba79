"""Finds and removes the entries of siperb 0.1.0, which this version does not read: they have other names."""

from __future__ import annotations

import json

from siperb.cache.entries import Store, delete_all
from siperb.cache.records import Key

LAYOUT = "siperb/1"


def forget(store: Store, origin: str) -> bool:
    """Remove them for all accounts at an API origin; whether they are gone. An index goes after what it names."""
    accounts = f"{Key.origin_of(Key.scope_of(origin, ''))}/accounts"
    indexes = _named(store, accounts)
    names = [name for index in indexes for name in _named(store, index)]
    return all(_remove(store, name) for name in [*names, *indexes, accounts])


def _named(store: Store, index: str) -> list[str]:
    """The names in an index, which is one entry, or one that says in which others it stands; [] for anything else."""
    try:
        head = json.loads(store.get(f"{LAYOUT}/{index}") or "{}")
        text = head.get("d")
        if text is None:
            parts = [store.get(f"{LAYOUT}/{index}/{head['s']}{number}") or "" for number in range(head["n"])]
            text = json.loads("".join(part.split(":", 3)[3] for part in parts))
        return [Key(*name).name for name in json.loads(text)]
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        return []


def _remove(store: Store, name: str) -> bool:
    parts: list[str] = []
    for slot in ("a", "b"):
        number = 0
        while store.get(part := f"{LAYOUT}/{name}/{slot}{number}") is not None:
            parts.append(part)
            number += 1
    return delete_all(store, [f"{LAYOUT}/{name}", *reversed(parts)])
