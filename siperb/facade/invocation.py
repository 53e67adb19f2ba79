"""One call of a client, ready to be driven."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from attrs import define, field

from siperb.core.effects import Flow
from siperb.core.flows import Credentials
from siperb.core.retry import Context, Refusal
from siperb.models import Session

if TYPE_CHECKING:
    from siperb.facade.bulk import BulkRun

T = TypeVar("T")

Account: TypeAlias = "tuple[str, str | None]"  # an origin and a PAT; None stands for the one that the cache holds


class Login(NamedTuple):
    """A session, and how it was got: in whose place, and when by the clock."""

    credentials: Credentials
    session: Session
    stale_token: str | None
    at: float


class Epoch:
    """What a client knows between two logouts: who has logged in, and whose its calls are.

    When it is over, nothing that began in it is published or stored any more.
    """

    account: Account | None = None  # of the last login

    def __init__(self, *, is_over: bool = False) -> None:
        self.is_over = is_over
        self.logins: dict[Account, Login] = {}
        self._refusals: dict[Account, Refusal] = {}

    def session(self, account: Account | None) -> Session | None:
        login = self.logins.get(account) if account else None
        return login.session if login else None

    def refusal(self, account: Account) -> Refusal:
        return self._refusals.setdefault(account, Refusal())

    def credentials(self, origin: str) -> Credentials | None:
        """Those of the last login, if it was at this origin."""
        login = self.logins.get(self.account) if self.account else None
        return login.credentials if login and self.account and self.account[0] == origin else None


@define(eq=False, repr=False)
class Invocation(Generic[T]):
    """The flow of a call, and what to do with its result. Two of one identity at the same time share one run.

    is_bound_to_login: it does not log in by itself once the client has logged out, or in as somebody else.
    stop: filled when nobody waits for it any more, so that it does not wait either.
    """

    context: Context
    credentials: Credentials
    flow: Callable[[], Flow[T]]
    epoch: Epoch
    publish: Callable[[T], object] = lambda _: None
    identity: Hashable = field(factory=object)
    began: float = field(factory=time.monotonic)
    is_bound_to_login: bool = False
    stop: SimpleQueue[None] | None = None

    @property
    def account(self) -> Account:
        return self.context.origin, self.credentials.pat

    def finish(self, result: T) -> T:
        """Publish the result, if it is still wanted."""
        if not self.epoch.is_over:
            self.publish(result)
        return result


bulk_run: ContextVar[BulkRun | None] = ContextVar("bulk_run", default=None)
"""The run that the code is part of: between the run and its calls stands the user's own function."""
