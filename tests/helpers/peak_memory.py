"""A program of `test_network_memory`: of each of five calls the error, the rise of the peak in MiB, the seconds."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import requests

from siperb import AsyncSiperb, Siperb, SiperbError


def peak() -> float:
    """MiB. Not `ru_maxrss`, which begins with the peak of the process that started this one."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


async def measure(kind: str, base_url: str, pat: str) -> list[Any]:
    is_async = kind.startswith("async")
    make: Any = AsyncSiperb if is_async else Siperb
    session: Any = (aiohttp.ClientSession if is_async else requests.Session)() if kind.endswith("own") else None
    client = make(pat, base_url=base_url, strict=True, max_retries=0, http_session=session)
    login = client.login()
    _ = await login if is_async else login
    before = peak()
    results: list[Any] = []
    for _ in range(5):
        begin = time.monotonic()
        try:
            devices = client.get_devices()
            _ = await devices if is_async else devices
        except SiperbError as error:
            results.append((type(error).__name__, peak() - before, time.monotonic() - begin))
    for one in filter(None, (client, session)):
        closing = one.close()
        _ = await closing if is_async else closing
    return results


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*sys.argv[1:]))))
