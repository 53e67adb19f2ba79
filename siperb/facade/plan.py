"""A call that is ready to be driven, what becomes of its failure, and the queue of those that are driven later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Hashable, Iterable, Sized
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from attrs import evolve, field, frozen

from siperb.core import flows
from siperb.core.effects import Flow, Later
from siperb.core.flows import Credentials
from siperb.core.records import Key
from siperb.core.retry import Context
from siperb.errors import APIConnectionError, APIError, ProvisioningError, SiperbError

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")

REFRESH_TIMEOUT = 10.0  # seconds


def same(result: T) -> T:
    return result


class Era:
    """The time between two logouts of a client."""

    is_over = False


@frozen(eq=False, repr=False)
class Plan(Generic[T]):
    """A call: its flow, and what to do with the result. Two of one identity at the same time share one run.

    bound_to_login: it does not log in by itself once the client has logged out, or in as somebody else.
    stop: set when nobody waits for it any more, so that it does not wait either.
    era: in which it was made; when that is over nothing of it is published or saved any more.
    """

    context: Context
    credentials: Credentials
    flow: Callable[[], Flow[T]]
    publish: Callable[[T], T] = same
    identity: Hashable = field(factory=object)
    bound_to_login: bool = False
    stop: threading.Event | None = None
    era: Era = Era()  # noqa: RUF009 (one that never ends)

    @property
    def is_wanted(self) -> bool:
        return not self.era.is_over

    def finish(self, result: T) -> T:
        """Publish the result, if it is still wanted."""
        return self.publish(result) if self.is_wanted else result


class Lenient:
    """``with`` this, a failure of the API becomes one warning and no result, unless `strict`."""

    def __init__(self, what: str, strict: bool) -> None:
        self._what = what
        self._strict = strict

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._strict or not isinstance(error, (APIError, ProvisioningError)):
            return False
        logger.warning("%s returns None: %s", self._what, error)
        return True


class RefreshQueue:
    """The cached answers that are to be fetched anew: each once, one after the other, by one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Key, tuple[Later, Plan[Any]]] = {}
        self._has_worker = False

    def add(self, later: Later, plan: Plan[Any]) -> bool:
        """Queue the refresh that `plan` found due; True when the caller has to start the worker."""
        with self._lock:
            self._waiting.setdefault(later.key, (later, plan))
            had_worker, self._has_worker = self._has_worker, True
            return not had_worker

    def first(self, latest: float = float("inf")) -> Plan[None] | None:
        """The refresh to do now, which stays queued until `doing` it has ended; None sends the worker home.

        latest: when it has to have ended, by the clock.
        """
        with self._lock:
            if not self._waiting:
                self._has_worker = False
                return None
            later, plan = next(iter(self._waiting.values()))
        context = evolve(plan.context, deadline=min(plan.context.clock() + REFRESH_TIMEOUT, latest))
        flow = partial(flows.refresh, context, later)
        return Plan(context, plan.credentials, flow, identity=later.key, bound_to_login=True, era=plan.era)

    @contextmanager
    def doing(self, refresh: Plan[None]) -> Generator[None, None, None]:
        """``with`` this a refresh fails with a warning, and is off the queue when it has ended.

        All others go too when no answer came: they would wait for none either.
        """
        failure: SiperbError | None = None
        try:
            yield
        except SiperbError as error:
            failure = error
            logger.warning("What is cached could not be refreshed: %s", error)
        with self._lock:
            self._waiting.pop(cast(Key, refresh.identity), None)
            if isinstance(failure, APIConnectionError):
                self._waiting.clear()

    def clear(self) -> None:
        """Drop what waits; the worker ends with what it does."""
        with self._lock:
            self._waiting.clear()

    def stop(self) -> None:
        """Drop what waits, as the worker is gone."""
        with self._lock:
            self._waiting.clear()
            self._has_worker = False


class Progress:
    """Tells how far a bulk run is."""

    def __init__(self, device_tokens: Iterable[str], report: Callable[[int, int | None], None] | None) -> None:
        self._report = report
        self._total = len(device_tokens) if isinstance(device_tokens, Sized) else None
        self._done = 0

    def step(self) -> None:
        self._done += 1
        if self._report:
            self._report(self._done, self._total)
