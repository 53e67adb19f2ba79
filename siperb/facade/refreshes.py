"""The cached answers that are to be fetched anew, behind the calls that found them."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from attrs import evolve

from siperb.cache.records import Key
from siperb.core import flows
from siperb.core.effects import Later
from siperb.errors import APIConnectionError, SiperbError
from siperb.facade.invocation import Invocation

logger: logging.Logger = logging.getLogger("siperb")

REFRESH_TIMEOUT = 10.0  # seconds


class Refreshes:
    """Each once, one after the other, by one worker. What is due stays here until it has been done."""

    def __init__(self) -> None:
        self._due: dict[Key, tuple[Later, Invocation[Any]]] = {}

    def add(self, later: Later, invocation: Invocation[Any]) -> bool:
        """Note that the refresh which `invocation` asks for is due; whether it was not so already."""
        new = later, invocation
        return self._due.setdefault(later.key, new) is new

    def first(self) -> Key | None:
        return next(iter(self._due.copy()), None)

    def invocation(self, key: Key, latest: float = float("inf")) -> Invocation[None] | None:
        """The refresh of this key; None when it is due no more. latest: when it has to have ended, by the clock."""
        later, found_by = self._due.get(key, (None, None))
        if later is None or found_by is None:
            return None
        context = found_by.context
        context = evolve(context, limit=min(context.clock() + REFRESH_TIMEOUT, latest), throttle=None)
        flow = partial(flows.refresh, context, later)
        return evolve(
            found_by, context=context, flow=flow, publish=ignore, identity=key, is_bound_to_login=True, stop=None
        )

    @contextmanager
    def doing(self, key: Key) -> Generator[None, None, None]:
        """``with`` this a refresh fails with a warning, and is due no more when it has ended.

        When no answer came, all others are dropped too: none would come for them either.
        """
        try:
            yield
        except SiperbError as error:
            logger.warning("What is cached could not be refreshed: %s", error)
            if isinstance(error, APIConnectionError):
                self._due.clear()
        self._due.pop(key, None)

    def clear(self) -> None:
        self._due.clear()

    def keys(self) -> set[Key]:
        return set(self._due.copy())

    def __bool__(self) -> bool:
        return bool(self._due)


def ignore(_: object) -> None: ...
