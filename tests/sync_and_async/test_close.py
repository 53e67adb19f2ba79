"""The end of a client: logout, close, context managers, event loops."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from facades import Facade, said

from siperb import AsyncSiperb, ConfigurationError, MemoryCache, Siperb
from siperb.testing import SiperbServer


def test_logout_forgets_the_session(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.get_devices)
    facade.call(client.logout)
    assert (client.session, client.state.session, client.state.DEVICES) == (None, None, None)
    facade.server.clear()
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices"]


def test_logout_without_a_login(facade: Facade) -> None:
    facade.call(facade.client(cache=MemoryCache()).logout)
    facade.call(facade.bare_client(cache=MemoryCache()).logout)
    assert facade.server.requests == []


def test_close_twice_and_no_call_after(facade: Facade) -> None:
    client = facade.client(strict=False)
    facade.call(client.get_devices)
    facade.server.clear()
    facade.close(client)
    facade.close(client)
    for method, arguments in (client.login, ()), (client.get_devices, ()), (client.get_provisioning, ("t",)):
        with pytest.raises(ConfigurationError, match="closed"):
            facade.call(method, *arguments)
    assert facade.server.requests == []


def test_close_without_use(facade: Facade) -> None:
    facade.close(facade.client())


def test_a_context_manager_closes(server: SiperbServer) -> None:
    with Siperb(server.pat, base_url=server.base_url) as client:
        assert client.login()
    with pytest.raises(ConfigurationError):
        client.login()
    with pytest.raises(ZeroDivisionError), client:
        _ = 1 / 0


async def test_an_async_context_manager_closes(server: SiperbServer) -> None:
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        assert await client.login()
    with pytest.raises(ConfigurationError):
        await client.login()


def test_an_async_client_outlives_its_event_loop(server: SiperbServer) -> None:
    client = AsyncSiperb(server.pat, base_url=server.base_url)
    assert asyncio.run(client.get_devices())
    assert asyncio.run(client.get_devices())
    assert said(server) == ["login", "devices", "devices"]
    asyncio.run(client.close())


def test_a_client_that_is_left_open_is_told_of(server: SiperbServer) -> None:
    def use_and_forget(kind: Any) -> None:
        client = kind(server.pat, base_url=server.base_url)
        result = client.login()
        if asyncio.iscoroutine(result):
            asyncio.run(result)
        del client, result
        gc.collect()

    for kind in Siperb, AsyncSiperb:
        with pytest.warns(ResourceWarning, match=f"unclosed <{kind.__name__} .*close"):
            use_and_forget(kind)


def test_a_client_that_was_not_used_need_not_be_closed() -> None:
    AsyncSiperb("pat")
    Siperb("pat")
    gc.collect()
