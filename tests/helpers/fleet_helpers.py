"""What the tests of `siperb fleet` ask of a result, and of the API."""

from __future__ import annotations

import json
from typing import Any

from cli_helpers import Result

from siperb.testing import SiperbServer, User


def lines_of(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def names(user: User) -> list[str]:
    return [device.description for device in user.devices]


def written(server: SiperbServer) -> list[str]:
    return [f"{each.method} {each.route}" for each in server.requests if each.method != "GET" and each.route != "login"]


def rows_of(count: int) -> str:
    return "email,device\n" + "".join(f"agent{number}@contact.example,Headset\n" for number in range(count))
