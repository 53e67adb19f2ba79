"""The methods of a cache."""

from __future__ import annotations

from typing import Protocol

from siperb.cache.records import Key, Record


class Cache(Protocol):
    """A store for answers of the API, between calls and between processes.

    Any object with these four methods is one. Clients call them from several threads, `AsyncSiperb` too. A method may
    raise any `Exception`: the client treats that as no answer, and logs one warning. `Siperb` waits as long as a method
    takes, `AsyncSiperb` until the call's deadline. Test an implementation of your own with the conformance class in
    ``tests/helpers/cache_contract.py``.
    """

    def load(self, key: Key) -> Record | None:
        """Return the record that was stored last, of any age.

        Args:
            key: The key of the record.

        Returns:
            The record, or None if there is none.
        """
        ...

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        """Store a record, in place of the one with this key.

        Args:
            key: The key of the record.
            record: The record to store.
            owner: The owner to pass to `forget`, a `Key.scope_of` of the user. It may differ from the key's scope.
            expected: The generation that must still be stored. If another one is, do nothing: a slow refresh must not
                bring back a record that was evicted or replaced. None replaces any record.

        Returns:
            Whether the record is stored. If not, a client evicts the outdated one.
        """
        ...

    def evict(self, key: Key) -> bool:
        """Remove a record.

        Args:
            key: The key of the record.

        Returns:
            Whether it is gone for sure. True if there was none.
        """
        ...

    def forget(self, owner: str) -> bool:
        """Remove every record of an owner.

        Args:
            owner: The owner that the records were saved with.

        Returns:
            Whether all of them are gone for sure.
        """
        ...
