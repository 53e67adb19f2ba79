"""What a client asks of a cache."""

from __future__ import annotations

from typing import Protocol

from siperb.cache.records import Key, Record


class Cache(Protocol):
    """Where answers of the API are kept between calls and between processes.

    A client calls these methods from several threads, `AsyncSiperb` too. They may raise any `Exception`: a client takes
    that for no answer, and logs one warning; what is none (SystemExit) and what a signal handler raises goes through.
    `Siperb` waits for them as long as they take, `AsyncSiperb` until the call's deadline. The conformance class in
    ``tests/helpers/cache_contract.py`` is what every implementation must pass.
    """

    def load(self, key: Key) -> Record | None:
        """The record stored last under `key`, whatever its age; None when there is none."""
        ...

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """Store a record in place of the one under `key`; whether it is stored.

        What could not be replaced is outdated: a client evicts it.

        owner: whose record it is, a `Key.scope_of` the user; `forget` goes by it. It need not be the key's scope.
        expected: the generation that must still be stored, else nothing is done: a slow refresh brings back
        nothing that was evicted or replaced meanwhile. None: whatever is stored is replaced.
        """
        ...

    def evict(self, key: Key) -> bool:
        """Remove a record; True when it is gone for sure, also if there was none."""
        ...

    def forget(self, owner: str) -> bool:
        """Remove every record saved under `owner`; True when all of them are gone for sure."""
        ...
