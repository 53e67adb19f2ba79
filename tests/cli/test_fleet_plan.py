"""What a fleet's file asks for, given what is there."""

from __future__ import annotations

from typing import Any

import pytest

from siperb.cli.fleet_file import Row
from siperb.cli.fleet_plan import Step, plan
from siperb.models import Device, DomainUser

EMAIL = "anna@c.example"
ANNA = DomainUser("5f1d", EMAIL, raw={"UserDescription": "Anna"})
HEADSET = Device("t1", "script", "Headset")


def row(line: int = 2, device: str = "Headset", **options: Any) -> Row:
    return Row(line, EMAIL, device, **options)


def test_a_new_user_is_made_once_and_first() -> None:
    rows = [row(2), row(3, "Desk", name="Anna", platform="ios", settings={"Ring": 5})]
    assert list(plan(rows, None)) == [
        Step("create user", 3, EMAIL, change={"name": "Anna"}),
        Step("create device", 2, EMAIL, "Headset", "script"),
        Step("create device", 3, EMAIL, "Desk", "ios", {"Ring": 5}),
    ]


def test_what_is_there_is_left_alone() -> None:
    [step] = plan([row(name="Anna", settings={"Ring": 5.0})], ANNA, [HEADSET], {"t1": {"Ring": 5, "more": 1}})
    assert step == Step(None, 2, EMAIL, "Headset", "script", device_token="t1")
    assert "t1" not in repr(step)


def test_a_name_is_changed_where_the_api_says_another() -> None:
    rows = [row(device="", name="Anne")]
    assert list(plan(rows, ANNA)) == [Step("update user", 2, EMAIL, change={"name": "Anne"}, before={"name": "Anna"})]
    assert [step.action for step in plan(rows, DomainUser("5f1d", EMAIL))] == [None]


@pytest.mark.parametrize(("now", "wanted"), [(True, False), (1, True), (None, False), ("5", 5)])
def test_a_setting_is_changed_where_it_is_another(now: object, wanted: object) -> None:
    [step] = plan([row(settings={"Ring": wanted, "same": 1})], ANNA, [HEADSET], {"t1": {"Ring": now, "same": 1}})
    assert (step.action, step.change, step.before) == ("update device", {"Ring": wanted}, {"Ring": now})


def test_one_name_on_two_platforms_is_two_devices() -> None:
    assert [step.action for step in plan([row(platform="ios")], ANNA, [HEADSET])] == ["create device"]


@pytest.mark.parametrize(("prune", "action"), [(False, None), (True, "delete device")])
def test_devices_that_the_file_lacks_are_deleted_when_asked_for(prune: bool, action: str | None) -> None:
    devices = [HEADSET, Device("t2", "script", "Old"), Device("t3", "ios", "Her own"), Device("t4", "script")]
    kept, old, nameless = plan([row()], ANNA, devices, prune=prune)
    assert (kept.line, kept.action) == (2, None)
    assert (old.line, old.device, old.action, old.device_token) == (None, "Old", action, "t2")
    assert (nameless.line, nameless.device, nameless.action) == (None, "", action)
