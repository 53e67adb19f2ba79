"""Rows next to code by hand: long lists, growth, memory, bulk, and a credential out of the keyring."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import aiohttp
import requests
from attrs import frozen

from siperb import AsyncSiperb, Siperb, SiperbState
from siperb.core.wire import Response, parse_devices
from siperb.testing.accounts import Accounts
from tests.benchmarks.figures import take_turns
from tests.benchmarks.peers import QUERY, URL, username_in
from tests.benchmarks.processes import code, cost, seconds_to_line
from tests.benchmarks.server import MANY

AT_A_TIME = 16
Rounds = list[list[float]]  # of ours, and of the one by hand


@frozen
class Row:
    """goal: the most that ours may be of the one by hand. measure: takes the number of rounds; None: not here."""

    what: str
    by_hand: str
    unit: str
    goal: float
    measure: Callable[[int], Rounds | None]


def _home_and_headers(client: Siperb) -> tuple[str, dict[str, str]]:
    session = client.login()
    home = f"{URL}/Users/{session.user_id}/Devices/"
    return home, {"X-Api-Key": session.session_token, "Content-Type": "application/json"}


def _devices(rounds: int) -> Rounds:
    with Siperb(strict=True, state=SiperbState()) as client, requests.Session() as session:
        home, headers = _home_and_headers(client)
        session.headers.update(headers)

        def ours() -> float:
            client.state.clear()  # the last list, as the other one is gone too
            began = time.perf_counter()
            found = client.get_devices()
            took = time.perf_counter() - began
            assert len(found) == MANY - 1  # one of which is no script device
            return took

        def by_hand() -> float:
            began = time.perf_counter()
            answer = session.get(home, timeout=(5, 30))
            answer.raise_for_status()
            found = json.loads(answer.content)
            took = time.perf_counter() - began
            assert len(found) == MANY
            return took

        return take_turns(2 * rounds, ours, by_hand)


def _growth(rounds: int) -> Rounds:
    """Parsing alone: the CPU time of a device of the longest list, by that of the shortest."""

    def cost_of_a_device(parse: Callable[[bytes], object], size: int, body: bytes) -> float:
        times = max(1, 10_000 // size)
        began = time.process_time()
        for _ in range(times):
            parse(body)
        return (time.process_time() - began) / (times * size)

    def ours(body: bytes) -> object:
        return parse_devices(Response(200, body))

    lists = [(size, _body(size)) for size in (100, 100_000)]
    runs = [partial(cost_of_a_device, parse, *of_size) for parse in (ours, json.loads) for of_size in lists]
    short, long, short_json, long_json = take_turns(rounds, *runs)
    return [
        [most / least for most, least in zip(long, short, strict=True)],
        [most / least for most, least in zip(long_json, short_json, strict=True)],
    ]


def _memory(_: int) -> Rounds:
    return [[float(cost(code("rows", f"memory_of_devices({name!r})"), os.environ)[1])] for name in ("siperb", "json")]


def memory_of_devices(name: str) -> None:
    """Print the MB that 100,000 devices take."""
    import tracemalloc

    body = _body(100_000)
    parse_devices(Response(200, b"[]"))  # loads what is loaded once
    tracemalloc.start()
    kept: object = parse_devices(Response(200, body)) if name == "siperb" else json.loads(body)
    print(tracemalloc.get_traced_memory()[0] / 1e6)
    del kept


def _body(size: int) -> bytes:
    accounts = Accounts()
    accounts.add_devices(size - len(accounts.user.devices))
    return accounts.user.devices.to_json()


def _threads(rounds: int) -> Rounds:
    local = threading.local()
    with Siperb(strict=True, state=SiperbState()) as client:
        home, headers = _home_and_headers(client)
        tokens = [device.device_token for device in client.get_devices()][:3_000]

        def fetched(token: str) -> object:
            if not hasattr(local, "session"):  # which is for one thread
                local.session = requests.Session()
                local.session.headers.update(headers)
            answer = local.session.get(f"{home}{token}/{QUERY}", timeout=(5, 30))
            answer.raise_for_status()
            return username_in(json.loads(answer.content))

        def ours() -> float:
            began = time.perf_counter()
            assert all(result.provisioning for result in client.provision_all(tokens, concurrency=AT_A_TIME))
            return time.perf_counter() - began

        def by_hand() -> float:
            began = time.perf_counter()
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                assert all(pool.map(fetched, tokens))
            return time.perf_counter() - began

        return take_turns(rounds // 2, ours, by_hand)


def _tasks(rounds: int) -> Rounds:
    with Siperb(strict=True, state=SiperbState()) as client:
        home, headers = _home_and_headers(client)
        tokens = [device.device_token for device in client.get_devices()]

    async def ours() -> float:
        async with AsyncSiperb(strict=True) as client:
            await client.login()
            began = time.perf_counter()
            async for result in client.provision_all(tokens, concurrency=AT_A_TIME):
                assert result.provisioning  # and not kept, as by hand
            return time.perf_counter() - began

    async def by_hand() -> float:
        async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
            waiting, began = iter(tokens), time.perf_counter()

            async def work() -> None:
                for token in waiting:
                    async with session.get(f"{home}{token}/{QUERY}") as answer:
                        assert username_in(json.loads(await answer.read()))

            await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
            return time.perf_counter() - began

    return take_turns(rounds // 2, lambda: asyncio.run(ours()), lambda: asyncio.run(by_hand()))


def _cached(rounds: int) -> Rounds | None:
    """In the Secret Service that tests/secret_service.sh starts: no benchmark writes to a user's own keyring."""
    if "SIPERB_TEST_SECRET_SERVICE" not in os.environ:
        return None

    def seconds(call: str) -> float:
        took, line = seconds_to_line(code("cached", call), os.environ)
        assert line == "ok", line
        return took

    cost(code("cached", "fill()"), os.environ)
    try:
        return take_turns(2 * rounds, lambda: seconds("ours()"), lambda: seconds("by_hand()"))
    finally:
        cost(code("cached", "empty()"), os.environ)


ROWS = {
    "devices": Row("10,000 devices, fetched and parsed", "requests and json", "ms", 1.35, _devices),
    "growth": Row("cost of a device, 100,000 parsed by 100 parsed", "json.loads", "×", 1.15, _growth),
    "memory": Row("memory of 100,000 devices", "the parsed JSON", "MB", 1.2, _memory),
    "tasks": Row("10,000 devices provisioned, async, 16 at a time", "aiohttp and json", "s", 1.2, _tasks),
    "threads": Row("3,000 devices provisioned, 16 threads", "16 threads with requests", "s", 1.1, _threads),
    "cached": Row("cached credential, whole process", "`keyring`, two look-ups", "ms", 1.3, _cached),
}


def measured(name: str, rounds: int) -> Rounds | None:
    """In a process of its own, as what the rows before leave behind slows down both sides by different factors."""
    return ROWS[name].measure(rounds)
