"""What the failure of a call becomes: an error of a strict client; None and one warning of any other."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from siperb.errors import APIError, CredentialsUnavailableError, ProvisioningError

if TYPE_CHECKING:
    import typing_extensions  # which checkers know, and no client needs

    NoneUnlessStrict = typing_extensions.TypeVar("NoneUnlessStrict", covariant=True, default=None)
else:
    NoneUnlessStrict = TypeVar("NoneUnlessStrict", covariant=True)

logger: logging.Logger = logging.getLogger("siperb")
P = ParamSpec("P")
T = TypeVar("T")


def lenient(method: Callable[P, T]) -> Callable[P, T]:
    """The method answers None when the API fails or refuses, unless its client is strict."""
    notes = method.__annotations__
    notes["return"] = notes["return"].replace("NoneUnlessStrict", "None")  # for `help`, which knows no client

    def pass_over(client: Any, error: Exception) -> None:
        if client._strict:
            raise error
        logger.warning("%s returns None: %s", method.__name__, error)

    @wraps(method)
    def call(self: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return cast(Any, method)(self, *args, **kwargs)
        except _FAILURES as error:
            pass_over(self, error)

    @wraps(method)
    async def call_in_a_task(self: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return await cast(Any, method)(self, *args, **kwargs)
        except _FAILURES as error:
            pass_over(self, error)

    return cast("Callable[P, T]", call_in_a_task if inspect.iscoroutinefunction(method) else call)


_FAILURES = (APIError, ProvisioningError, CredentialsUnavailableError)
