"""Programs of `test_lifecycle`, each run in a process of its own with every warning an error.

python -X dev -W error lifecycle_programs.py NAME BASE_URL PAT
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from siperb import APITimeoutError, AsyncSiperb, MemoryCache, Siperb

PROGRAMS: dict[str, Callable[[str, str], Any]] = {}


def program(function: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    PROGRAMS[function.__name__] = function
    return function


@program
def two_event_loops(base_url: str, pat: str) -> None:
    client = AsyncSiperb(pat, base_url=base_url, strict=True)

    async def use() -> None:
        assert len(await client.get_devices() or ()) == 2

    asyncio.run(use())
    asyncio.run(use())
    asyncio.run(client.close())


@program
def left_open(base_url: str, pat: str) -> None:
    """One warning a client, which names the remedy; nothing else, of whatever is below."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")

        async def use() -> None:
            client = AsyncSiperb(pat, base_url=base_url, strict=True)
            await client.get_devices()

        asyncio.run(use())
        gc.collect()
        Siperb(pat, base_url=base_url, state=None).login()
        gc.collect()
        Siperb(pat, base_url=base_url)
        AsyncSiperb(pat, base_url=base_url)
        gc.collect()
    assert [warning.category for warning in heard] == [ResourceWarning, ResourceWarning], [str(w) for w in heard]
    assert "`async with AsyncSiperb(...)` or `await client.close()`" in str(heard[0].message)
    assert "`with Siperb(...)` or `client.close()`" in str(heard[1].message)


@program
def default_client(base_url: str, pat: str) -> None:
    """Nobody closes it, and nobody need to."""
    os.environ.update(SIPERB_BASE_URL=base_url, SIPERB_PAT=pat)
    Siperb.login()
    assert Siperb.get_devices()


@program
def left_to_the_loop(base_url: str, pat: str) -> None:
    """An owned session ends with `asyncio.run`; the client outlives it, and is closed later."""
    client = AsyncSiperb(pat, base_url=base_url, strict=True)

    async def use() -> None:
        await asyncio.gather(*(client.get_devices() for _ in range(5)))

    asyncio.run(use())
    gc.collect()
    asyncio.run(client.close())


@program
def cancelled_and_timed_out(base_url: str, pat: str) -> None:
    """The server is silent."""

    async def use() -> None:
        async with AsyncSiperb(pat, base_url=base_url, timeout=0.3, max_retries=0) as client:
            task = asyncio.create_task(client.login())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(client.login(), 0.1)
            try:
                await client.login()
            except APITimeoutError:
                return
        raise AssertionError

    asyncio.run(use())
    gc.collect()


@program
def ended_in_mid_call(base_url: str, pat: str) -> None:
    """The server is silent; the loop ends, and cancels what is left."""

    async def use() -> None:
        client = AsyncSiperb(pat, base_url=base_url)
        kept.append(client)
        kept.append(asyncio.create_task(client.login()))
        await asyncio.sleep(0.1)

    kept: list[Any] = []
    asyncio.run(use())
    kept.pop()
    asyncio.run(kept.pop().close())
    gc.collect()


@program
def fork_in_the_middle(base_url: str, pat: str) -> None:
    """The child neither waits for the parent's locks nor talks over its connections, which stay in order."""
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    client = Siperb(pat, base_url=base_url, state=None, strict=True, cache=MemoryCache())
    client.login()
    held, release = threading.Event(), threading.Event()
    send = client._send

    async def hold(*args: Any) -> Any:
        held.set()
        release.wait(30)
        return await send(*args)

    client._send = hold  # type: ignore[method-assign]
    thread = threading.Thread(target=client.get_devices)
    thread.start()
    held.wait(30)
    client._send = send  # type: ignore[method-assign]
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert len(client.get_devices() or ()) == 2
            client.close()
            code = 0
        finally:
            os._exit(code)
    assert _exit_code(child) == 0
    release.set()
    thread.join()
    assert len(client.get_devices() or ()) == 2
    client.close()


@program
def fork_of_an_async_client(base_url: str, pat: str) -> None:
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    client = AsyncSiperb(pat, base_url=base_url, strict=True)

    async def use() -> None:
        assert len(await client.get_devices() or ()) == 2

    async def parent() -> None:
        await use()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                asyncio._set_running_loop(None)
                asyncio.run(use())
                code = 0
            finally:
                os._exit(code)
        assert _exit_code(child) == 0
        await use()
        await client.close()

    asyncio.run(parent())


@program
def threads(base_url: str, pat: str) -> None:
    """One client, many threads, and a close while they are at it."""
    client = Siperb(pat, base_url=base_url, state=None, strict=True)
    results: list[int] = []
    workers = [threading.Thread(target=lambda: results.append(len(client.get_devices() or ()))) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    client.close()
    assert results == [2] * 16


def _exit_code(child: int) -> int:
    """Of a child that ends; one that hangs is killed, and that is a failure."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -9


if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
    print("done")
