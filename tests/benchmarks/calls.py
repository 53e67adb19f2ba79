"""Calls of a client that is warm: one at a time, many at a time, and many of the same."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import aiohttp
import httpx
import keyring
import requests

from siperb import AsyncSiperb, Siperb, SiperbState
from siperb.testing import Delay, SiperbServer
from tests.benchmarks.api import Api
from tests.benchmarks.measure import Figures, take_turns
from tests.benchmarks.startup import filled_keyring, has_keyring

QUERY = "?password=yes&settings_json=yes"
ALIKE = 200

Fetch = Callable[[str], Awaitable[object]]


def one_sync(api: Api, quick: bool) -> Figures:
    """The calls themselves take turns, and a round is the median of many."""
    rounds, calls = (5, 40) if quick else (21, 100)
    with (
        Siperb(api.pat, base_url=api.base_url, strict=True, state=SiperbState()) as client,
        requests.Session() as session,
    ):
        session.headers.update(_headers(api))

        def by_hand(token: str) -> object:
            answer = session.get(api.base_url + _path(api, token), timeout=(5, 30))
            answer.raise_for_status()
            return settings_of(answer.content)

        def medians_of_a_round() -> tuple[float, float]:
            took: dict[Callable[[str], object], list[float]] = {client.get_provisioning: [], by_hand: []}
            for number in range(calls):
                token = api.phones[number % len(api.phones)]
                for fetch in sorted(took, key=lambda fetch: (fetch is by_hand) == bool(number % 2)):
                    began = time.perf_counter()
                    fetch(token)
                    took[fetch].append(time.perf_counter() - began)
            ours, peer = took.values()
            return median(ours), median(peer)

        medians_of_a_round()
        ours, peer = zip(*(medians_of_a_round() for _ in range(rounds)), strict=True)
    return Figures(list(ours), list(peer), unit="µs")


def one_cached(api: Api, quick: bool) -> Figures | None:
    """A client each, as its end waits for the refresh that the call leaves behind."""
    if not has_keyring():
        return None

    def ours() -> float:
        with Siperb(api.pat, base_url=api.base_url, strict=True, state=SiperbState()) as client:
            began = time.perf_counter()
            client.get_provisioning(
                api.phones[0], user_id=api.user_id, session_token=api.session_token, enable_cache=True
            )
            return time.perf_counter() - began

    def by_hand() -> float:
        began = time.perf_counter()
        assert keyring.get_password("siperb-benchmark/document", "siperb")
        return time.perf_counter() - began

    with filled_keyring(api):
        return Figures(*take_turns(5 if quick else 41, ours, by_hand))


def async_64(api: Api, quick: bool) -> Figures:
    return asyncio.run(_against_aiohttp(api, *((400, 3) if quick else (2000, 11))))


def async_8(api: Api, quick: bool) -> Figures:
    return asyncio.run(_against_httpx(api, *((200, 3) if quick else (800, 11))))


def alike(api: Api, quick: bool) -> Figures:
    """How many requests one call makes on the wire, and 200 of the same at once, on either facade."""
    with SiperbServer() as server:
        with Siperb(server.pat, base_url=server.base_url, strict=True, state=SiperbState()) as client:
            client.login()
            one, by_threads = _counted(server, client.get_devices), _counted(server, lambda: _threads(client))
        by_tasks = asyncio.run(_tasks(server))
    return Figures([max(by_threads, by_tasks)], [one], unit="requests", note="threads and tasks")


async def _against_aiohttp(api: Api, calls: int, rounds: int) -> Figures:
    timeout = aiohttp.ClientTimeout(total=30, sock_connect=5)
    async with (
        _client(api) as client,
        aiohttp.ClientSession(headers=_headers(api), timeout=timeout, raise_for_status=True) as session,
    ):

        async def by_hand(token: str) -> object:
            async with session.get(api.base_url + _path(api, token)) as answer:
                return settings_of(await answer.read())

        async def bare(token: str) -> object:
            async with session.get(api.base_url + _path(api, token)) as answer:
                return await answer.read()

        ours, peer = await _take_turns(api, rounds, calls, 64, client.get_provisioning, by_hand)
        served = api.cpu()
        took = await _all(api, calls, 64, bare)
        ceiling = calls / (api.cpu() - served)
    note = (
        f"bare aiohttp, reading alone: {median(peer) / took:.2f} × the peer's; "
        f"the loopback API's ceiling, by its own CPU time: {ceiling * median(peer) / calls:.1f} × the peer's"
    )
    return Figures(ours, peer, inverse=True, note=note)


async def _against_httpx(api: Api, calls: int, rounds: int) -> Figures:
    async with (
        _client(api) as client,
        httpx.AsyncClient(
            headers=_headers(api), base_url=api.base_url, timeout=httpx.Timeout(30, connect=5)
        ) as session,
    ):

        async def by_hand(token: str) -> object:
            answer = await session.get(_path(api, token))
            return settings_of(answer.raise_for_status().content)

        return Figures(*await _take_turns(api, rounds, calls, 8, client.get_provisioning, by_hand), inverse=True)


async def _take_turns(api: Api, rounds: int, calls: int, at_a_time: int, *fetches: Fetch) -> list[list[float]]:
    figures: list[list[float]] = [[] for _ in fetches]
    for number in range(-1, rounds):
        for turn in range(len(fetches)):
            which = (number + turn) % len(fetches)
            took = await _all(api, calls, at_a_time, fetches[which])
            if number >= 0:
                figures[which].append(took)
    return figures


async def _all(api: Api, calls: int, at_a_time: int, fetch: Fetch) -> float:
    """Seconds. What is under way at the same time asks for different devices: alike, it would share a request."""
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            assert await fetch(api.phones[number % len(api.phones)])

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_a_time)))
    return time.perf_counter() - began


def _counted(server: SiperbServer, calls: Callable[[], object]) -> int:
    server.clear()
    server.fail("devices", Delay(0.5))
    calls()
    return len(server.requests)


def _threads(client: Siperb) -> None:
    threads = [threading.Thread(target=client.get_devices) for _ in range(ALIKE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def _tasks(server: SiperbServer) -> int:
    async with AsyncSiperb(server.pat, base_url=server.base_url, strict=True) as client:
        await client.login()
        server.clear()
        await asyncio.gather(*(client.get_devices() for _ in range(ALIKE)))
    return len(server.requests)


def _client(api: Api) -> AsyncSiperb:
    return AsyncSiperb(api.pat, base_url=api.base_url, strict=True)


def _headers(api: Api) -> dict[str, str]:
    return {"X-Api-Key": api.session_token, "Content-Type": "application/json"}


def _path(api: Api, token: str) -> str:
    return f"/Users/{api.user_id}/Devices/{token}/{QUERY}"


def settings_of(body: bytes) -> Any:
    device = json.loads(body)
    if device["Platform"] != "script":
        raise ValueError("not a script device")
    return device["Settings_json"]
