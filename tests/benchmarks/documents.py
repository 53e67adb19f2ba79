"""Long lists of devices: how long they take, and how much they hold."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import requests

from siperb import Siperb, SiperbState
from siperb.core.wire import Response, parse_devices
from siperb.testing.accounts import Accounts
from tests.benchmarks.api import MANY, Api
from tests.benchmarks.measure import Figures, take_turns
from tests.benchmarks.processes import ROOT, program


def fetched(api: Api, quick: bool) -> Figures:
    url = f"{api.base_url}/Users/{api.many_user_id}/Devices/"
    with (
        Siperb(api.pat_of_many, base_url=api.base_url, strict=True, state=SiperbState()) as client,
        requests.Session() as session,
    ):
        session.headers.update({"X-Api-Key": api.many_session_token, "Content-Type": "application/json"})

        def ours() -> float:
            client.state.clear()  # the last list, as the peer's is gone too
            began = time.perf_counter()
            devices = client.get_devices()
            took = time.perf_counter() - began
            assert devices
            assert len(devices) == MANY - 1  # one of which is no script device
            return took

        def by_hand() -> float:
            began = time.perf_counter()
            answer = session.get(url, timeout=(5, 30))
            answer.raise_for_status()
            devices = json.loads(answer.content)
            took = time.perf_counter() - began
            assert len(devices) == MANY
            return took

        return Figures(*take_turns(7 if quick else 21, ours, by_hand))


def growth(api: Api, quick: bool) -> Figures:
    """Parsing alone, CPU seconds a device: of the largest list by those of the smallest, ours and of `json.loads`."""
    sizes = (100, 1_000, 10_000, 100_000)
    bodies = [_body(size) for size in sizes]

    def cost(parse: Callable[[bytes], object], size: int, body: bytes) -> float:
        times = max(1, 10_000 // size)
        began = time.process_time()
        for _ in range(times):
            parse(body)
        return (time.process_time() - began) / (times * size)

    def ours(body: bytes) -> object:
        return parse_devices(Response(200, body))

    runs = [
        partial(cost, parse, *of_size) for parse in (ours, json.loads) for of_size in zip(sizes, bodies, strict=True)
    ]
    costs = take_turns(5 if quick else 11, *runs)
    medians = [f"{median(each) * 1e6:.2f}" for each in costs]
    steps = "; ".join(
        f"{size:,}: {mine} ({peer})" for size, mine, peer in zip(sizes, medians[:4], medians[4:], strict=True)
    )
    ours_grew, json_grew = (
        [most / least for least, most in zip(costs[first], costs[first + 3], strict=True)] for first in (0, 4)
    )
    return Figures(ours_grew, json_grew, unit="times", note=f"µs a device, and of json.loads: {steps}")


def memory(api: Api, quick: bool) -> Figures:
    ours, peer = _bytes("ours"), _bytes("json")
    note = f"at most at a time {ours[1] / peer[1]:.2f} ×"
    return Figures([float(ours[0])], [float(peer[0])], unit="MB", note=note)


def _bytes(whose: str) -> tuple[int, int]:
    command = [*program("memory_of_devices"), whose]
    kept, most = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    return int(kept), int(most)


def _body(size: int) -> bytes:
    accounts = Accounts()
    accounts.add_devices(size - len(accounts.user.devices))
    return accounts.user.devices.to_json()
