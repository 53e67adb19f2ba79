# pyright: reportUnusedCallResult=error
"""Make what is not there yet, and never twice: look, ask once, and look again when the answer is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import evolve

from siperb.core.admin import Ask
from siperb.core.effects import Flow
from siperb.core.flows import fetch
from siperb.core.retry import Context
from siperb.errors import APIError, ConflictError, UnprocessableEntityError

T = TypeVar("T")

LONGEST_LOOK = 5.0  # seconds that are kept for the second look, or a third of what there is


def ensure(context: Context, look: Ask[list[T]], create: Ask[T], is_it: Callable[[T], bool]) -> Flow[T]:
    """The one that is there, or is made; `ConflictError` when there are two."""
    found = yield from _find(context, look, create, is_it)
    if found is not None:
        return found
    kept = min(LONGEST_LOOK, (context.deadline - context.clock()) / 3)
    try:
        return (yield from fetch(evolve(context, limit=context.limit - kept), create, None))
    except APIError as error:
        if not error.maybe_done and not isinstance(error, (ConflictError, UnprocessableEntityError)):
            raise
        failure = error
    try:
        found = yield from _find(context, look, create, is_it)
    except ConflictError:
        raise
    except APIError:
        pass
    if found is None:
        raise failure
    return found


def _find(context: Context, look: Ask[list[T]], create: Ask[T], is_it: Callable[[T], bool]) -> Flow[T | None]:
    found = [each for each in (yield from fetch(context, look, None)) if is_it(each)]
    if len(found) < 2:
        return found[0] if found else None
    request = create.operation
    raise ConflictError(
        f"{request.method} {request.path_template} was not sent: {len(found)} of this name are there already; "
        "rename or delete all but one.",
        409,
        request.method,
        request.path_template,
    )
