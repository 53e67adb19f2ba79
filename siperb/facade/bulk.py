"""Bulk runs: what the calls of one have in common, and what is to be done with each item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from queue import SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from siperb.core.flows import Credentials
from siperb.core.retry import Refusal, Throttle
from siperb.errors import SiperbError
from siperb.facade.invocation import Epoch
from siperb.models import BulkResult

Item = TypeVar("Item")
R = TypeVar("R")

OnProgress: TypeAlias = "Callable[[int, int | None], None] | None"


@frozen(eq=False, repr=False)
class BulkRun:
    """What the calls of a bulk run have in common: whose they are, how long they hold back, what has ended them.

    client: what a client and its views alone have in common. stops: its own and those of the runs that it is part of,
    each filled when nobody waits for it any more.
    """

    client: object
    epoch: Epoch
    credentials: Credentials
    began: float
    refusal: Refusal
    throttle: Throttle = field(factory=Throttle)
    stops: tuple[SimpleQueue[None], ...] = ()

    def refuse_if_stopped(self) -> None:
        if not all(stop.empty() for stop in self.stops):
            raise SiperbError("Nobody waits for this any more.")

    def check(self) -> None:
        """Raise why no more items are to be begun."""
        self.refuse_if_stopped()
        self.refusal.check(self.began)


@frozen(eq=False, repr=False)
class Bulk(Generic[Item, R]):
    """A bulk run, ready to be driven.

    work: the value for an item, or the coroutine of it.
    items: may have more after their end, when the result of an earlier one has been finished.
    finish: what the consumer gets of a result; None for nothing.
    """

    work: Callable[[Item], Any]
    items: Iterator[Item]
    concurrency: int
    finish: Callable[[BulkResult[Item, Any]], R | None]


class Progress:
    """Tells an `on_progress` how many are done, and how many there are, if that is known."""

    def __init__(self, on_progress: OnProgress, items: Iterable[object] | None) -> None:
        self._on_progress = on_progress
        self.total: int | None = len(items) if isinstance(items, Sized) else None
        self._done = 0

    def __call__(self, result: R) -> R:
        self._done += 1
        if self._on_progress:
            self._on_progress(self._done, self.total)
        return result


def failure(item: Item, error: Exception) -> BulkResult[Item, Any]:
    """What `work` has raised, without our own frame in its traceback: that would hold the item."""
    traceback = error.__traceback__
    return BulkResult(item, error=error.with_traceback(traceback and traceback.tb_next))
