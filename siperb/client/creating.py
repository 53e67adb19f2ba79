"""Make what is not there yet, and never twice: look, create, and look again when the answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from siperb.client.client import Client
from siperb.client.ports import Call
from siperb.core import admin
from siperb.core.operations import Operation
from siperb.errors import APIError, ConflictError, UnprocessableEntityError
from siperb.models import Device, DomainUser

T = TypeVar("T")

LONGEST_LOOK = 5.0  # seconds that are kept for the second look, or a third of what there is


class Creating(Client):
    """A client that creates users and devices."""

    async def _create_domain_user(
        self,
        email: str,
        description: str | None,
        exist_ok: bool,
        welcome: bool,
        mailing_list: bool,
        timeout: float | None,
    ) -> DomainUser:
        self._refuse_in_view("see or change domain users")
        email = admin.address(email)
        create = admin.create_domain_user(email, description, welcome, mailing_list)
        if not exist_ok:
            return await self._ask(lambda: create, timeout=timeout)

        def address_of(user: DomainUser) -> str:
            return admin.clean(user.email).casefold()

        return await self._ensure(timeout, admin.get_domain_users(email), create, address_of, email.casefold())

    async def _create_device(
        self,
        description: str,
        platform: str,
        exist_ok: bool,
        registration: Mapping[str, object] | None,
        timeout: float | None,
    ) -> Device:
        platform, description = admin.text("platform", platform), admin.text("description", description)
        create = admin.create_device(description, platform, registration)
        if not exist_ok:
            return await self._ask(lambda: create, timeout=timeout)

        def name_of(device: Device) -> tuple[str, str]:
            return device.platform, admin.clean(device.description)

        return await self._ensure(timeout, admin.get_every_device(), create, name_of, (platform, description))

    async def _ensure(
        self,
        timeout: float | None,
        look: Operation[list[T]],
        create: Operation[T],
        name_of: Callable[[T], Hashable],
        name: Hashable,
    ) -> T:
        """The one that is there, or is made; `ConflictError` when there are two. One call for a name at a time."""
        call = self._begin(timeout)
        async with self._alone(call, (call.account.origin, self._domain_user, name)):
            found = await self._find_one(call, look, create, name_of, name)
            if found is not None:
                return found
            kept = min(LONGEST_LOOK, call.left / 3)
            call.limit -= kept
            try:
                return (await self._answer(call, create))[1]
            except APIError as error:
                if not error.maybe_done and not isinstance(error, (ConflictError, UnprocessableEntityError)):
                    raise
                failure = error
            call.limit += kept
            try:
                found = await self._find_one(call, look, create, name_of, name)
            except ConflictError:
                raise
            except APIError:
                pass
            if found is None:
                raise failure
            return found

    async def _find_one(
        self,
        call: Call,
        look: Operation[list[T]],
        create: Operation[T],
        name_of: Callable[[T], Hashable],
        name: Hashable,
    ) -> T | None:
        found = [each for each in (await self._answer(call, look))[1] if name_of(each) == name]
        if len(found) < 2:
            return found[0] if found else None
        raise ConflictError(
            f"{create.method} {create.path_template} was not sent: {len(found)} of this name are there already; "
            "rename or delete all but one.",
            409,
            create.method,
            create.path_template,
        )
