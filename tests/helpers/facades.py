"""Both facades behind one face: a case is written once, and runs with `Siperb` and with `AsyncSiperb`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import logging
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from siperb import AsyncSiperb, Siperb
from siperb.testing import RecordedRequest, SiperbServer
from siperb.testing.signals import Signal


class Facade:
    """`client()` makes clients of the kind, `call()` has one work; all that was made is closed in the end."""

    def __init__(self, kind: str, server: SiperbServer) -> None:
        self.kind = kind
        self.is_async = kind == "async"
        self.server = server
        self.loop = asyncio.new_event_loop()
        self._clients: list[Any] = []

    def __repr__(self) -> str:
        return f"<Facade {self.kind}>"

    def client(self, pat: str | None = None, **options: Any) -> Any:
        """A client of the server's user; `pat` and `base_url` as given, or the server's."""
        options.setdefault("base_url", self.server.base_url)
        if not self.is_async:
            options.setdefault("state", None)
        client = (AsyncSiperb if self.is_async else Siperb)(pat or self.server.pat, **options)
        self._clients.append(client)
        return client

    def bare_client(self, **options: Any) -> Any:
        """A client with these options alone."""
        client = (AsyncSiperb if self.is_async else Siperb)(**options)
        self._clients.append(client)
        return client

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the method returns, or what its coroutine does."""
        if self.is_async:

            async def calling() -> Any:
                result = method(*args, **kwargs)
                return await result if inspect.isawaitable(result) else result

            return self.loop.run_until_complete(calling())
        return method(*args, **kwargs)

    def steps(self, work: Callable[[Any], Generator[Any, Any, Any]]) -> Any:
        """A function of its kind: `work` yields calls, and is sent what they return."""

        def plain(item: Any) -> Any:
            steps, answer = work(item), None
            try:
                while True:
                    answer = steps.send(answer)
            except StopIteration as end:
                return end.value

        async def awaited(item: Any) -> Any:
            steps, answer = work(item), None
            try:
                while True:
                    answer = await steps.send(answer)
            except StopIteration as end:
                return end.value

        return awaited if self.is_async else plain

    def listed(self, results: Any, take: int | None = None) -> list[Any]:
        """All of an iterator of its kind, or the first so many, after which it is closed."""
        if not self.is_async:
            with contextlib.closing(results):
                return list(itertools.islice(results, take))

        async def taken() -> list[Any]:
            found: list[Any] = []
            async with contextlib.aclosing(results):
                while len(found) != take:
                    try:
                        found.append(await anext(results))
                    except StopAsyncIteration:
                        break
            return found

        listed: list[Any] = self.call(taken)
        return listed

    def together(self, *calls: Callable[[], Any], meanwhile: Callable[[], None] = lambda: None) -> list[Any]:
        """What the calls return or raise, all begun before one ends; `meanwhile` runs in a thread beside them."""
        beside = threading.Thread(target=meanwhile)
        beside.start()
        try:
            if self.is_async:

                async def gathered() -> list[Any]:
                    return list(await asyncio.gather(*(call() for call in calls), return_exceptions=True))

                return self.loop.run_until_complete(gathered())
            with ThreadPoolExecutor(len(calls)) as threads:
                futures = [threads.submit(call) for call in calls]
                return [future.exception() or future.result() for future in futures]
        finally:
            beside.join()

    def after(self, wait: Callable[[], Any], method: Callable[..., Any], *args: Any, then: Any = None) -> Any:
        """A call for `together` that begins when `wait`, in a thread, has come to something; `then` is called next."""

        def call() -> Any:
            assert wait()
            result = method(*args)
            if then:
                then()
            return result

        async def call_in_a_task() -> Any:
            assert await asyncio.to_thread(wait)
            result = await method(*args)
            if then:
                then()
            return result

        return call_in_a_task if self.is_async else call

    def wait_for_requests(self, count: int, route: Any = None) -> list[RecordedRequest]:
        """Until so many have come; the event loop goes on meanwhile."""
        if self.is_async:
            return self.loop.run_until_complete(self.server.requests_arrived(count, route=route))
        return self.server.wait_for_requests(count, route=route)

    @contextlib.contextmanager
    def warning(self) -> Iterator[None]:
        """What is done within, and the wait for the SDK's next warning."""
        ear = _Ear(logging.WARNING)
        logger = logging.getLogger("siperb")
        logger.addHandler(ear)
        try:
            yield
            if self.is_async:
                self.loop.run_until_complete(asyncio.wait_for(ear.heard.wait(), 30))
            else:
                assert ear.heard.block(30)
        finally:
            logger.removeHandler(ear)

    def close(self, client: Any) -> None:
        """Close it now: background refreshes have ended after this."""
        self.call(client.close)

    def __enter__(self) -> Facade:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for client in self._clients:
                self.close(client)
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()


class _Ear(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.heard = Signal()

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.set()


def said(server: SiperbServer) -> list[str]:
    """The routes that were asked, in order."""
    return [str(request.route) for request in server.requests]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("siperb") and record.levelno >= logging.WARNING
    ]


def chain(error: BaseException) -> list[BaseException]:
    """The error, and whatever hangs on it: what a debugger or an error tracker would see."""
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in found:
            found.append(one)
            todo += [one.__cause__, one.__context__]
    return found
