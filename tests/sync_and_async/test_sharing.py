"""Calls side by side: none waits for itself, a watchdog is heard, threads are few, one user's state is published."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest
from facades import Facade, said

from siperb import AsyncSiperb, MemoryCache, Siperb, SiperbState
from siperb.cache import Key, Record
from siperb.testing import Hold, SiperbServer


class WatchdogError(Exception):
    """As a task queue's time limit: an ordinary exception, which a signal handler raises."""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no such signals on this system")
def test_a_call_from_a_signal_handler_does_not_wait_for_the_call_that_it_interrupts(server: SiperbServer) -> None:
    hold, answers = Hold(), list[Any]()
    with Siperb(server.pat, base_url=server.base_url, state=None, strict=True, timeout=20) as client:
        client.login()
        server.fail("devices", hold)

        def handler(*_: object) -> None:
            answers.append(client.get_devices())
            hold.release()

        def bark() -> None:
            server.wait_for_requests(2)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, handler)
        barking = threading.Thread(target=bark)
        barking.start()
        try:
            answers.append(client.get_devices())
        finally:
            signal.signal(signal.SIGUSR1, before)
            barking.join()
    assert [len(answer) for answer in answers] == [2, 2]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no such signals on this system")
@pytest.mark.parametrize("strict", [True, False])
def test_a_watchdogs_exception_goes_through_and_nothing_is_sent_again(server: SiperbServer, strict: bool) -> None:
    hold = Hold()

    def watchdog(*_: object) -> None:
        raise WatchdogError

    def bark() -> None:
        server.wait_for_requests(2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, watchdog)
    barking = threading.Thread(target=bark)
    try:
        with Siperb(server.pat, base_url=server.base_url, state=None, strict=strict) as client:
            client.login()
            server.fail("devices", hold)
            barking.start()
            with pytest.raises(WatchdogError):
                client.get_devices()
            hold.release()
            assert said(server) == ["login", "devices"]
            assert client.get_devices()
    finally:
        signal.signal(signal.SIGUSR1, before)
        barking.join()


async def test_many_cached_calls_at_once_take_a_few_threads(server: SiperbServer) -> None:
    peak = 0

    class Counted(MemoryCache):
        def load(self, key: Key) -> Record | None:
            nonlocal peak
            peak = max(peak, sum(thread.name == "siperb-cache" for thread in threading.enumerate()))
            return super().load(key)

    tokens = [device.token for device in server.add_devices(300)]
    async with AsyncSiperb(server.pat, base_url=server.base_url, cache=Counted(), strict=True) as client:
        for _ in range(2):
            assert all(await asyncio.gather(*(client.get_provisioning(token, enable_cache=True) for token in tokens)))
    assert 1 <= peak <= 4


def test_what_a_loop_could_not_refresh_behind_is_refreshed_in_front(server: SiperbServer) -> None:
    """One client, an event loop for each call: every refresh is cancelled with its loop."""
    client = AsyncSiperb(server.pat, base_url=server.base_url, cache=MemoryCache(), strict=True)

    async def view() -> list[str | None]:
        return [device.description for device in await client.get_devices(enable_cache=True) or ()]

    asyncio.run(view())
    server.add_device(description="New Phone")
    seen = [asyncio.run(view()) for _ in range(3)]
    assert "New Phone" in seen[-1]
    asyncio.run(client.close())


def test_after_a_login_as_somebody_else_nothing_of_the_one_before_is_published(facade: Facade) -> None:
    server, hold = facade.server, Hold()
    other, state = server.add_user(), SiperbState()
    client = facade.client(state=state)
    facade.call(client.login)
    server.fail("devices", hold)

    facade.together(
        client.get_devices,
        facade.after(lambda: server.wait_for_requests(1, route="devices"), client.login, other.pat, then=hold.release),
    )
    assert other.user_id == state.USER_ID
    assert (state.DEVICES, state.PROVISIONING) == (None, None)
