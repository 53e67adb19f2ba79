# Written by tests/write_sync.py from siperb/aio/bulk.py: change that file.
"""The calls that make many calls, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import siperb
from siperb.sync.administration import Administration
from siperb.sync.on_class import OnClassToo, client

Item = TypeVar("Item")
T = TypeVar("T")


class BulkCalls(Administration):
    """A client that blocks, with its bulk runs."""

    @OnClassToo
    def provision_all(
        cls,
        device_tokens: Iterable[str] | None = None,
        *,
        domain_users: Iterable[siperb.DomainUser | str] | None = None,
        concurrency: int = 16,
        on_progress: Callable[[int, int | None], None] | None = None,
        timeout: float | None = None,
    ) -> Iterator[siperb.ProvisioningResult]:
        """Provision many devices side by side: an iterator of results, as they come.

        device_tokens: whose; None means every script device of the user.
        domain_users: of whom, instead, every script device: e.g. `get_domain_users()`, or their ids.
        concurrency: how many calls at a time, 1000 at most.
        on_progress: called with how many are done, and how many there are (None when that is not known).
        timeout: seconds for each call, instead of the client's.

        Each `ProvisioningResult` has its provisioning or its error: one failure does not end the run. ``Retry-After``
        holds all calls back. No document is published; memory stays flat. Raises, at the first step, the error of the
        list of devices, `strict` or not, `MissingCredentialsError` and `CredentialsUnavailableError`;
        `ConfigurationError` for bad arguments.
        Closing the iterator lets requests under way end by themselves; nothing follows them, nor waits for them.
        """
        self = client(cls)
        run = self._provision_all(device_tokens, domain_users, concurrency, on_progress, timeout)
        return self._side_by_side(run)

    @OnClassToo
    def bulk(
        cls,
        work: Callable[[Item], T],
        items: Iterable[Item],
        *,
        concurrency: int = 16,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[siperb.BulkResult[Item, T]]:
        """Call ``work(item)`` for many items side by side, in threads: an iterator of results, as they end.

        work: may make several calls, one after the other.
        items: taken as they are needed, so they may be endless.
        concurrency: how many at a time, 1000 at most.
        on_progress: called with how many are done, and how many there are (None when `items` has no length).

        Each `BulkResult` has what `work` returned, or the exception that it raised: one failure does not end the run.
        ``Retry-After`` holds all calls back that `work` makes on this client, which is not of their `timeout`. They are
        those of the login the run began with; when its PAT is refused, `work` is called no more, and what is left gets
        that error. Memory stays flat. Raises `ConfigurationError` for bad arguments.
        Closing the iterator lets requests under way end by themselves; a call that `work` makes after it raises
        `SiperbError`.
        """
        self = client(cls)
        return self._side_by_side(self._bulk(work, items, concurrency, on_progress))
