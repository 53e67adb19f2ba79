"""Answers that the cache keeps: one that is stored is returned at once, and the API is asked behind it."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import siperb.cache
from siperb.client.caching import understood
from siperb.client.ports import NEVER, Account, Call
from siperb.client.steps import Steps
from siperb.core.operations import Operation
from siperb.errors import (
    APIError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    ProvisioningError,
    SiperbError,
)
from siperb.models import Provisioning

if TYPE_CHECKING:
    from siperb.cache import Key, Record

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")

JWT_MARGIN = 60.0  # seconds that a stored JWT must still have
UNCONFIRMED_AGE = 86400.0  # seconds after which the API is asked before a stored answer is returned
REFRESH_PAUSE = 30.0  # seconds after a failed refresh in which none is tried
REFRESH_TIMEOUT = 10.0  # seconds

REFUSALS = (AuthenticationError, PermissionDeniedError, NotFoundError, ProvisioningError)
"""The API says so when a stored answer is no longer the caller's to have."""


class Kept(Steps):
    """A client's way to an answer that may be stored."""

    _refresh_failed_at: float = NEVER

    async def _kept_answer(self, call: Call, operation: Operation[T]) -> T:
        session = call.account.session or await self._session(call, None)
        key = self._key(call, operation, session.user_id)
        record = await self._find(call, key)
        stored = understood(operation.parse, record)
        if record is None or stored is None:
            return await self._ask_and_keep(call, operation, record)
        is_paused = self._is_paused()
        has_expired = _has_expired(stored)
        if not has_expired and record.stored_at > time.time() - UNCONFIRMED_AGE:
            refresh = partial(self._refresh, call.account, operation, record)
            if is_paused or self._behind(key, refresh):
                return stored
        reason: object = "the API failed a moment ago."
        if not is_paused:
            try:
                return await self._ask_and_keep(call, operation, record)
            except REFUSALS:
                raise
            except APIError as error:
                reason = error
        what = "provisioning has expired" if has_expired else "answer could not be confirmed"
        logger.warning("The stored %s and is returned as it is: %s", what, reason)
        return stored

    async def _ask_and_keep(self, call: Call, operation: Operation[T], replaces: Record | None) -> T:
        """Ask the API, and store its answer in the place of the record `replaces`. A refusal removes that record."""
        session = call.account.session
        try:
            response, answer = await self._answer(call, operation)
        except SiperbError as error:
            if replaces:
                self._refresh_failed_at = time.monotonic()
                if session and isinstance(error, REFUSALS):
                    await self._evict(call, self._key(call, operation, session.user_id))
            raise
        if session := call.account.session:
            self._refresh_failed_at = NEVER
            generation = replaces.generation if replaces else None
            key = self._key(call, operation, session.user_id)
            await self._save(call, key, response.text(), session.user_id, replaces=generation)
        return answer

    def _is_paused(self) -> bool:
        return time.monotonic() - self._refresh_failed_at < REFRESH_PAUSE

    def _key(self, call: Call, operation: Operation[Any], user_id: str) -> Key:
        assert operation.kept
        whose = () if self._domain_user is None else (self._domain_user,)
        return siperb.cache.Key.of(call.account.origin, user_id, *operation.kept, *whose)

    async def _refresh(self, account: Account, operation: Operation[Any], record: Record) -> None:
        if account.is_over or self._is_paused():
            return
        began = time.monotonic()
        try:
            await self._ask_and_keep(Call(account, began, began + REFRESH_TIMEOUT, is_bound=True), operation, record)
        except SiperbError as error:
            logger.warning("What is cached could not be refreshed: %s", error)


def _has_expired(answer: object) -> bool:
    expires_at = answer.jwt_expires_at if isinstance(answer, Provisioning) else None
    return expires_at is not None and expires_at.timestamp() - time.time() < JWT_MARGIN
