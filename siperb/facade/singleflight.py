"""Singleflight: calls of one identity at the same time share one run. What is shared, and when, for both facades.

A run may end at any instruction: by an interrupt, a cancellation, a signal handler's exception. Nothing here has to be
cleaned up for that: whether a run is under way follows from whether its code is being executed.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from copy import copy
from typing import Generic, TypeVar

from siperb.core.retry import Context
from siperb.errors import APITimeoutError, SiperbError

T = TypeVar("T")

WORTH_A_TRY = 0.05  # seconds that a call must have left, to make a run of its own after another's was cut short


class Run(Generic[T]):
    """One run. context: of the call that makes it, whose deadline cuts it short. mark: in `being_made` meanwhile."""

    has_ended: bool = False  # with something that others may have too
    _value: T
    _error: SiperbError | None = None

    def __init__(self, context: Context) -> None:
        self.context = context
        self.mark: object = object()

    def end(self, outcome: T | SiperbError) -> None:
        if isinstance(outcome, SiperbError):
            self._error = outcome
        else:
            self._value = outcome
        self.has_ended = True

    def is_for(self, context: Context) -> bool:
        """Whether it ended as it would have for a call with this context's deadline."""
        was_cut_short = self._error is not None and self._error.is_for_lack_of_time
        return self.has_ended and not (was_cut_short and self.context.deadline + WORTH_A_TRY < context.deadline)

    def result(self, *, is_own: bool) -> T:
        """What the run came to; a copy of its error for all but the one who made it, as raising adds a traceback."""
        if self._error is not None:
            raise self._error if is_own else copy(self._error)
        return self._value


def time_left(context: Context, grace: float = 0.0) -> float:
    """Seconds until its deadline, and `grace`; `APITimeoutError` when there is none."""
    left = context.deadline + grace - time.monotonic()
    if left <= 0:
        raise APITimeoutError("The call got no answer in time: check the network or raise the timeout.")
    return left


being_made: ContextVar[tuple[object, ...]] = ContextVar("being_made", default=())
"""The runs that the code is part of: a call from a hook or a signal handler must not wait for what waits for it.

By their marks, as an event loop keeps the context of a timer long after its end, and would keep what the run got.
"""
