"""Ctrl-C at each instruction of a call: the same call works again, and nobody who shared it waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, TypeVar, cast

import pytest
from effort import EACH
from interrupts import count, interrupt

from siperb import AsyncSiperb, MemoryCache, Siperb
from siperb.core.wire import Request, Response
from siperb.testing import SiperbServer
from siperb.threads import in_a_thread

# A coroutine is made by one instruction and awaited by another. Sockets that an interrupt leaves in the middle of being
# made, or of being closed, are closed when they are collected.
pytestmark = [
    pytest.mark.skipif(
        sys.version_info >= (3, 12), reason="traces of single instructions are wrong in 3.12.1 and 3.13.0, or crash"
    ),
    pytest.mark.filterwarnings(
        "ignore:coroutine .* was never awaited",
        "ignore:unclosed:ResourceWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    ),
]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """What an interrupt leaves behind is collected here, and in no other test."""
    yield
    gc.collect()


T = TypeVar("T", bound=Callable[..., None])


def in_its_own_thread(test: T) -> T:
    """A thread that was interrupted in a handler takes that for the context of all its later errors."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        in_a_thread("interrupted", partial(test, **fixtures), 300.0)

    return cast(T, run)


class WatchdogError(Exception):
    """As that of a task queue's time limit: no error of the network."""


@in_its_own_thread
@pytest.mark.parametrize("cached", [False, True], ids=["plain", "cached"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, WatchdogError])
def test_a_call_works_again_wherever_it_was_interrupted(
    server: SiperbServer, cached: bool, error: type[BaseException]
) -> None:
    with Siperb(server.pat, base_url=server.base_url, cache=MemoryCache(), state=None, strict=True) as client:

        def call() -> Any:
            return client.get_devices(enable_cache=cached)

        def call_in_a_thread() -> None:
            answers.append(call())

        assert call()
        number = max(count(call) for _ in range(3))
        interrupted = 0
        for at in range(1, number, EACH):
            interrupted += interrupt(call, at, error())
            answers: list[Any] = []
            thread = threading.Thread(target=call_in_a_thread, daemon=True)
            thread.start()
            thread.join(20)
            assert answers, f"the same call hangs in another thread after an interrupt at instruction {at}"
            assert call()
        assert interrupted > number // EACH * 0.8  # some calls take fewer instructions than that one
        print(number, "instructions", interrupted, "interrupts")


@in_its_own_thread
def test_those_who_wait_for_a_login_do_not_wait_for_one_that_was_interrupted() -> None:
    """At each instruction of the login, with another thread waiting for it."""
    shared = threading.Event()

    class Canned(Siperb):
        async def _send(self, request: Request, origin: str, deadline: float) -> Response:
            shared.set()
            return Response(200, b'{"UserId": "ann", "SessionToken": "token"}')

    def lead() -> Any:
        return client.login(timeout=60)

    def follow() -> None:
        shared.wait(60)
        followed.append(client.login(timeout=60).user_id)

    with Canned("pat", state=None) as client:
        number = count(lead)
        for at in range(1, number + 1, EACH):
            shared.clear()
            followed: list[str] = []
            thread = threading.Thread(target=follow, daemon=True)
            thread.start()
            interrupt(lead, at)
            shared.set()
            thread.join(20)
            assert followed == ["ann"], f"whoever waits for the login hangs after an interrupt at instruction {at}"
            assert lead()
    print(number, "instructions")


# A coroutine is made by one instruction and awaited by another.
def test_tasks_work_again_in_the_loop_that_was_interrupted(server: SiperbServer) -> None:
    """As in a notebook, where the loop goes on; what else runs in it meanwhile is another call of the same kind."""
    loop = asyncio.new_event_loop()
    client = AsyncSiperb(server.pat, base_url=server.base_url, strict=True, timeout=1)

    async def beside() -> Any:
        return await asyncio.gather(client.get_devices(), client.get_devices())

    def call() -> Any:
        return loop.run_until_complete(beside())

    def settle() -> None:
        """Whoever was in the middle comes to an end, one way or another; the interrupt may come out once for each."""
        until = time.monotonic() + 20
        while tasks := asyncio.all_tasks(loop):
            assert time.monotonic() < until, "a call hangs in the loop that was interrupted"
            with contextlib.suppress(KeyboardInterrupt):
                loop.run_until_complete(asyncio.wait(tasks, timeout=20))

    try:
        assert call()
        number = max(count(call) for _ in range(3))
        loop.set_exception_handler(lambda *_: None)  # what an interrupt leaves behind is nobody's
        interrupted = 0
        for at in range(1, number, EACH):
            interrupted += interrupt(call, at)
            settle()
            assert loop.run_until_complete(asyncio.wait_for(client.get_devices(), 20))
        print(number, "instructions", interrupted, "interrupts")
        assert interrupted
    finally:
        loop.run_until_complete(client.close())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
