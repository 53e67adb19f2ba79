"""A cache's key and record, and the record's text in entries of limited length. Pure.

The first entry begins with a line that says whose record it is, how many entries it has, and the hash of all of it.
A mixture of two records, as after a crash, does not have that hash, and is no record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from attrs import field, frozen
from attrs.validators import instance_of, matches_re, optional

from siperb.errors import CacheError

LAYOUT = "siperb/2"  # entries of another layout have other names: neither reads the other's
MAX_ENTRIES = 100  # a keyring takes up to 20 ms for each: more would not fit into any deadline


@frozen
class Key:
    """The place of a record: one API origin, one account, one kind. It holds no token and no personal data.

    Args:
        scope: 20 hex digits, see `Key.scope_of`.
        kind: "session", "devices", "prov" or "pat", and a hash that tells it from its siblings.

    Raises:
        ValueError: An argument has another form. Windows, for example, does not tell upper from lower case.
    """

    scope: str = field(validator=matches_re(r"[0-9a-f]{20}"))
    kind: str = field(validator=matches_re(r"[0-9a-z-]{1,64}"))

    @staticmethod
    def scope_of(origin: str, account: str) -> str:
        """Return the scope of an account (a user id, a PAT) at an API origin. Its first 8 digits are the origin's."""
        return _digest(origin)[:8] + _digest(origin, account)[:12]

    @staticmethod
    def origin_of(scope: str) -> str:
        """Return the scope that all accounts at one API origin have in common."""
        return scope[:8].ljust(20, "0")

    @classmethod
    def of(cls, origin: str, account: str, kind: str, *details: str) -> Key:
        """Return the key of a record. `details` tell records of one kind apart (cache key, device token)."""
        name = f"{kind}-{_digest(*details)[:20]}" if details else kind
        return cls(cls.scope_of(origin, account), name)

    @property
    def name(self) -> str:
        """The name of the record in an index."""
        return f"{self.scope}/{self.kind}"

    @property
    def service(self) -> str:
        """The name of the record's first entry in a keyring."""
        return f"{LAYOUT}/{self.name}"

    def entry(self, number: int) -> str:
        """Return the name of one of its entries in a keyring."""
        return f"{self.service}/{number}" if number else self.service


@frozen
class Record:
    """A cached answer.

    Args:
        payload: The JSON text. A secret.
        stored_at: The time of storing, in seconds since the epoch.
        expires_at: The end of the record, in seconds since the epoch. None means never.
        generation: 16 hex digits, new for every record. See `expected` of `Cache.save`.

    Raises:
        TypeError: An argument has another type.
    """

    payload: str = field(repr=False, validator=instance_of(str))
    stored_at: float = field(validator=instance_of((int, float)))
    expires_at: float | None = field(validator=optional(instance_of((int, float))))
    generation: str = field(validator=instance_of(str))

    @classmethod
    def new(
        cls,
        payload: str,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        lifetime: float | None = None,
    ) -> Record:
        """Return a record of a new generation.

        Args:
            payload: The JSON text.
            now: A clock, in seconds since the epoch.
            random: A source of numbers from 0 to 1.
            lifetime: The seconds until it expires. None means never.
        """
        at = now()
        return cls(payload, at, None if lifetime is None else at + lifetime, f"{int(random() * 2**64):016x}")

    def is_current(self, now: float) -> bool:
        """Whether the record may be used. A record from the future (a clock that jumped) may not.

        Args:
            now: The time, in seconds since the epoch.
        """
        return self.stored_at <= now + 60 and (self.expires_at is None or now < self.expires_at)


@frozen
class Head:
    """The first line of a record: who owns it, its generation, and in how many entries it stands."""

    owner: str
    generation: str
    entries: int


def encode(record: Record, key: Key, owner: str, limit: int) -> list[str]:
    """The entries of a record; all ASCII, none longer than `limit` characters (at least 400).

    JSON does not keep surrogates apart that make a pair: they come back as one character.
    """
    text = json.dumps(record.payload)
    said = {"k": key.name, "o": owner, "g": record.generation, "at": record.stored_at, "exp": record.expires_at}
    first = limit - len(_line(said, MAX_ENTRIES, ""))
    slices = [text[:first], *(text[start : start + limit] for start in range(first, len(text), limit))]
    if len(slices) > MAX_ENTRIES:
        raise CacheError(
            f"A record has {len(text):,} characters: the keyring takes {first + limit * (MAX_ENTRIES - 1):,} at most.",
            "Cache it elsewhere, or not at all.",
        )
    return [_line(said, len(slices), text) + slices[0], *slices[1:]]


def read_head(text: str | None, key: Key) -> Head | None:
    """None when it is no first entry of `key`; it is believed in nothing: any text may stand there."""
    match _said(text):
        case {"k": key.name, "o": str(owner), "g": str(generation), "n": int(entries)} if 0 < entries <= MAX_ENTRIES:
            return Head(owner, generation, entries)
        case _:
            return None


def decode(entries: Sequence[str | None], key: Key) -> Record | None:
    """The record; None when an entry is missing, or anything is not as it was written."""
    first, *rest = (entry or "" for entry in entries)
    head, said = read_head(first, key), _said(first)
    text = first.partition("\n")[2] + "".join(rest)
    try:
        if head and said.pop("sha", None) == _sha(said, text):
            return Record(json.loads(text), said["at"], said["exp"], head.generation)
    except (KeyError, RecursionError, TypeError, ValueError):
        pass
    return None


def _line(said: dict[str, Any], count: int, text: str) -> str:
    said = {**said, "n": count}
    return json.dumps({**said, "sha": _sha(said, text)}) + "\n"


def _said(text: str | None) -> Any:
    try:
        return json.loads((text or "").partition("\n")[0])
    except (RecursionError, ValueError):
        return None


def _sha(said: dict[str, Any], text: str) -> str:
    return _digest(json.dumps(said), text)


def _digest(*parts: str) -> str:
    text = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
