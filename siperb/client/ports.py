"""What a call has with it, and the five ports through which its steps reach the world."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Hashable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from siperb.core.wire import Request, Response
from siperb.errors import SiperbError
from siperb.models import Session
from siperb.threads import Answer, Outcome, WorkerPool

if TYPE_CHECKING:
    from siperb.cache import Key

T = TypeVar("T")

NEVER = float("-inf")


class Account:
    """Whom calls are made as, between a login and a logout. A call keeps to the one that it began with.

    pat: None stands for the one that the cache holds. is_given: the session was passed in, and is never renewed.
    login_key: names the cached session; None while it is not cached.
    replaced: the token that `session` took the place of, at `renewed_at` by the monotonic clock.
    failure: of the last login, at `failed_at`; a refused PAT holds for all calls that began until `refused_until`.
    is_over: the client has logged out. Nothing of this account is published or stored any more.
    """

    is_given = False
    login_key: str | None = None
    replaced: str | None = None
    renewed_at: float = NEVER
    failure: SiperbError | None = None
    failed_at: float = NEVER
    refused_until: float = NEVER

    def __init__(
        self, origin: str, pat: str | None = None, session: Session | None = None, *, is_over: bool = False
    ) -> None:
        self.origin = origin
        self.pat = pat
        self.session = session
        self.is_over = is_over


class Run:
    """A bulk run: its calls are made as one account, and are held back together when the API asks one to wait.

    client: what a client and its views have in common. until: held back until then, by the monotonic clock.
    held: seconds, in all. stopped: filled when nobody waits for the run any more.
    """

    until: float = NEVER
    held: float = 0.0

    def __init__(self, client: object, account: Account) -> None:
        self.client = client
        self.account = account
        self.began: float = time.monotonic()
        self.stopped: Answer[None] = Answer()

    def hold_back(self, seconds: float) -> None:
        now = time.monotonic()
        until = max(self.until, now + seconds)
        self.held += until - max(self.until, now)
        self.until = until

    def check(self) -> None:
        """Raise `SiperbError` when nobody waits for the run any more."""
        if self.stopped.is_given:
            raise SiperbError("Nobody waits for this any more.")


class Call:
    """A call under way. began, limit: by the monotonic clock. is_bound: it ends with its account's login."""

    def __init__(
        self,
        account: Account,
        began: float,
        limit: float,
        login_key: str | None = None,
        run: Run | None = None,
        *,
        is_bound: bool = False,
    ) -> None:
        self.account = account
        self.began = began
        self.limit = limit
        self.login_key = login_key
        self.run = run
        self.is_bound = is_bound

    @property
    def deadline(self) -> float:
        """When the call must end. The time that its run is held back is not the call's."""
        return self.limit + self.run.held if self.run else self.limit

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self.deadline - time.monotonic(), 0.0)


class Ports:
    """What waits, in the library of a facade. Those of `Siperb` block, and never suspend."""

    def _send(self, request: Request, origin: str, deadline: float) -> Coroutine[Any, Any, Response]:
        """Return the answer to one request; `APIConnectionError` when there is none."""
        raise NotImplementedError

    async def _sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def _ask_cache(self, threads: WorkerPool, work: Callable[[], T], seconds: float) -> Outcome[T] | None:
        """Have one of the threads do the work; None when it takes longer, RuntimeError when there is no thread."""
        raise NotImplementedError

    def _alone(self, call: Call, name: Hashable = None) -> AbstractAsyncContextManager[None]:
        """``async with`` this one call of an account logs in, or makes what has this name; the others wait."""
        raise NotImplementedError

    def _behind(self, key: Key, refresh: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Run it in the background, once for each key; False when that is not possible."""
        raise NotImplementedError
