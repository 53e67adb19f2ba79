"""What `provision_all` is as a bulk run: the devices of those who have been listed, and then the next list."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, cast

from attrs import frozen

from siperb.core.calls import Call, GetDevices, GetProvisioning
from siperb.errors import CredentialsUnavailableError, MissingCredentialsError, SiperbError
from siperb.facade.bulk import Progress
from siperb.models import BulkResult, DomainUser, NotProvisioned, Provisioned, ProvisioningResult


@frozen(eq=False, repr=False)
class Step:
    """user_id: whose; None for one's own."""

    call: Callable[[], Call[Any]] = GetDevices
    device_token: str = ""
    user_id: str | None = None

    @property
    def is_list(self) -> bool:
        return self.call is GetDevices


class Steps(Iterator[Step]):
    """No more lists are held than are asked for at a time."""

    def __init__(self, steps: Iterable[Step], progress: Progress) -> None:
        self._steps = iter(steps)
        self._listed: deque[Step] = deque()
        self._progress = progress

    def __next__(self) -> Step:
        return self._listed.popleft() if self._listed else next(self._steps)

    def finish(self, result: BulkResult[Step, Any]) -> ProvisioningResult | None:
        """Raises what ends the run: that there is no list, or no PAT, which no other device has either."""
        step, value, error = result.item, cast(Any, result.value), result.error
        is_own_list = step.is_list and step.user_id is None
        if error is not None:
            if is_own_list or not isinstance(error, SiperbError) or isinstance(error, ENDS):
                raise error
            return self._progress(NotProvisioned(step.device_token, error.with_traceback(None), step.user_id))
        if not step.is_list:
            return self._progress(Provisioned(step.device_token, value, step.user_id))
        self._listed.extend(provision(device.device_token, step.user_id) for device in value)
        if is_own_list:
            self._progress.total = len(value)
        return None


ENDS = (MissingCredentialsError, CredentialsUnavailableError)


def list_devices(user: DomainUser | str) -> Step:
    """Of anything, as an id that cannot be used is an error of its result, and None would be oneself."""
    user_id: Any = getattr(user, "user_id", user)
    return Step(user_id=user_id or "")


def provision(device_token: str, user_id: str | None = None) -> Step:
    return Step(partial(GetProvisioning, device_token), device_token, user_id)
