"""What a flow may want done, as values: a closed union of effects and of answers.

A flow is a generator that YIELDS effects and is SENT their answers; a facade's driver performs them, with `requests`
and threads or with `aiohttp` and tasks. Effects compare by value, so a flow's test is a transcript; they have no repr,
as most hold a secret. An error of the outside world is thrown into the flow at its ``yield``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NoReturn, TypeAlias, TypeVar

from siperb.cache.records import Key, Record
from siperb.core.calls import Call
from siperb.core.values import Value
from siperb.core.wire import Request, Response
from siperb.errors import CacheError
from siperb.models import Session


class Send(Value, aside=("deadline",)):
    """Send the request once and answer its `Response`; `APIConnectionError` when none came.

    deadline: when the call must end, by the context's clock; no part of what the effect is.
    """

    __slots__ = ("deadline", "request")

    def __init__(self, request: Request, deadline: float = float("inf")) -> None:
        self.request: Request = request
        self.deadline: float = deadline


class Auth(Value):
    """Answer a `Session` newer than the one of `stale_token`: one login for all who ask at the same time."""

    __slots__ = ("stale_token",)

    def __init__(self, stale_token: str | None = None) -> None:
        self.stale_token: str | None = stale_token


class Load(Value):
    """Answer the `Record` of a key, or None; `CacheError`, as a value, when the cache did not answer."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key: Key = key


class Save(Value):
    """Store a record of the user `owner` (a scope), over the generation `replaces` alone if given; answer whether."""

    __slots__ = ("key", "owner", "record", "replaces")

    def __init__(self, key: Key, record: Record, owner: str, replaces: str | None = None) -> None:
        self.key: Key = key
        self.record: Record = record
        self.owner: str = owner
        self.replaces: str | None = replaces


class Evict(Value):
    """Remove one record; answer whether it is gone."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key: Key = key


class Forget(Value):
    """Remove every record of the user `owner` (a scope); answer whether all are gone."""

    __slots__ = ("owner",)

    def __init__(self, owner: str) -> None:
        self.owner: str = owner


class Sleep(Value):
    """Wait so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds


class Later(Value):
    """Ask the API again in the background and replace the record `replaces`; session None means the client's own.

    The answer is False when that is not possible, or was asked for before and has not been done: do it now.
    """

    __slots__ = ("call", "key", "replaces", "session")

    def __init__(self, call: Call[Any], session: Session | None, key: Key, replaces: str) -> None:
        self.call: Call[Any] = call
        self.session: Session | None = session
        self.key: Key = key
        self.replaces: str = replaces


Effect: TypeAlias = Send | Auth | Load | Save | Evict | Forget | Sleep | Later
Result: TypeAlias = Response | Session | Record | CacheError | bool | None

T = TypeVar("T")
Flow: TypeAlias = Generator[Effect, Result, T]


def assert_never(effect: NoReturn) -> NoReturn:
    """What a type checker proves unreachable when a ``match`` knows every effect (`typing.assert_never` is of 3.11)."""
    raise AssertionError(effect)


def send(request: Request, deadline: float) -> Flow[Response]:
    answer = yield Send(request, deadline)
    assert isinstance(answer, Response)
    return answer


def auth(stale_token: str | None = None) -> Flow[Session]:
    answer = yield Auth(stale_token)
    assert isinstance(answer, Session)
    return answer


def load(key: Key) -> Flow[Record | None]:
    answer = yield from look_up(key)
    return None if isinstance(answer, CacheError) else answer


def look_up(key: Key) -> Flow[Record | CacheError | None]:
    """`load` that tells a cache without an answer (`CacheError`) from one without a record (None)."""
    answer = yield Load(key)
    assert answer is None or isinstance(answer, (Record, CacheError))
    return answer


def save(key: Key, record: Record, owner: str, replaces: str | None = None) -> Flow[bool]:
    return (yield Save(key, record, owner, replaces)) is True


def evict(key: Key) -> Flow[bool]:
    return (yield Evict(key)) is True


def forget(owner: str) -> Flow[bool]:
    return (yield Forget(owner)) is True


def sleep(seconds: float) -> Flow[None]:
    _ = yield Sleep(seconds)


def later(later: Later) -> Flow[bool]:
    return (yield later) is not False
