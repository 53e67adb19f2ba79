"""The background work of a phone: none of it outlives the phone, and no failure of it is silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

LOG = logging.getLogger("siperb.phone")


class Tasks:
    """A set of tasks that end together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
        """Run the coroutine until it ends, or until `cancel`."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            LOG.error("Work of the phone failed: %s", type(error).__name__, exc_info=error)

    async def join(self, timeout: float) -> None:
        """Wait for the ends of all tasks, and end those that take longer."""
        if self._tasks:
            _ = await asyncio.wait(self._tasks, timeout=timeout)
        await self.cancel()

    async def cancel(self) -> None:
        """End all tasks but the one that calls, and wait for their ends."""
        while others := self._tasks - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
