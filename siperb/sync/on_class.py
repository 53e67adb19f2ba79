"""Methods that work on the class too, on one shared default client, as those of the JavaScript namespace do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast

from siperb.errors import ConfigurationError
from siperb.facade.runtime import keeps_secrets

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
        method = keeps_secrets(method)

        @wraps(method)
        def on_class(owner: Any, *args: P.args, **kwargs: P.kwargs) -> T:
            return method(default_client(owner), *args, **kwargs)

        cast(Any, super()).__init__(on_class)
        self._method = method

    def __get__(self, client: C | None, owner: type[C] | None = None) -> Callable[P, T]:
        bound = cast(Any, super()).__get__(None, owner) if client is None else MethodType(self._method, client)
        return cast("Callable[P, T]", bound)


class DefaultClient:
    """What classes with such methods derive from: an override in a subclass works on the class too."""

    _default_clients: ClassVar[dict[type[Any], Any]] = {}

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


def _make(owner: type[D]) -> D:
    try:
        signature(owner).bind()
    except TypeError as error:
        raise ConfigurationError(
            f"{owner.__name__} has no default client to call on ({error}): make an instance, and call on that."
        ) from None
    client = owner()
    cast(Any, client)._is_default = True  # nobody closes it
    return client
