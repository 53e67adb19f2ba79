"""Thousands of devices provisioned: how long it takes, how much memory a run needs beside the list of devices."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import psutil
import requests

from siperb import AsyncSiperb, Siperb, SiperbState
from tests.benchmarks.api import Api
from tests.benchmarks.calls import QUERY, settings_of
from tests.benchmarks.measure import Figures, take_turns

AT_A_TIME = 16


def by_tasks(api: Api, quick: bool) -> Figures:
    return asyncio.run(_against_aiohttp(api, 1_000 if quick else 9_999, 3 if quick else 5))


def by_threads(api: Api, quick: bool) -> Figures:
    headers = {"X-Api-Key": api.many_session_token, "Content-Type": "application/json"}
    local = threading.local()

    def fetched(token: str) -> object:
        if not hasattr(local, "session"):  # which is for one thread
            local.session = requests.Session()
            local.session.headers.update(headers)
        url = f"{api.base_url}/Users/{api.many_user_id}/Devices/{token}/{QUERY}"
        answer = local.session.get(url, timeout=(5, 30))
        answer.raise_for_status()
        return settings_of(answer.content)

    with Siperb(api.pat_of_many, base_url=api.base_url, strict=True, state=SiperbState()) as client:
        tokens = [device.device_token for device in client.get_devices()][: 500 if quick else 3_000]

        def ours() -> float:
            began = time.perf_counter()
            assert all(result.provisioning for result in client.provision_all(tokens, concurrency=AT_A_TIME))
            return time.perf_counter() - began

        def by_hand() -> float:
            began = time.perf_counter()
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                assert all(pool.map(fetched, tokens))
            return time.perf_counter() - began

        return Figures(*take_turns(3 if quick else 5, ours, by_hand), note=f"{len(tokens):,} devices")


async def _against_aiohttp(api: Api, devices: int, rounds: int) -> Figures:
    headers = {"X-Api-Key": api.many_session_token, "Content-Type": "application/json"}
    process = psutil.Process()
    grown = 0.0
    ours: list[float] = []
    peer: list[float] = []
    async with (
        AsyncSiperb(api.pat_of_many, base_url=api.base_url, strict=True) as client,
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as session,
    ):
        tokens = [device.device_token for device in await client.get_devices()][:devices]

        async def by_hand() -> None:
            waiting = iter(tokens)

            async def work() -> None:
                for token in waiting:
                    url = f"{api.base_url}/Users/{api.many_user_id}/Devices/{token}/{QUERY}"
                    async with session.get(url) as answer:
                        assert settings_of(await answer.read())

            await asyncio.gather(*(work() for _ in range(AT_A_TIME)))

        for _ in range(rounds):
            before, began, count = process.memory_info().rss, time.perf_counter(), 0
            async for result in client.provision_all(tokens, concurrency=AT_A_TIME):
                assert result.provisioning
                count += 1
                if count % 500 == 0:
                    grown = max(grown, (process.memory_info().rss - before) / 2**20)
            ours.append(time.perf_counter() - began)
            assert count == len(tokens)
            began = time.perf_counter()
            await by_hand()
            peer.append(time.perf_counter() - began)
    return Figures(ours, peer, note=f"{len(tokens):,} devices; at most {grown:.1f} MiB more during a run")
