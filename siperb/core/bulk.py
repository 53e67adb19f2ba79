# pyright: reportUnusedCallResult=error
"""Provisioning many devices: one flow a device, which ends in a result whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable

from siperb.core import effects
from siperb.core.calls import GetProvisioning
from siperb.core.effects import Flow
from siperb.core.flows import fetch
from siperb.core.retry import LONGEST_RETRY_AFTER, Context
from siperb.errors import APIStatusError, CredentialsUnavailableError, MissingCredentialsError, SiperbError
from siperb.models import NotProvisioned, Provisioned, ProvisioningResult


def provision(start: Callable[[], Context], device_token: str) -> Flow[ProvisioningResult]:
    """The result for one device; raises only for a PAT that is missing, as then no device has another.

    start: makes the context of a try, with a deadline of its own, after the wait that the API asked the run for.
    """
    tries = 0
    while True:
        context = start()
        if context.pace and (wait := context.pace.until - context.clock()) > 0:
            yield from effects.sleep(wait)
            context = start()
        tries += 1
        try:
            provisioning = yield from fetch(context, GetProvisioning(device_token), None)
        except (MissingCredentialsError, CredentialsUnavailableError):
            raise
        except SiperbError as error:
            if tries > context.max_retries or not _asked_for_more_time(context, error):
                return NotProvisioned(device_token, error.with_traceback(None))
        else:
            return Provisioned(device_token, provisioning)


def _asked_for_more_time(context: Context, error: SiperbError) -> bool:
    """Whether the wait was not begun for the deadline's sake alone: every other has been waited for already."""
    asked = error.retry_after if isinstance(error, APIStatusError) else None
    return asked is not None and context.deadline - context.clock() <= asked <= LONGEST_RETRY_AFTER
