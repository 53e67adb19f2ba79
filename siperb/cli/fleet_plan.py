"""What a fleet's file asks for that is not so yet: the steps for one user. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from siperb.cli.fleet_file import Row
from siperb.models import Device, DomainUser

Action: TypeAlias = Literal["create user", "update user", "create device", "update device", "delete device"]


@frozen
class Step:
    """action: what is to be done; None: nothing, as with a device that the file lacks, or one with a problem.

    line: of the file; None for a device that it lacks. change, before: the settings to be, those that are; the user's
    name as "name". problem: why the row cannot be carried out. device_token: of the device that is there.
    """

    action: Action | None
    line: int | None
    email: str
    device: str = ""
    platform: str = ""
    change: Mapping[str, Any] = field(factory=dict[str, Any])
    before: Mapping[str, Any] = field(factory=dict[str, Any])
    problem: str = ""
    device_token: str = field(default="", repr=False)


def called(devices: Sequence[Device], row: Row) -> list[Device]:
    """The devices that a row means; there should be one at most."""
    return [device for device in devices if (device.description, device.platform) == (row.device, row.platform)]


def plan(
    rows: Sequence[Row],
    user: DomainUser | None,
    devices: Sequence[Device] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    prune: bool = False,
) -> Iterator[Step]:
    """The steps for the rows of one user, in their order: of each row at least one, then the devices that they lack.

    user: None: still to be made. settings: of the devices whose rows say some, by device token.
    prune: delete those devices of the file's platforms.
    """
    user_step = _user_step(rows, user)
    if user_step:
        yield user_step
    for row in rows:
        if row.device:
            yield _device_step(row, called(devices, row), settings or {})
        elif not user_step or user_step.line != row.line:
            yield Step(None, row.line, row.email)
    meant = {(row.device, row.platform) for row in rows}
    for device in devices:
        name = device.description or ""
        if (name, device.platform) not in meant and device.platform in {platform for _, platform in meant}:
            action: Action | None = "delete device" if prune else None
            yield Step(action, None, rows[0].email, name, device.platform, device_token=device.device_token)


def _user_step(rows: Sequence[Row], user: DomainUser | None) -> Step | None:
    row = next((row for row in rows if row.name), rows[0])
    if user is None:
        return Step("create user", row.line, row.email, change={"name": row.name} if row.name else {})
    is_called = user.raw.get("UserDescription")
    if row.name and isinstance(is_called, str) and is_called != row.name:
        return Step("update user", row.line, row.email, change={"name": row.name}, before={"name": is_called})
    return None


def _device_step(row: Row, devices: Sequence[Device], settings: Mapping[str, Mapping[str, Any]]) -> Step:
    if not devices:
        return Step("create device", row.line, row.email, row.device, row.platform, row.settings)
    if len(devices) > 1:
        problem = f"{len(devices)} of this name are there already; rename or delete all but one"
        return Step(None, row.line, row.email, row.device, row.platform, problem=problem)
    token = devices[0].device_token
    now = settings.get(token, {})
    change = {key: value for key, value in row.settings.items() if not _same(now.get(key), value)}
    before = {key: now.get(key) for key in change}
    action: Action | None = "update device" if change else None
    return Step(action, row.line, row.email, row.device, row.platform, change, before, device_token=token)


def _same(one: object, other: object) -> bool:
    """1 is true in Python, and not to a phone."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
