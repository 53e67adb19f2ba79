"""Methods that work on the class too, on one shared default client, as those of the JavaScript namespace do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")

_defaults: dict[type[Any], Any] = {}
_lock = threading.RLock()


class OnClassToo(Generic[C, P, T]):
    """A method that binds to the instance it is looked up on, and on the class to the class's default client."""

    def __init__(self, method: Callable[Concatenate[C, P], T]) -> None:
        self._method = method
        update_wrapper(cast(Any, self), method)

    def __get__(self, client: C | None, owner: type[C]) -> Callable[P, T]:
        bound: Callable[P, T] = self._method.__get__(default_client(owner) if client is None else client, owner)
        return bound


def default_client(owner: type[C]) -> C:
    """The client that a class calls on: one for each class, made when it is first asked for."""
    with _lock:
        if owner not in _defaults:
            _defaults[owner] = owner()
            _defaults[owner]._is_default = True  # nobody closes it
        client: C = _defaults[owner]
        return client
