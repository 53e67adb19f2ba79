"""The calls that make many calls, side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import siperb
from siperb.aio.devices import DeviceCalls

Item = TypeVar("Item")
T = TypeVar("T")


class BulkCalls(DeviceCalls):
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
        """Fetch the provisioning of many devices side by side.

        One failed device does not end the run. ``Retry-After`` holds all calls back. No document is published.
        Closing the iterator cancels the calls under way.

        Args:
            device_tokens: The devices. None means every script device of the user.
            domain_users: Users, or their ids, whose script devices to fetch instead.
            concurrency: The most calls at a time, up to 1000.
            on_progress: Called with the number of finished devices, and of all devices (None if not known).
            timeout: Seconds for each call, instead of the client's.

        Returns:
            An async iterator of results in the order in which they come. Each has its provisioning or its error.

        Raises:
            APIError: The devices cannot be listed. The first step of the iterator raises it, `strict` or not.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            async for result in client.provision_all():
                print(result.error or result.provisioning.sip_username)
            ```
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
        """Await ``work(item)`` for many items side by side, in tasks.

        One failed item does not end the run. ``Retry-After`` holds all calls back that `work` makes on this client; the
        pause does not count for their `timeout`. All calls belong to the login that the run began with. If the API
        refuses its PAT, the items that are left get that error.
        Closing the iterator cancels what is under way.

        Args:
            work: A coroutine function. It may make several calls, one after the other.
            items: The items. They are taken when they are needed, so they may be endless.
            concurrency: The most items at a time, up to 1000.
            on_progress: Called with the number of finished items, and of all items (None if `items` has no length).

        Returns:
            An async iterator of results in the order in which they end. Each has its value or its error.

        Raises:
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            async def rename(device: Device) -> None:
                await client.update_device(device.device_token, description=f"Old {device.description}")

            async for result in client.bulk(rename, await client.get_devices()):
                print(result.item.description, result.error or "renamed")
            ```
        """
        return self._side_by_side(self._bulk(work, items, concurrency, on_progress))
