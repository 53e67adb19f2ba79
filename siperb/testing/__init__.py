"""Tools to test code that uses Siperb: a loopback API, faults, and the pytest fixture `siperb_server`."""

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
