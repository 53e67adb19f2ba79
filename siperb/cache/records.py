"""What goes into a cache: the key of a record, the record, and its text in entries of limited length. Pure.

A record is one entry, the head. When that would be longer than an entry may be, the head is a manifest and the
payload stands in parts. Each part says which generation it belongs to: a reader can tell a mixture, and takes none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from attrs import field, frozen
from attrs.validators import instance_of, matches_re, optional

from siperb.errors import CacheError

__all__ = ["Head", "Key", "Record", "RecordTooLargeError", "Unread", "assemble", "encode", "read_head"]

VERSION = 1
MAX_PARTS = 100  # a keyring takes some 20 ms for each: more would not fit into any deadline


@frozen
class Key:
    """Where a record belongs: one API origin, one account, one kind.

    scope: 20 hex digits, see `Key.scope_of`. kind: "session", "devices", "prov" or "pat", and a hash of what
    tells it from its siblings. Neither holds a token or personal data. ValueError for any other form: Windows
    takes names that differ in case for the same, and a NUL breaks the D-Bus connection.
    """

    scope: str = field(validator=matches_re(r"[0-9a-f]{20}"))
    kind: str = field(validator=matches_re(r"[0-9a-z-]{1,64}"))

    @staticmethod
    def scope_of(origin: str, account: str) -> str:
        """20 hex digits for an account (a user id, a PAT) at one API origin; the first 8 are those of the origin."""
        return _digest(origin)[:8] + _digest(origin, account)[:12]

    @staticmethod
    def origin_of(scope: str) -> str:
        """A scope that all accounts at one API origin have in common."""
        return scope[:8].ljust(20, "0")

    @classmethod
    def of(cls, origin: str, account: str, kind: str, *details: str) -> Key:
        """The key of one record; `details` make it one of several of its kind (cache key, device token)."""
        name = f"{kind}-{_digest(*details)[:20]}" if details else kind
        return cls(cls.scope_of(origin, account), name)

    @property
    def service(self) -> str:
        """The name of the record in a keyring."""
        return f"siperb/1/{self.scope}/{self.kind}"

    def part(self, slot: str, index: int) -> str:
        """The name of one part of the record."""
        return f"{self.service}/{slot}{index}"


@frozen
class Record:
    """A cached answer.

    payload: JSON text, a secret. stored_at, expires_at: seconds since the epoch; expires_at None means never.
    generation: 16 hex digits, new for every record; a conditional save names the one it means to replace.
    TypeError for fields of other types, which a cache of the user's own may have read from anywhere.
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
        at = now()
        return cls(payload, at, None if lifetime is None else at + lifetime, f"{int(random() * 2**64):016x}")

    def is_current(self, now: float) -> bool:
        """Whether it may be served; a record from the future (a clock that jumped) may not."""
        return self.stored_at <= now + 60 and (self.expires_at is None or now < self.expires_at)


class Head(NamedTuple):
    """The first entry of a record, read. Either `payload` is there, or `slot` and the number of `parts`."""

    generation: str
    stored_at: float
    expires_at: float | None
    length: int
    sha: str
    payload: str | None = None
    slot: str | None = None
    parts: int = 0

    def __repr__(self) -> str:  # the payload is a secret
        return "<Head>"


class Unread(Enum):
    """Why there is no head: no entry, one that is damaged or not ours, one that a newer siperb wrote."""

    ABSENT = "absent"
    BROKEN = "broken"
    NEWER = "newer"


class RecordTooLargeError(CacheError):
    """The record would need more entries than any keyring could read in time."""


def encode(record: Record, key: Key, *, limit: int, slot: str) -> tuple[str, list[str]]:
    """The head, and the parts if there must be any; all ASCII, none longer than `limit` characters (at least 400).

    What JSON cannot tell apart is not kept apart: surrogates that make a pair come back as one character.
    """
    text = json.dumps(record.payload)
    head = {
        "v": VERSION,
        "k": f"{key.scope}/{key.kind}",
        "g": record.generation,
        "at": record.stored_at,
        "exp": record.expires_at,
        "len": len(text),
        "sha": _sha(text),
    }
    whole = _dump({**head, "d": record.payload})
    if len(whole) <= limit:
        return whole, []
    size = limit - len(f"{record.generation}:{MAX_PARTS}:{MAX_PARTS}:")
    slices = [text[start : start + size] for start in range(0, len(text), size)]
    if len(slices) > MAX_PARTS:
        raise RecordTooLargeError(f"a record of {len(text):,} characters, of {size * MAX_PARTS:,} at most")
    parts = [_part(record.generation, index, len(slices)) + piece for index, piece in enumerate(slices)]
    return _dump({**head, "s": slot, "n": len(parts)}), parts


def read_head(text: str | None, key: Key) -> Head | Unread:
    """What the head entry of `key` says; it is believed in nothing: any text may stand there."""
    if text is None:
        return Unread.ABSENT
    try:
        return _head(json.loads(text), f"{key.scope}/{key.kind}")
    except (OverflowError, RecursionError, ValueError):
        return Unread.BROKEN


def assemble(head: Head, parts: Sequence[str | None]) -> Record | None:
    """The record; None when a part is missing or of another generation, or the whole is not what was written."""
    text = json.dumps(head.payload) if head.payload is not None else _joined(head, parts)
    if text is None or len(text) != head.length or _sha(text) != head.sha:
        return None
    try:
        payload: object = json.loads(text)
    except ValueError:
        return None
    return Record(payload, head.stored_at, head.expires_at, head.generation) if isinstance(payload, str) else None


def _joined(head: Head, parts: Sequence[str | None]) -> str | None:
    slices: list[str] = []
    for index, part in enumerate(parts):
        begin = _part(head.generation, index, head.parts)
        if part is None or not part.startswith(begin):
            return None
        slices.append(part[len(begin) :])
    return "".join(slices)


def _part(generation: str, index: int, count: int) -> str:
    return f"{generation}:{index}:{count}:"


def _head(said: Any, name: str) -> Head | Unread:
    match said:
        case {"v": int(version)} if version > VERSION:
            return Unread.NEWER
        case {
            "v": 1,
            "k": str(written_for),
            "g": str(generation),
            "at": int() | float() as at,
            "exp": None | int() | float() as exp,
            "len": int(length),
            "sha": str(sha),
        } if written_for == name:
            head = Head(generation, float(at), None if exp is None else float(exp), length, sha)
        case _:
            return Unread.BROKEN
    match said:
        case {"d": str(payload)}:
            return head._replace(payload=payload)
        case {"s": "a" | "b" as slot, "n": int(parts)} if 0 < parts <= MAX_PARTS:
            return head._replace(slot=slot, parts=parts)
        case _:
            return Unread.BROKEN


def _dump(head: dict[str, Any]) -> str:
    return json.dumps(head, separators=(",", ":"))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _digest(*parts: str) -> str:
    text = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
