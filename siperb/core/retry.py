# pyright: reportUnusedCallResult=error
"""Send, and send again what a second try may mend."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from copy import copy

from attrs import define, field

from siperb.cache.records import Key
from siperb.core.effects import Flow, send, sleep
from siperb.core.status import raise_for_status
from siperb.core.wire import Request, Response
from siperb.errors import (
    APIError,
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    SiperbError,
)

logger: logging.Logger = logging.getLogger("siperb")

RETRY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each retry; the last holds for all that follow
LONGEST_RETRY_AFTER = 60.0  # seconds
PAT_REFUSED = 1.0  # seconds after a session could not be renewed in which no call tries it by itself


def check_timeout(timeout: object) -> float:
    """Seconds; `ConfigurationError` for what is no time to wait."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < 86400:
        raise ConfigurationError("The timeout must be a number of seconds, more than 0 and less than 86400.")
    return float(timeout)


class Throttle:
    """Holds a bulk run back, as the API asked one of its calls to. until: by the clock. held: seconds, in all."""

    until: float = float("-inf")
    held: float = 0.0

    def hold(self, now: float, seconds: float) -> None:
        until = max(self.until, now + seconds)
        self.held += until - max(self.until, now)
        self.until = until

    def limit(self, now: float, timeout: float) -> float:
        """The `Context.limit` of a call that begins as soon as it may."""
        held = self.held  # read first: it is held back longer meanwhile, if at all
        return max(now, self.until) + timeout - held


class Refusal:
    """That the API has refused a PAT, or the session of a login just made: no call that began before asks again."""

    _until: float = float("-inf")
    error: SiperbError = SiperbError()

    def clear(self, error: SiperbError) -> None:
        """Forget it, if this is still what the API said last."""
        if self.error is error:
            self._until = float("-inf")

    def note(self, error: AuthenticationError, until: float) -> None:
        self._until, self.error = until, copy(error)

    def check(self, began: float) -> None:
        """Raise what the API said, for a call that began by then."""
        if began <= self._until:
            raise copy(self.error)


@define(eq=False, repr=False)
class Context:
    """What a flow is handed instead of a world of its own.

    origin: the base_url that the call's tokens belong to.
    limit: when the call must end, by `clock`, unless its bulk run is held back.
    clock: monotonic seconds. now: seconds since the epoch. random: in [0, 1).
    failures: when the refresh of a record last failed, by `clock`; shared by the flows of a client.
    throttle: shared by the calls of a bulk run.
    began: when the call, or the bulk run, began, by `clock`. refusal: shared by the calls of one account.
    domain_user: whose the call is, if not the session's user's.
    """

    origin: str
    limit: float
    max_retries: int
    clock: Callable[[], float]
    now: Callable[[], float]
    random: Callable[[], float]
    failures: MutableMapping[Key, float] = field(factory=dict[Key, float])
    throttle: Throttle | None = None
    began: float = float("inf")
    refusal: Refusal = field(factory=Refusal)
    domain_user: str | None = None

    @property
    def deadline(self) -> float:
        """When the call must end, by `clock`: what its bulk run has been held back is not of its time."""
        return self.limit + (self.throttle.held if self.throttle else 0.0)

    def owner(self, user_id: str) -> str:
        return Key.scope_of(self.origin, user_id)


def attempt(context: Context, request: Request) -> Flow[Response]:
    """Send, and send again what a second try may mend; what is not repeatable when it was certainly not carried out."""
    retries = 0
    was_sent = False
    while True:
        while context.throttle and (wait := context.throttle.until - context.clock()) > 0:
            yield from sleep(wait)
        try:
            response = yield from send(request, context.deadline)
            raise_for_status(request, response, now=context.now())
        except APIError as error:
            if was_sent and request.method == "DELETE" and isinstance(error, NotFoundError):
                return Response(204)  # gone, by the try whose answer was lost
            was_sent = was_sent or _may_be_done(error)
            error.maybe_done = was_sent and not request.repeatable
            asked = error.retry_after if isinstance(error, APIStatusError) else None
            if context.throttle and asked is not None:
                context.throttle.hold(context.clock(), min(asked, LONGEST_RETRY_AFTER))
            delay = None if error.maybe_done else _delay(context, error, retries)
            error.is_for_lack_of_time = context.clock() + (delay or 0.0) >= context.deadline
            if delay is None or error.is_for_lack_of_time:
                raise
            logger.info("Trying again in %.1f s: %s", delay, error)
        else:
            return response
        retries += 1
        yield from sleep(delay)


def _may_be_done(error: APIError) -> bool:
    """Whether the API may have carried out what it did not confirm. That of no answer is known to the transport."""
    if not isinstance(error, APIStatusError):
        return error.maybe_done
    if error.status_code == 503:
        return error.retry_after is None
    return error.status_code == 408 or error.status_code >= 500


def _delay(context: Context, error: APIError, retries: int) -> float | None:
    """Seconds until the next try; None when there is to be none."""
    if retries >= context.max_retries or isinstance(error, APIResponseError):
        return None
    delay = context.random() * LONGEST_DELAYS[min(retries, len(LONGEST_DELAYS) - 1)]
    if isinstance(error, APIStatusError):
        if error.status_code not in RETRY_STATUSES:
            return None
        if error.retry_after is not None:
            delay = error.retry_after
    return delay if delay <= LONGEST_RETRY_AFTER else None
