"""The faults ordered of a server, first ordered first served."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import get_args

import attrs

from siperb.testing.faults import Fault
from siperb.testing.paths import Route


@attrs.define(eq=False)
class Order:
    """The steps of an answer, and of how many more answers (None: of all)."""

    route: Route | None
    steps: Sequence[Fault]
    left: int | None
    method: str | None = None


class Orders:
    """Filled by tests, emptied by the server's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Order] = []

    def add(self, route: Route | None, steps: Sequence[Fault], times: int | None, method: str | None) -> None:
        if route not in (None, *get_args(Route)):
            raise ValueError(f"no route {route!r}: choose one of {', '.join(get_args(Route))}, or None for any path")
        if not steps or any(isinstance(step, type) or not hasattr(step, "apply") for step in steps):
            raise TypeError("give one or more faults, such as Status(503): objects, not classes, with `apply`")
        if times is not None and times < 1:
            raise ValueError("times must be at least 1, or None for all requests to come")
        with self._lock:
            self._orders.append(Order(route, steps, times, method))

    def take(self, route: Route | None, method: str) -> Sequence[Fault]:
        """The steps for a request that has come by `route` with `method`; none if nothing is ordered of it."""
        if not self._orders:
            return ()
        with self._lock:
            for order in self._orders:
                if order.route in (None, route) and order.method in (None, method):
                    if order.left is not None:
                        order.left -= 1
                        if not order.left:
                            self._orders.remove(order)
                    return order.steps
        return ()

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def waiting(self) -> list[Order]:
        with self._lock:
            return [attrs.evolve(order) for order in self._orders]
