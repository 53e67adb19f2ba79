"""The process that we run in: patched libraries, event loops, signal handlers, and trackers that read tracebacks."""

from __future__ import annotations

import errno
import inspect
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import import_module
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from siperb.errors import APIConnectionError, ConfigurationError

if TYPE_CHECKING:
    import asyncio

P = ParamSpec("P")
T = TypeVar("T")

TOO_MANY_FILES = "too many files are open in this process; close some, or raise their limit (ulimit -n)"

_local = threading.local
_WITH_SECRETS = frozenset(
    ["siperb", "requests", "urllib3", "aiohttp", "aiosignal", "asyncio", "http", "ssl", "socket", "keyring"]
)


def refuse_late_patching() -> None:
    """Raise `ConfigurationError` when gevent or eventlet has replaced threads and queues since this import."""
    if threading.local is not _local:
        raise ConfigurationError(
            "gevent or eventlet has patched the standard library after siperb was imported, and a call would hang: "
            "patch first, import siperb then."
        )


def original(kind: type[T], module: str) -> type[T]:
    """The class as its library's module defines it: other packages put one in its place that they derive from it."""
    return next(base for base in kind.__mro__ if base.__module__ == module)


@contextmanager
def loading_libraries() -> Generator[None, None, None]:
    """``with`` this an import that finds no file descriptor left fails with `APIConnectionError`."""
    try:
        yield
        import_module("cattrs.gen")  # which reads the answer
        return
    except (OSError, ImportError) as error:  # a shared object's is in the text
        if not {errno.EMFILE, errno.ENFILE} & {getattr(error, "errno", None)} and "Too many open" not in str(error):
            raise
    raise APIConnectionError(f"The HTTP library could not be loaded: {TOO_MANY_FILES}.")


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of asyncio; `ConfigurationError` where there is none, as under trio."""
    import asyncio

    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    raise ConfigurationError(
        "AsyncSiperb needs a running event loop of asyncio: under trio call Siperb in trio.to_thread.run_sync."
    )


def causes(error: BaseException, until: BaseException | None = None) -> Iterator[BaseException]:
    """The error and those behind it. until: what was being handled before, which is none of its causes."""
    one: BaseException | None = error
    seen = {id(until)}
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def signal_handlers_own(errors: Sequence[BaseException]) -> BaseException | None:
    """The one of these that a signal handler has raised, as `TimeoutError` to end a wait.

    The innermost, as urllib3 gives its traceback to its own errors too.
    """
    import signal

    handlers = {getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()} - {None}
    for error in reversed(errors if handlers else ()):
        if any(frame.f_code in handlers for frame, _ in walk_tb(error.__traceback__)):
            return error
    return None


def forget_locals(error: BaseException) -> None:
    """Empty the finished frames of ours and of the libraries below: trackers send away what stands in a traceback."""
    for one in causes(error):
        for frame, _ in walk_tb(one.__traceback__):
            if str(frame.f_globals.get("__name__")).partition(".")[0] in _WITH_SECRETS:
                with suppress(RuntimeError):  # it is still running
                    frame.clear()


def keeps_secrets(method: Callable[P, T]) -> Callable[P, T]:
    """No argument of the method, and nothing that it had of a secret, stands in the traceback of its failure."""

    @wraps(method)
    def call(self: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return cast(Any, method)(self, *args, **kwargs)
        except BaseException as error:
            forget_locals(error)
            del self, args, kwargs
            raise

    @wraps(method)
    async def call_in_a_task(self: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return await cast(Any, method)(self, *args, **kwargs)
        except BaseException as error:
            forget_locals(error)
            del self, args, kwargs
            raise

    kept: Callable[P, T] = cast(Any, call_in_a_task if inspect.iscoroutinefunction(method) else call)
    return kept
