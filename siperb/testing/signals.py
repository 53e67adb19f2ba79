"""An event between threads and event loops: one side sets it, the others wait for it in a thread or in a task."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import wait as wait_for_futures


class Signal:
    """Set once, and for good."""

    def __init__(self) -> None:
        self._future: Future[None] = Future()

    @property
    def is_set(self) -> bool:
        return self._future.done()

    def set(self) -> None:
        """From any thread; a second time changes nothing."""
        with contextlib.suppress(InvalidStateError):
            self._future.set_result(None)

    def block(self, timeout: float | None = None) -> bool:
        """Wait in this thread, at most `timeout` seconds; whether it is set."""
        wait_for_futures([self._future], timeout)
        return self.is_set

    async def wait(self) -> None:
        """Wait in this task; cancelling it leaves the others waiting."""
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake(_: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # that loop has been closed meanwhile
                loop.call_soon_threadsafe(woken.set)

        self._future.add_done_callback(wake)
        await woken.wait()
