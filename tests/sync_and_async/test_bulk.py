"""bulk: the user's own function for many items, side by side."""

from __future__ import annotations

import asyncio
import itertools
import queue
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
from facades import Facade, said

from siperb import (
    AsyncSiperb,
    AuthenticationError,
    BulkResult,
    ConfigurationError,
    DomainUser,
    MemoryCache,
    MissingCredentialsError,
    NotFoundError,
    RateLimitError,
    Siperb,
    SiperbError,
)
from siperb.testing import Hold, SiperbServer, Status

Steps = Generator[Any, Any, Any]


def script_tokens(server: SiperbServer, count: int) -> list[str]:
    return [device.token for device in server.add_devices(count)]


def provisioning(client: Any) -> Any:
    """The steps of one call an item."""

    def steps(token: str) -> Steps:
        return (yield client.get_provisioning(token))

    return steps


def test_each_item_has_its_own_value(facade: Facade) -> None:
    tokens = script_tokens(facade.server, 40)
    client = facade.client(strict=True)

    def named(token: str) -> Steps:
        devices = yield client.get_devices()
        answer = yield client.get_provisioning(token)
        return len(devices), answer.sip_username

    steps: list[tuple[int, int | None]] = []
    found = facade.listed(
        client.bulk(facade.steps(named), tokens, on_progress=lambda done, total: steps.append((done, total)))
    )
    assert {result.item for result in found} == set(tokens)
    assert {result.value[0] for result in found} == {42}
    assert len({result.value[1] for result in found}) == 40
    assert {result.error for result in found} == {None}
    assert steps == [(done, 40) for done in range(1, 41)]


def test_what_work_raises_is_the_error_of_its_item(facade: Facade) -> None:
    (good,) = script_tokens(facade.server, 1)
    client = facade.client(strict=True)

    def work(item: Any) -> Steps:
        yield client.get_devices()
        if item is None:
            raise LookupError("no such row")
        return (yield client.get_provisioning(item))

    items = ["t" + "0" * 64, "..", None, good]
    found = {result.item: result for result in facade.listed(client.bulk(facade.steps(work), iter(items)))}
    errors = [found[item].error for item in items]
    assert [type(error) for error in errors] == [NotFoundError, ConfigurationError, LookupError, type(None)]
    assert [found[item].value is None for item in items] == [True, True, True, False]
    for error in errors[:3]:  # it leads to the line of work, and holds nothing of ours
        assert error.__traceback__.tb_frame.f_code.co_filename.endswith("facades.py")


def test_a_result_shows_no_secret() -> None:
    assert repr(BulkResult("t0123", "value")) == "BulkResult(item=<str>, error=None)"
    user = DomainUser("d1", "ann@contact.example")
    assert repr(BulkResult(user, "value")) == f"BulkResult(item={user!r}, error=None)"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_is_no_exception_goes_through(server: SiperbServer, error: type[BaseException]) -> None:
    def work(_: int) -> None:
        raise error("now")

    with Siperb(server.pat, base_url=server.base_url, state=None) as client, pytest.raises(error, match="now"):
        next(client.bulk(work, [1]))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_what_is_no_exception_goes_through_in_a_task(server: SiperbServer, error: type[BaseException]) -> None:
    async def work(_: int) -> None:
        raise error("now")

    async def main() -> None:
        async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
            await anext(client.bulk(work, [1]))

    with pytest.raises(error):
        asyncio.run(main())


def test_items_are_taken_as_they_are_needed_and_no_more_at_a_time(facade: Facade) -> None:
    client, taken, under_way, most = facade.client(strict=True), itertools.count(), [], []

    def work(item: int) -> Steps:
        under_way.append(item)
        most.append(len(under_way))
        yield client.get_devices()
        under_way.remove(item)

    totals: list[Any] = []
    found = facade.listed(
        client.bulk(facade.steps(work), taken, concurrency=3, on_progress=lambda _, total: totals.append(total)),
        take=10,
    )
    assert len(found) == 10
    assert next(taken) <= 13
    assert max(most) <= 3
    assert set(totals) == {None}


def test_retry_after_of_one_call_holds_back_all(facade: Facade) -> None:
    tokens = script_tokens(facade.server, 3)
    client = facade.client(strict=True, max_retries=0)
    facade.call(client.login)
    facade.server.fail("provisioning", Status(429, retry_after=1))
    began = time.monotonic()
    found = facade.listed(client.bulk(facade.steps(provisioning(client)), tokens, concurrency=1))
    assert [type(result.error) for result in found] == [RateLimitError, type(None), type(None)]
    assert time.monotonic() - began >= 1


def test_a_call_outside_of_the_run_is_not_held_back(facade: Facade) -> None:
    tokens = script_tokens(facade.server, 2)
    client = facade.client(strict=True, max_retries=0)
    facade.call(client.login)
    facade.server.fail("provisioning", Status(429, retry_after=60))

    async def beside() -> None:
        results = client.bulk(facade.steps(provisioning(client)), tokens, concurrency=1)
        assert (await anext(results)).error.retry_after == 60  # the next one waits
        assert await client.get_provisioning(tokens[1])
        await results.aclose()

    if facade.is_async:
        facade.call(beside)
    else:
        results = client.bulk(facade.steps(provisioning(client)), tokens, concurrency=1)
        assert next(results).error.retry_after == 60
        assert client.get_provisioning(tokens[1])
        results.close()
    assert said(facade.server).count("provisioning") == 2


def test_a_refresh_of_what_is_cached_is_no_part_of_the_run(facade: Facade) -> None:
    """It would hold the process's exit."""
    (token,) = script_tokens(facade.server, 1)
    client = facade.client(strict=True, max_retries=0, cache=MemoryCache())
    facade.call(client.get_devices, enable_cache=True)
    facade.server.fail("provisioning", Status(429, retry_after=60))

    def work(item: int) -> Steps:
        return (yield client.get_devices(enable_cache=True) if item else client.get_provisioning(token))

    refused, cached = facade.listed(client.bulk(facade.steps(work), [0, 1], concurrency=1))
    assert isinstance(refused.error, RateLimitError)
    assert len(cached.value) == 3
    facade.wait_for_requests(2, route="devices")


def test_a_refused_pat_ends_the_run_early(facade: Facade) -> None:
    server = facade.server
    tokens = script_tokens(server, 100)
    client = facade.client(strict=True)
    facade.call(client.login)
    server.expire_sessions()
    server.revoke_pat()
    worked: list[str] = []

    def work(token: str) -> Steps:
        worked.append(token)
        yield client.get_provisioning(token)

    found = facade.listed(client.bulk(facade.steps(work), tokens, concurrency=4))
    assert [type(result.error) for result in found] == [AuthenticationError] * 100
    assert len(worked) <= 8
    assert said(server).count("login") <= 3


@pytest.mark.parametrize("change", ["logout", "another login"])
def test_the_calls_are_those_of_the_login_it_began_with(facade: Facade, change: str) -> None:
    other = facade.server.add_user()
    tokens = script_tokens(facade.server, 3)
    client = facade.client(strict=True)

    def work(token: str) -> Steps:
        yield client.logout() if change == "logout" else client.login(other.pat)
        yield client.get_provisioning(token)

    found = facade.listed(client.bulk(facade.steps(work), tokens, concurrency=1))
    assert {str(result.error) for result in found} == {"The client has logged out, or in as somebody else, meanwhile."}
    assert "provisioning" not in said(facade.server)


def test_without_a_pat_each_item_says_so(facade: Facade) -> None:
    client = facade.bare_client(base_url=facade.server.base_url, strict=True)
    found = facade.listed(client.bulk(facade.steps(provisioning(client)), ["t0123"] * 3))
    assert [type(result.error) for result in found] == [MissingCredentialsError] * 3


ABOUT: ContextVar[str] = ContextVar("ABOUT", default="nothing")


def test_work_sees_what_the_consumer_has_set(facade: Facade) -> None:
    client = facade.client()

    def work(_: int) -> Steps:
        yield client.get_user()
        return ABOUT.get()

    token = ABOUT.set("the request")
    try:
        found = facade.listed(client.bulk(facade.steps(work), range(3)))
    finally:
        ABOUT.reset(token)
    assert [result.value for result in found] == ["the request"] * 3


@pytest.mark.parametrize("work", [None, "get_devices", 5], ids=repr)
def test_work_that_is_no_function_is_refused(facade: Facade, work: Any) -> None:
    with pytest.raises(ConfigurationError, match="work must be a function"):
        facade.client().bulk(work, [])


class Worker:
    def __call__(self, item: Any) -> None: ...


class AsyncWorker:
    async def __call__(self, item: Any) -> None: ...


def test_work_of_the_other_kind_is_refused(facade: Facade) -> None:
    other: Any = Siperb("pat") if facade.is_async else AsyncSiperb("pat")
    kinds = (Worker(), AsyncWorker()) if facade.is_async else (AsyncWorker(), Worker())
    for wrong in other.get_provisioning, partial(other.get_provisioning, enable_cache=True), kinds[0]:
        with pytest.raises(ConfigurationError, match="the other kind is for"):
            facade.client().bulk(wrong, [])
    assert facade.listed(facade.client().bulk(kinds[1], [])) == []


@pytest.mark.parametrize(
    ("items", "concurrency"), [("t0123", 16), (5, 16), (None, 16), ([], 0), ([], True), ([], 1001)], ids=repr
)
def test_misuse_is_said_at_once(facade: Facade, items: Any, concurrency: Any) -> None:
    client = facade.client()
    with pytest.raises(ConfigurationError):
        client.bulk(facade.steps(provisioning(client)), items, concurrency=concurrency)


def test_a_closed_client_says_so(facade: Facade) -> None:
    client = facade.client()
    facade.close(client)
    with pytest.raises(ConfigurationError, match="closed"):
        facade.listed(client.bulk(facade.steps(provisioning(client)), [1]))


# Closing the iterator.


def test_after_the_end_of_a_run_its_work_makes_no_more_calls(server: SiperbServer) -> None:
    goes_on, refused = threading.Event(), []
    begun: queue.SimpleQueue[int] = queue.SimpleQueue()

    def work(item: int) -> None:
        if item:
            begun.put(item)
            assert goes_on.wait(30)
            try:
                client.get_devices()
            except SiperbError as error:
                refused.append(str(error))

    with Siperb(server.pat, base_url=server.base_url, state=None) as client:
        client.login()
        results = client.bulk(work, range(3), concurrency=2)
        next(results)
        for _ in range(2):
            begun.get(timeout=30)
        results.close()  # type: ignore[attr-defined]
        goes_on.set()
        for thread in threading.enumerate():
            if thread.name == "siperb-bulk":
                thread.join(30)
        assert client.get_devices()
    assert refused == ["Nobody waits for this any more."] * 2
    assert said(server) == ["login", "devices"]


def test_ctrl_c_ends_a_run(server: SiperbServer) -> None:
    hold = Hold()
    server.fail("devices", hold)
    main = threading.main_thread().ident
    assert main

    def work(_: int) -> None:
        workers.append(threading.current_thread())
        interrupter.start()
        client.get_devices()
        client.get_user()

    def interrupt() -> None:
        server.wait_for_requests(1, route="devices")
        signal.pthread_kill(main, signal.SIGINT)

    workers: list[threading.Thread] = []
    interrupter = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Siperb(server.pat, base_url=server.base_url, state=None) as client:
            results = client.bulk(work, [1])
            with pytest.raises(KeyboardInterrupt):
                next(results)
            hold.release()
            workers[0].join(30)
            assert not workers[0].is_alive()
    finally:
        signal.signal(signal.SIGINT, before)
        interrupter.join()
    assert said(server) == ["login", "devices"]


async def test_closing_cancels_the_tasks(server: SiperbServer) -> None:
    cancelled = []

    async def work(item: int) -> None:
        try:
            if item:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        results = client.bulk(work, range(3), concurrency=2)
        await anext(results)
        await asyncio.sleep(0)
        await results.aclose()  # type: ignore[attr-defined]
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    assert sorted(cancelled) == [1, 2]


async def test_a_consumer_that_is_cancelled_leaves_no_task_behind(server: SiperbServer) -> None:
    server.fail("devices", Hold(), times=None)

    async def work(_: int) -> None:
        await client.get_devices()

    async def consume() -> None:
        async for _ in client.bulk(work, range(5), concurrency=2):
            raise AssertionError("nothing ends")

    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        consumer = asyncio.create_task(consume())
        await server.requests_arrived(1, route="devices")
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        await asyncio.sleep(0)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


def test_items_that_fail_to_come_end_the_run(facade: Facade) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("the rows are gone")

    client = facade.client()
    with pytest.raises(LookupError, match="the rows are gone"):
        facade.listed(client.bulk(facade.steps(provisioning(client)), items()))


def test_on_the_class() -> None:
    assert list(Siperb.bulk(str.upper, [])) == []
