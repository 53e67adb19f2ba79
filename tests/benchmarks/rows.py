"""The rows of the table: what is measured, against what, and the goal."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from tests.benchmarks import bulk, calls, documents, startup
from tests.benchmarks.api import Api, running_api
from tests.benchmarks.measure import Figures, Goal


@frozen
class Row:
    what: str
    peer: str
    goal: Goal
    measure: Callable[[Api, bool], Figures | None]


ROWS = {
    "import": Row("`import siperb`, a whole process", "`import attrs`", Goal(0.5), startup.importing),
    "client": Row("import and `Siperb()`, a whole process", "`import requests`", Goal(1.0), startup.constructing),
    "first": Row("first credential, CPU of the process", "by hand on requests", Goal(1.33), startup.first),
    "first-counted": Row("the same, in instructions", "by hand on requests", Goal(1.33), startup.first_counted),
    "first-wall": Row(
        "the same, in time, with an API that takes 50 ms", "by hand on requests", Goal(1.15), startup.first_wall
    ),
    "first-memory": Row("the same, most memory", "by hand on requests", Goal(1.13), startup.first_memory),
    "first-async": Row("the same, async", "by hand on aiohttp", Goal(1.3), startup.first_async),
    "cached": Row(
        "cached credential, process to value", "`import keyring`, two `get_password`", Goal(1.3), startup.cached
    ),
    "call": Row("one warm call", "requests.Session and json", Goal(1.1), calls.one_sync),
    "cached-call": Row("one warm cached call", "one `keyring.get_password`", Goal(0.5), calls.one_cached),
    "async-64": Row("async, 64 at a time: throughput", "aiohttp and json", Goal(0.78, True), calls.async_64),
    "async-8": Row("async, 8 at a time: throughput", "httpx and json", Goal(1.5, True), calls.async_8),
    "devices": Row("10,000 devices, fetched and parsed", "requests and json", Goal(1.6), documents.fetched),
    "growth": Row(
        "growth of a device's cost, 100 to 100,000 parsed", "that of json.loads", Goal(1.1), documents.growth
    ),
    "memory": Row("memory of 100,000 devices", "the parsed JSON", Goal(1.5), documents.memory),
    "bulk": Row("10,000 devices provisioned, 16 at a time, async", "aiohttp and json", Goal(1.2), bulk.by_tasks),
    "bulk-sync": Row("3,000 devices provisioned, 16 at a time", "16 threads with requests", Goal(1.1), bulk.by_threads),
    "alike": Row("requests of 200 identical calls at once", "one call", Goal(1.0), calls.alike),
}


def measured(name: str, quick: bool) -> Figures | None:
    """In a process of its own, as what the rows before leave behind meets ours and the peer's by different factors."""
    with running_api() as api:
        return ROWS[name].measure(api, quick)
