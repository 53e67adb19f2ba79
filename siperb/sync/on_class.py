"""Methods that work on the class too, on one shared default client, as those of the JavaScript namespace do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from inspect import signature
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast

from siperb.errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")
D = TypeVar("D", bound="DefaultClient")

if TYPE_CHECKING:
    _ClassMethod = object  # what a checker knows of `classmethod` would stand in the way
else:
    _ClassMethod = classmethod


class OnClassToo(Generic[C, P, T], _ClassMethod):
    """On an instance its method; on the class a class method, which calls on the class's default client."""

    def __init__(self, method: Callable[Concatenate[C, P], T]) -> None:
        @wraps(method)
        def on_class(owner: Any, *args: P.args, **kwargs: P.kwargs) -> T:
            return method(default_client(owner), *args, **kwargs)

        cast(Any, super()).__init__(on_class)
        self._method = method

    def __get__(self, client: C | None, owner: type[C] | None = None) -> Callable[P, T]:
        bound: Callable[P, T] = (
            MethodType(self._method, client) if client is not None else cast(Any, super()).__get__(None, owner)
        )
        return bound


class DefaultClient:
    """What classes with such methods derive from: an override in a subclass works on the class too."""

    _default_clients: ClassVar[dict[type[Any], Any]] = {}
    _is_default = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._default_clients = {}  # its own, so that a class made for a moment takes its client with it
        attributes = [item for kind in reversed(cls.__mro__) for item in vars(kind).items()]
        for name in {name for name, value in attributes if isinstance(value, OnClassToo)}:
            if isinstance(method := dict(attributes)[name], FunctionType):
                setattr(cls, name, OnClassToo(method))


def default_client(owner: type[D]) -> D:
    """The client that a class calls on, made by its first call.

    No lock: threads may make one each at the same time, of which one becomes everybody's.
    """
    clients = owner._default_clients  # pyright: ignore[reportPrivateUsage]
    client: D = clients.get(owner) or clients.setdefault(owner, _make(owner))
    return client


class _Making(threading.local):
    owners: tuple[type[Any], ...] = ()


_making = _Making()


def _make(owner: type[D]) -> D:
    before = _making.owners
    if before.count(owner) > 2:  # and not 0: a signal handler may call while a client is being made
        raise ConfigurationError(f"{owner.__name__}.__init__ calls {owner.__name__}, which needs it: call on `self`.")
    _making.owners = (*before, owner)
    try:
        client = owner()
    except TypeError:
        _refuse_if_it_takes_arguments(owner)
        raise
    finally:
        _making.owners = before
    client._is_default = True  # nobody closes it  # pyright: ignore[reportPrivateUsage]
    return client


def _refuse_if_it_takes_arguments(owner: type[Any]) -> None:
    try:
        signature(owner).bind()
    except TypeError as error:
        raise ConfigurationError(
            f"{owner.__name__} has no default client to call on ({error}): make an instance, and call on that."
        ) from None
