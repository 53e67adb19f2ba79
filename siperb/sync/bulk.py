# Written by tests/write_sync.py from siperb/aio/bulk.py: change that file.
"""The calls that make many calls, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import siperb
from siperb.sync.devices import DeviceCalls
from siperb.sync.on_class import OnClassToo, client

Item = TypeVar("Item")
T = TypeVar("T")


class BulkCalls(DeviceCalls):
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
        """Fetch the provisioning of many devices side by side.

        One failed device does not end the run. ``Retry-After`` holds all calls back. No document is published.
        If you close the iterator, requests under way end by themselves, and no other begins.

        Args:
            device_tokens: The devices. None means every script device of the user.
            domain_users: Users, or their ids, whose script devices to fetch instead.
            concurrency: The most calls at a time, up to 1000.
            on_progress: Called with the number of finished devices, and of all devices (None if not known).
            timeout: Seconds for each call, instead of the client's.

        Returns:
            An iterator of results in the order in which they come. Each has its provisioning or its error.

        Raises:
            APIError: The devices cannot be listed. The first step of the iterator raises it, `strict` or not.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            for result in client.provision_all():
                print(result.error or result.provisioning.sip_username)
            ```
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
        """Call ``work(item)`` for many items side by side, in threads.

        One failed item does not end the run. ``Retry-After`` holds all calls back that `work` makes on this client; the
        pause does not count for their `timeout`. All calls belong to the login that the run began with. If the API
        refuses its PAT, the items that are left get that error.
        If you close the iterator, requests under way end by themselves. A call that `work` makes after that raises
        `SiperbError`.

        Args:
            work: A function. It may make several calls, one after the other.
            items: The items. They are taken when they are needed, so they may be endless.
            concurrency: The most items at a time, up to 1000.
            on_progress: Called with the number of finished items, and of all items (None if `items` has no length).

        Returns:
            An iterator of results in the order in which they end. Each has its value or its error.

        Raises:
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            def rename(device: Device) -> None:
                client.update_device(device.device_token, description=f"Old {device.description}")

            for result in client.bulk(rename, client.get_devices()):
                print(result.item.description, result.error or "renamed")
            ```
        """
        self = client(cls)
        return self._side_by_side(self._bulk(work, items, concurrency, on_progress))
