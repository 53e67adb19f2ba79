"""The steps that make one user's devices what a fleet's file says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import field, frozen

from siperb.cli.fleet_file import Row, clean, looks_of
from siperb.models import Device, DomainUser

Action = Literal["create user", "create device", "update user", "update device", "delete device"]


@frozen
class Step:
    """One change, or none.

    action: None: nothing is to be done. line: None for a device that the file lacks. change, before: the settings to
    be, and those that are; a user's name as "name". problem: why it cannot be done. note: why nothing is done.
    """

    action: Action | None
    line: int | None
    email: str
    device: str = ""
    platform: str = ""
    change: Mapping[str, Any] = field(factory=dict[str, Any])
    before: Mapping[str, Any] = field(factory=dict[str, Any])
    problem: str = ""
    note: str = ""
    device_token: str = field(default="", repr=False)

    @classmethod
    def failed(cls, row: Row, problem: str) -> Step:
        return cls(None, row.line, row.email, clean(row.device), row.platform if row.device else "", problem=problem)

    @property
    def status(self) -> str:
        if self.problem:
            return "failed"
        return "planned" if self.action else "unchanged" if self.line else "extra"


def called(devices: Sequence[Device], row: Row) -> list[Device]:
    """The devices that a row means. There should be one at most."""
    meant = clean(row.device), row.platform
    return [device for device in devices if (clean(device.description or ""), device.platform) == meant]


def plan(
    rows: Sequence[Row],
    user: DomainUser | None,
    devices: Sequence[Device] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    prune: bool = False,
) -> Iterator[Step]:
    """The steps for the rows of one user (None: to be created), in their order, then the devices that they lack."""
    first = next((row for row in rows if row.name), rows[0])
    name, now = clean(first.name), user and user.raw.get("UserDescription")
    is_renamed = bool(name) and isinstance(now, str) and clean(now) != name
    if user is None:
        yield Step("create user", first.line, first.email, change={"name": name} if name else {})
    elif is_renamed:
        yield Step("update user", first.line, first.email, change={"name": name}, before={"name": now})
    for row in rows:
        if row.device:
            yield _device_step(row, called(devices, row), settings or {})
        elif user is not None and not (is_renamed and row is first):
            yield Step(None, row.line, row.email)
    meant = {device.device_token for row in rows for device in called(devices, row)}
    lines = {(looks_of(row.device), row.platform): row.line for row in rows}
    for device in devices:
        if device.device_token in meant or device.platform not in {row.platform for row in rows}:
            continue
        twin = lines.get((looks_of(device.description or ""), device.platform))
        note = f"looks like line {twin}, and is not deleted" if twin else "not in the file; --prune deletes it"
        action: Action | None = "delete device" if prune and not twin else None
        where = (None, first.email, device.description or "", device.platform or "")
        yield Step(action, *where, note="" if action else note, device_token=device.device_token)


def _device_step(row: Row, devices: Sequence[Device], settings: Mapping[str, Mapping[str, Any]]) -> Step:
    where = (row.line, row.email, clean(row.device), row.platform)
    if not devices:
        return Step("create device", *where, row.settings)
    if len(devices) > 1:
        return Step.failed(row, f"{len(devices)} devices have this name: rename or delete all but one")
    now = settings.get(devices[0].device_token, {})
    change = {key: value for key, value in row.settings.items() if not _is_same(now.get(key), value)}
    before = {key: now.get(key) for key in change}
    return Step("update device" if change else None, *where, change, before, device_token=devices[0].device_token)


def _is_same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)  # 1 is no true to a phone
