"""One operation that the loopback API is asked for: by whom, on what, with which values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import attrs

from siperb.testing.accounts import Accounts
from siperb.testing.answers import Answer, Refused, say
from siperb.testing.pages import page
from siperb.testing.users import User

T = TypeVar("T")

LONGEST_NAME: Final = 128  # characters; the API cuts what is longer, without a word


@attrs.frozen
class Call:
    """`user` is whose path it is: the session's own user, or a user of that one's domain."""

    accounts: Accounts
    user: User
    parts: tuple[str, ...]
    query: str
    body: dict[str, Any] | list[Any]

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return dict(parse_qsl(self.query)).get(name, default)

    @property
    def fields(self) -> dict[str, Any]:
        if not isinstance(self.body, dict):
            raise Refused(400, "The body must be a JSON object")
        return self.body

    def text(self, name: str, default: str | None = None) -> str:
        """A name as the API keeps it; without a `default` it is refused where it is missing or empty."""
        value = self.fields.get(name, default)
        if not isinstance(value, str) or not (value or default is not None):
            raise Refused(400, f"{name} must be a text")
        return value[:LONGEST_NAME]


def listed(call: Call, items: Sequence[T], entry: Callable[[T], object] = lambda item: item) -> Answer:
    """A list of the entries of the items: its page that was asked for."""
    try:
        items, token = page(items, call.query, call.accounts.page_size)
    except ValueError:
        raise Refused(400, "nextToken is none of this list") from None
    headers = {"X-Next-Token": token} if token else {}
    return attrs.evolve(say([entry(item) for item in items]), headers=headers)
