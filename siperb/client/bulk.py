"""Bulk runs: what is done with each item, and what becomes of its result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sized
from typing import Any, Generic, TypeAlias, TypeVar

from siperb.client.accounts import run_under_way
from siperb.client.arguments import check_concurrency, check_work, iterable
from siperb.client.creating import Creating
from siperb.client.ports import Call, Run
from siperb.core import operations
from siperb.core.wire import check_timeout
from siperb.errors import ConfigurationError, CredentialsUnavailableError, MissingCredentialsError, SiperbError
from siperb.models import BulkResult, DomainUser, NotProvisioned, Provisioned, ProvisioningResult

Item = TypeVar("Item")
R = TypeVar("R")
T = TypeVar("T")

OnProgress: TypeAlias = "Callable[[int, int | None], None] | None"
ENDS = (MissingCredentialsError, CredentialsUnavailableError)  # a PAT that no other device has either


class Bulk(Generic[Item, R]):
    """A bulk run to be made.

    work: the value for an item, or the coroutine of it. items: may have more after their end, when the result of an
    earlier one has been finished. finish: what the consumer gets of a result; None for nothing.
    """

    def __init__(
        self,
        work: Callable[[Item], Any],
        items: Iterator[Item],
        concurrency: int,
        finish: Callable[[BulkResult[Item, Any]], R | None],
    ) -> None:
        self.work = work
        self.items = items
        self.concurrency = concurrency
        self.finish = finish


class BulkRuns(Creating):
    """A client that makes many calls side by side."""

    _is_async: bool

    def _bulk(
        self, work: Callable[[Item], Any], items: Iterable[Item], concurrency: int, on_progress: OnProgress
    ) -> Bulk[Item, Any]:
        check_work(work, is_async=self._is_async)
        progress = Progress(on_progress, items)
        return Bulk(work, iter(iterable("items", items)), check_concurrency(concurrency), progress)

    def _provision_all(
        self,
        device_tokens: Iterable[str] | None,
        domain_users: Iterable[DomainUser | str] | None,
        concurrency: int,
        on_progress: OnProgress,
        timeout: float | None,
    ) -> Bulk[Step, ProvisioningResult]:
        if timeout is not None:
            check_timeout(timeout)
        first: Iterable[Step] = [Step()]
        if domain_users is not None:
            self._refuse_in_view("provision domain users")
            if device_tokens is not None:
                raise ConfigurationError(
                    "Pass device_tokens or domain_users, not both: the devices are listed by user."
                )
            # Of anything: an id that cannot be used is an error of its result, and None would be oneself.
            users: Iterable[Any] = iterable("domain_users", domain_users)
            first = (Step(user_id=getattr(user, "user_id", user) or "") for user in users)
        elif device_tokens is not None:
            first = map(Step, iterable("device_tokens", device_tokens))
        todo = Devices(first, Progress(on_progress, device_tokens))

        def work(step: Step) -> Any:
            client = self if step.user_id is None else self.for_user(step.user_id)
            return client._run(client._provision(step, timeout))

        return Bulk(work, todo, check_concurrency(concurrency), todo.finish)

    async def _provision(self, step: Step, timeout: float | None) -> Any:
        """The devices of a user, or the document of one. Neither is published."""
        call = self._begin(timeout)
        if step.device_token is None:
            return (await self._answer(call, operations.get_devices()))[1]
        provisioning = (await self._answer(call, operations.get_provisioning(step.device_token)))[1]
        self._own(call, provisioning)
        return provisioning

    def _run(self, call: Coroutine[Any, Any, T]) -> Any:
        raise NotImplementedError

    def _begin_run(self) -> Run:
        return Run(self.__dict__, self._begin(None).account)

    def _check_run(self, run: Run) -> None:
        """Raise why no more items are begun."""
        run_under_way.set(run)
        run.check()
        self._refuse(Call(run.account, run.began, run.began, run=run))


class Step:
    """device_token None: the devices are to be listed. user_id None: one's own."""

    def __init__(self, device_token: str | None = None, user_id: str | None = None) -> None:
        self.device_token = device_token
        self.user_id = user_id


class Devices(Iterator[Step]):
    """The devices of those who have been listed, and then the next list: no more are held than are asked for."""

    def __init__(self, steps: Iterable[Step], progress: Progress) -> None:
        self._steps = iter(steps)
        self._listed: deque[Step] = deque()
        self._progress = progress

    def __next__(self) -> Step:
        return self._listed.popleft() if self._listed else next(self._steps)

    def finish(self, result: BulkResult[Step, Any]) -> ProvisioningResult | None:
        """Raises what ends the run: there is no list, or no PAT."""
        step, error = result.item, result.error
        is_own_list = step.device_token is None and step.user_id is None
        if error is not None:
            if is_own_list or not isinstance(error, SiperbError) or isinstance(error, ENDS):
                raise error
            return self._progress(NotProvisioned(step.device_token or "", error.with_traceback(None), step.user_id))
        if step.device_token is not None:
            return self._progress(Provisioned(step.device_token, result.value, step.user_id))  # type: ignore[arg-type]
        devices: Any = result.value
        self._listed.extend(Step(device.device_token, step.user_id) for device in devices)
        if is_own_list:
            self._progress.total = len(devices)
        return None


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
