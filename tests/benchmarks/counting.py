"""Programs that run under valgrind, which counts their instructions up to each of their marks."""

from __future__ import annotations

import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import NoReturn

WARM_UP, CALLS = 20, 100  # before the first of two marks, and between them


def mark(name: str, leave: Callable[[int], NoReturn] = os._exit) -> None:
    """Count up to here: a forked child ends at once, and valgrind prints the count of each process."""
    if pid := os.fork():
        os.waitpid(pid, 0)
        print(name, pid, flush=True)
    else:
        leave(0)


def peer(name: str) -> None:
    """Count the whole process to the first credential, a warm call, and a warm async call."""
    from tests.benchmarks.peers import PEERS

    blocking, awaited = PEERS[name]
    call = blocking()
    assert call(0)
    mark("first", leave=sys.exit)
    for number in range(WARM_UP):
        assert call(number)
    mark("from one call")
    for number in range(CALLS):
        assert call(number)
    mark("to one call")

    import asyncio

    async def main() -> None:
        call = await awaited()  # kept, as aiohttp warns of a session that is dropped
        await _marked("async call", call)
        os._exit(0)

    asyncio.run(main())


def loaded() -> None:
    """Print the libraries that a first credential of ours loads, in the order of `start`."""
    from tests.benchmarks.peers import PEERS

    assert PEERS["siperb"][0]()(0)
    print(*(library for library in ("requests", "attrs", "cattrs.gen") if library in sys.modules))


def start(*libraries: str) -> None:
    """What a process of ours does up to its first credential; libraries: those that it loads, in this order."""
    mark("python")
    for library in libraries:
        import_module(library)
        mark(library)
    from siperb import Siperb

    import_module("siperb.sync.transport")
    mark("our modules")
    client = Siperb(strict=True)
    client.login()
    from tests.benchmarks.peers import TOKENS

    assert client.get_provisioning(TOKENS[0])
    mark("login and document")
    mark("the process's end", leave=sys.exit)


def layers() -> None:
    """A warm asynchronous call, layer by layer."""
    import asyncio
    import time

    import aiohttp

    from siperb import AsyncSiperb
    from siperb.core.operations import get_provisioning
    from tests.benchmarks.peers import QUERY, TOKENS, URL, by_hand_async

    async def main() -> None:
        client = AsyncSiperb(strict=True)
        session = await client.login()
        transport = client._here().transport
        http = aiohttp.ClientSession(headers={"X-Api-Key": session.session_token, "Content-Type": "application/json"})

        async def bare(number: int) -> object:
            path = f"/Users/{session.user_id}/Devices/{TOKENS[number % 256]}/{QUERY}"
            async with http.get(URL + path) as answer:
                return await answer.read()

        async def sent(number: int) -> object:
            request = get_provisioning(TOKENS[number % 256]).request(session)
            return await transport.send(request, URL, time.monotonic() + 30)

        async def parsed(number: int) -> object:
            operation = get_provisioning(TOKENS[number % 256])
            return operation.read(await transport.send(operation.request(session), URL, time.monotonic() + 30))

        async def whole(number: int) -> object:
            return await client.get_provisioning(TOKENS[number % 256])

        for name, call in [
            ("bare aiohttp", bare),
            ("with our transport", sent),
            ("with parsing", parsed),
            ("with the steps: the whole call", whole),
            ("aiohttp and json by hand", await by_hand_async()),
        ]:
            await _marked(name, call)
        os._exit(0)

    asyncio.run(main())


async def _marked(name: str, call: Callable[[int], Awaitable[object]]) -> None:
    for number in range(WARM_UP):
        assert await call(number)
    mark(f"from {name}")
    for number in range(CALLS):
        assert await call(number)
    mark(f"to {name}")
