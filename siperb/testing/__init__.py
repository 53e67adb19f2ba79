"""Tools to test code that uses Siperb: a loopback API, faults, and the pytest fixture `siperb_server`.

Each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siperb.testing.answers import Answer
    from siperb.testing.data import MISSING, Device
    from siperb.testing.faults import (
        Body,
        Delay,
        Drip,
        Drop,
        Fault,
        Hold,
        Json,
        Lost,
        Redirect,
        Status,
        Truncate,
    )
    from siperb.testing.floods import Endless, GzipBomb
    from siperb.testing.recorder import RecordedRequest
    from siperb.testing.server import SiperbServer
    from siperb.testing.users import User

__all__ = [
    "MISSING",
    "Answer",
    "Body",
    "Delay",
    "Device",
    "Drip",
    "Drop",
    "Endless",
    "Fault",
    "GzipBomb",
    "Hold",
    "Json",
    "Lost",
    "RecordedRequest",
    "Redirect",
    "SiperbServer",
    "Status",
    "Truncate",
    "User",
]

_ELSEWHERE = {
    "MISSING": "data",
    "Answer": "answers",
    "Device": "data",
    "Endless": "floods",
    "GzipBomb": "floods",
    "RecordedRequest": "recorder",
    "SiperbServer": "server",
    "User": "users",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'faults')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
