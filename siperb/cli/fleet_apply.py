"""A fleet's plan made with the API, and carried out: some users at a time, one user's steps one after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from attrs import evolve, frozen

from siperb.cli.failures import sentence
from siperb.cli.fleet_file import Row
from siperb.cli.fleet_plan import Step, called, plan
from siperb.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    SiperbError,
)

if TYPE_CHECKING:
    from typing_extensions import Never

    from siperb.models import DomainUser
    from siperb.sync.client import Siperb

AT_A_TIME = 8  # users

Status: TypeAlias = Literal["done", "failed", "skipped"]
Record: TypeAlias = Callable[[Step, Status, str], object]


@frozen
class UserPlan:
    """user: None: still to be made."""

    user: DomainUser | None
    steps: list[Step]


def plans(siperb: Siperb[Never], rows: Sequence[Row], *, prune: bool, on_progress: Any) -> Iterator[UserPlan]:
    """Look what is there; nothing is changed. The rows of a user of whom the API does not tell have that as problem."""
    users = {user.email.strip().casefold(): user for user in siperb.get_domain_users() if user.email}
    rows_of: dict[str, list[Row]] = {}
    for row in rows:
        rows_of.setdefault(row.email.casefold(), []).append(row)

    def look(email: str) -> UserPlan:
        user, its_rows = users.get(email), rows_of[email]
        if user is None:
            return UserPlan(None, list(plan(its_rows, None)))
        view = siperb.for_user(user)
        devices = view.get_devices(platform=None)
        with_settings = [device for row in its_rows if row.settings for device in called(devices, row)]
        settings = {device.device_token: _settings(view, device.device_token) for device in with_settings}
        return UserPlan(user, list(plan(its_rows, user, devices, settings, prune=prune)))

    for result in siperb.bulk(look, rows_of, concurrency=AT_A_TIME, on_progress=on_progress):
        if result.error is None:
            yield cast(UserPlan, result.value)
        elif isinstance(result.error, APIError) and not isinstance(result.error, AuthenticationError):
            problem = sentence(result.error)
            steps = [Step(None, row.line, row.email, row.device, row.platform) for row in rows_of[result.item]]
            yield UserPlan(None, [evolve(step, problem=problem) for step in steps])
        else:
            raise result.error


def _settings(view: Siperb[Never], device_token: str) -> dict[str, Any]:
    """What the phone is told, be it the device's own or the user's; no password is asked for."""
    query = {"settings_json": True}
    answer = view.request("GET", "/Users/{user_id}/Devices/{device}", params=query, device=device_token)
    settings: object = cast("dict[str, Any]", answer).get("Settings_json") if isinstance(answer, dict) else None
    return cast("dict[str, Any]", settings) if isinstance(settings, dict) else {}


def apply(siperb: Siperb[Never], todo: Sequence[UserPlan], record: Record) -> None:
    """Carry the steps out. record: told of each, from several threads, with a reason if it was not done.

    A 403 for a new user says that no seat is left: no more users are made, and all else goes on.
    """
    run = _Run(siperb, record)
    for result in siperb.bulk(run, todo, concurrency=AT_A_TIME):
        if isinstance(result.error, SiperbError):
            for step in filter(lambda step: step.action, result.item.steps):
                record(step, "skipped", sentence(result.error))
        elif result.error is not None:
            raise result.error


class _Run:
    def __init__(self, siperb: Siperb[Never], record: Record) -> None:
        self._siperb = siperb
        self._record = record
        self._no_seat = ""

    def __call__(self, of_user: UserPlan) -> None:
        user, why_not = of_user.user, ""
        for step in of_user.steps:
            if step.action == "create user":
                why_not = self._no_seat
            if not step.action:
                continue
            if why_not:
                self._record(step, "skipped", why_not)
                continue
            try:
                user = self._do(step, user)
            except (APIError, ConfigurationError) as error:
                self._record(step, "failed", sentence(error))
                if step.action == "create user":
                    why_not = "the user was not made"
                    if isinstance(error, PermissionDeniedError):
                        self._no_seat = "no user can be made"
            else:
                self._record(step, "done", "")

    def _do(self, step: Step, user: DomainUser | None) -> DomainUser | None:
        """The user as known after it."""
        if user is None:
            return self._siperb.create_domain_user(step.email, step.change.get("name"), exist_ok=True)
        view = self._siperb.for_user(user)
        match step.action:
            case "update user":
                self._siperb.update_domain_user(user.user_id, description=step.change["name"])
            case "create device":
                device = view.create_device(step.device, platform=step.platform, exist_ok=True)
                if step.change:
                    view.update_device(device.device_token, settings=step.change)
            case "update device":
                view.update_device(step.device_token, settings=step.change)
            case "delete device":
                with contextlib.suppress(NotFoundError):  # somebody else was faster
                    view.delete_device(step.device_token)
            case _:
                pass
        return user
