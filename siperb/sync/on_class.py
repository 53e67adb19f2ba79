"""Methods that work on the class too, on one shared default client, as those of the JavaScript namespace do."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from siperb.errors import ConfigurationError

C = TypeVar("C")
D = TypeVar("D", bound="DefaultClient")

if TYPE_CHECKING:
    OnClassToo = classmethod  # what they know on a class and on an instance, and show as a method
else:

    class OnClassToo(classmethod):
        """On an instance its method; on the class a class method, which calls on the class's default client."""

        def __init__(self, method):
            @wraps(method)
            def on_class(owner, *args, **kwargs):
                return method(default_client(owner), *args, **kwargs)

            super().__init__(on_class)
            self._method = method

        def __get__(self, client, owner=None):
            return super().__get__(None, owner) if client is None else MethodType(self._method, client)


def client(cls: type[C]) -> C:
    """The client that an `OnClassToo` is called on, which stands in the place of the class in either case."""
    return cast(C, cls)


class DefaultClient:
    """What classes with such methods derive from: an override in a subclass works on the class too."""

    _default_clients: ClassVar[dict[type[Any], Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._default_clients = {}  # its own, so that a class made for a moment takes its client with it
        attributes = [item for kind in reversed(cls.__mro__) for item in vars(kind).items()]
        for name in {name for name, value in attributes if isinstance(value, OnClassToo)}:
            method: Any = dict(attributes)[name]
            if DefaultClient in cls.__bases__ and isinstance(method, OnClassToo):  # `help` and mocks look here alone
                method = cast(Any, method)._method
                method.__qualname__ = f"{cls.__qualname__}.{name}"
            if isinstance(method, FunctionType):
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
