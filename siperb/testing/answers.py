"""An answer of the loopback API, and a refusal: an answer that is raised."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import attrs

from siperb.testing.data import to_json

T = TypeVar("T")


@attrs.frozen
class Answer:
    """A whole HTTP answer, for faults of your own.

    Args:
        status: The status.
        body: The body.
        content_type: The `Content-Type` header.
        headers: More headers. The server adds `Content-Length` and `Date`.
    """

    status: int
    body: bytes = attrs.field(repr=False)
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


DONE = Answer(204, b"", content_type=None)


def say(value: object, status: int = 200) -> Answer:
    return Answer(status, to_json(value))


def refuse(status: int, message: str | None = None, **headers: str) -> Answer:
    return Answer(status, to_json({"message": message or reason_of(status)}), headers=headers)


def reason_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Refused(Exception):
    """The API does not do what it was asked for. Its `answer` says why."""

    def __init__(self, status: int, message: str | None = None) -> None:
        super().__init__(status, message)
        self.answer: Answer = refuse(status, message)


def found(value: T | None) -> T:
    if value is None:
        raise Refused(404)
    return value
