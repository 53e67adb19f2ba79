"""What the loopback API was asked: every request as it came, and a way to wait for the next ones without sleeping."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING

import attrs

from siperb.testing.paths import Route
from siperb.testing.signals import Signal

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy


@attrs.frozen
class RecordedRequest:
    """A request as it was sent. The repr has only the method and the route, as the rest holds secrets."""

    method: str
    """The method, e.g. "GET"."""
    route: Route | None
    """The name of the operation, e.g. "devices". None for a path that the API does not have."""
    path: str = attrs.field(repr=False)
    """The raw path, %-escapes untouched."""
    path_qs: str = attrs.field(repr=False)
    """The raw path with its query."""
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    """The headers, in any case, repeated ones too: `headers.getall("X-Api-Key")`."""
    body: bytes = attrs.field(repr=False)
    """The body."""


@attrs.frozen(eq=False)
class _Awaited:
    count: int
    route: Route | None
    arrived: Signal = attrs.field(factory=Signal)


class Recorder:
    """The requests in the order of their arrival. With `keep=False` none is kept, for a server that runs for long."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []
        self._counts: Counter[Route | None] = Counter()
        self._awaited: list[_Awaited] = []

    def add(self, request: RecordedRequest) -> None:
        with self._lock:
            if self._keep:
                self._requests.append(request)
            self._counts[request.route] += 1
            for awaited in self._awaited:
                if self._count(awaited.route) >= awaited.count:
                    awaited.arrived.set()

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._counts.clear()

    def all(self, route: Route | None = None) -> list[RecordedRequest]:
        """Those of one route, or all."""
        with self._lock:
            return [request for request in self._requests if route in (None, request.route)]

    def block(self, count: int, timeout: float, route: Route | None) -> list[RecordedRequest]:
        with self._awaiting(count, timeout, route) as arrived:
            arrived.block(timeout)
        return self.all(route)

    async def wait(self, count: int, timeout: float, route: Route | None) -> list[RecordedRequest]:
        with self._awaiting(count, timeout, route) as arrived, contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(arrived.wait(), timeout)
        return self.all(route)

    @contextlib.contextmanager
    def _awaiting(self, count: int, timeout: float, route: Route | None) -> Generator[Signal, None, None]:
        awaited = _Awaited(count, route)
        with self._lock:
            self._awaited.append(awaited)
            if self._count(route) >= count:
                awaited.arrived.set()
        try:
            yield awaited.arrived
        finally:
            with self._lock:
                self._awaited.remove(awaited)
        if not awaited.arrived.is_set:
            came, kind = self._count(route), f"{route} requests" if route else "requests"
            raise TimeoutError(f"{came} of {count} {kind} came in {timeout:g} s")

    def _count(self, route: Route | None) -> int:
        return self._counts.total() if route is None else self._counts[route]
