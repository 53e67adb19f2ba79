"""The client that a command uses: it raises, publishes nowhere, and says on a terminal what it waits for."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn, TypeVar

from siperb.cache import KeyringCache
from siperb.cli.credentials import given
from siperb.cli.wait import Wait
from siperb.core.wire import Request, Response
from siperb.state import SiperbState
from siperb.sync.client import Siperb
from siperb.threads import Outcome, WorkerPool

T = TypeVar("T")


class CommandClient(Siperb[NoReturn]):
    """held_until: when the last pause between two tries ends, by `time.monotonic`."""

    held_until: float = 0.0
    _last: Response | None = None

    async def _send(self, request: Request, origin: str, deadline: float) -> Response:
        self._last = None
        with self._wait(f"Waiting for the API: {request.method} {request.path_template}"):
            self._last = await super()._send(request, origin, deadline)
        return self._last

    async def _ask_cache(self, threads: WorkerPool, work: Callable[[], T], seconds: float) -> Outcome[T] | None:
        with self._wait("Waiting for the keyring"):
            return await super()._ask_cache(threads, work, seconds)

    async def _sleep(self, seconds: float) -> None:
        self.held_until = time.monotonic() + seconds
        with self._wait(self._why_again(), seconds):
            await super()._sleep(seconds)

    def _wait(self, text: str, seconds: float | None = None) -> AbstractContextManager[object]:
        if threading.current_thread() is not threading.main_thread():
            return nullcontext()  # one of many: a bar tells of them all
        return Wait(text, seconds=seconds)

    def _why_again(self) -> str:
        answer = self._last
        if answer is None:
            return "The API did not answer, next try"
        asked = "retry-after" in answer.headers
        return f"The API asked to wait ({answer.status})" if asked else f"The API failed ({answer.status}), next try"


class DryClient(CommandClient):
    """It reads, and raises `NotSent` in place of a write."""

    async def _send(self, request: Request, origin: str, deadline: float) -> Response:
        if request.method != "GET" and request.path_template != "/Login":
            raise NotSent(request)
        return await super()._send(request, origin, deadline)


class NotSent(Exception):
    """What would have been sent."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def client(arguments: argparse.Namespace, cache: KeyringCache | None = None, **options: Any) -> CommandClient:
    """For the account, the address and the timeout of the command line. options: kind, and those of `Siperb`."""
    cache = cache or KeyringCache()
    kind: type[CommandClient] = options.pop("kind", CommandClient)
    if "pat" not in options:
        options["pat"], _ = given(arguments, cache)
    if arguments.timeout is not None:
        options["timeout"] = arguments.timeout
    options = {"app_info": "cli", "state": SiperbState(), **options}
    return kind(base_url=arguments.base_url, cache=cache, strict=True, **options)
