"""The calls that make many calls, side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import siperb
from siperb.aio.administration import Administration

Item = TypeVar("Item")
T = TypeVar("T")


class BulkCalls(Administration):
    """A client for asyncio, with its bulk runs."""

    def provision_all(
        self,
        device_tokens: Iterable[str] | None = None,
        *,
        domain_users: Iterable[siperb.DomainUser | str] | None = None,
        concurrency: int = 16,
        on_progress: Callable[[int, int | None], None] | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[siperb.ProvisioningResult]:
        """Provision many devices side by side: an async iterator of results, as they come.

        device_tokens: whose; None means every script device of the user.
        domain_users: of whom, instead, every script device: e.g. `get_domain_users()`, or their ids.
        concurrency: how many calls at a time, 1000 at most.
        on_progress: called with how many are done, and how many there are (None when that is not known).
        timeout: seconds for each call, instead of the client's.

        Each `ProvisioningResult` has its provisioning or its error: one failure does not end the run. ``Retry-After``
        holds all calls back. No document is published; memory stays flat. Raises, at the first step, the error of the
        list of devices, `strict` or not, `MissingCredentialsError` and `CredentialsUnavailableError`;
        `ConfigurationError` for bad arguments.
        Closing the iterator cancels the calls under way.
        """
        run = self._provision_all(device_tokens, domain_users, concurrency, on_progress, timeout)
        return self._side_by_side(run)

    def bulk(
        self,
        work: Callable[[Item], Coroutine[Any, Any, T]],
        items: Iterable[Item],
        *,
        concurrency: int = 16,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> AsyncIterator[siperb.BulkResult[Item, T]]:
        """Await ``work(item)`` for many items side by side, in tasks: an async iterator of results, as they end.

        work: a coroutine function, which may make several calls, one after the other.
        items: taken as they are needed, so they may be endless.
        concurrency: how many at a time, 1000 at most.
        on_progress: called with how many are done, and how many there are (None when `items` has no length).

        Each `BulkResult` has what `work` returned, or the exception that it raised: one failure does not end the run.
        ``Retry-After`` holds all calls back that `work` makes on this client, which is not of their `timeout`. They are
        those of the login the run began with; when its PAT is refused, `work` is called no more, and what is left gets
        that error. Memory stays flat. Raises `ConfigurationError` for bad arguments.
        Closing the iterator cancels what is under way.
        """
        return self._side_by_side(self._bulk(work, items, concurrency, on_progress))
