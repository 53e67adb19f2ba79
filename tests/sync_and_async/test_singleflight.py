"""Calls at the same time: one request for all, whoever of them gives up."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import time
import weakref
from typing import Any

import pytest
from attrs import evolve
from facades import Facade, said
from transcripts import within

from siperb import APITimeoutError, AsyncSiperb, NotFoundError, Siperb
from siperb.aio.singleflight import Singleflight as AsyncSingleflight
from siperb.core.retry import Context, Throttle
from siperb.sync.singleflight import Singleflight
from siperb.testing import Hold, SiperbServer, Status

MANY = 200


@pytest.mark.parametrize("fault", [None, Status(404)])
def test_two_hundred_threads_make_one_request(server: SiperbServer, fault: Any, waiting: Any) -> None:
    hold = Hold()
    results: list[Any] = []

    def ask() -> None:
        try:
            results.append(client.get_devices(user_id=user.user_id, session_token=user.session_token))
        except NotFoundError as error:
            results.append(error)

    user = server.user
    server.fail("devices", *filter(None, (hold, fault)))
    with Siperb(server.pat, base_url=server.base_url, state=None, strict=True) as client:
        threads = [threading.Thread(target=ask) for _ in range(MANY)]
        for thread in threads:
            thread.start()
        waiting(MANY - 1)
        hold.release()
        for thread in threads:
            thread.join()
    assert said(server) == ["devices"]
    assert len({id(result) for result in results}) == MANY  # none is shared: a list may be changed, an error raised
    assert all(type(result) is (NotFoundError if fault else list) for result in results)


@pytest.mark.parametrize("fault", [None, Status(404)])
async def test_two_hundred_tasks_make_one_request(server: SiperbServer, fault: Any) -> None:
    hold = Hold()
    user = server.user
    server.fail("devices", *filter(None, (hold, fault)))
    async with AsyncSiperb(server.pat, base_url=server.base_url, strict=True) as client:
        calls = [client.get_devices(user_id=user.user_id, session_token=user.session_token) for _ in range(MANY)]
        tasks = [asyncio.create_task(call) for call in calls]
        await server.requests_arrived(1)
        hold.release()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert said(server) == ["devices"]
    assert len({id(result) for result in results}) == MANY
    assert all(type(result) is (NotFoundError if fault else list) for result in results)


def test_what_a_call_got_goes_with_its_caller(facade: Facade) -> None:
    """The run that got it holds it no longer, so that a secret does not wait for the garbage collector."""
    client = facade.client(strict=True)
    facade.call(client.login)
    gc.collect()
    gc.disable()
    try:
        user = weakref.ref(facade.call(client.get_user))
        assert user() is None
    finally:
        gc.enable()


def test_logins_after_an_expiry_are_one_however_they_meet(facade: Facade) -> None:
    """Those who come while another one's login is being taken note of find it, and make none of their own."""
    client = facade.client(strict=True)
    facade.call(client.login)
    for _ in range(20):
        facade.server.expire_sessions()
        facade.server.clear()
        tokens = [device.token for device in facade.server.user.devices if device.platform == "script"]
        calls = [client.get_devices, *(lambda token=token: client.get_provisioning(token) for token in tokens)]
        results = facade.together(*calls)
        assert not [result for result in results if isinstance(result, Exception)]
        assert said(facade.server).count("login") == 1


def test_a_login_that_ended_since_the_look_is_found(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    client = facade.client(strict=True)
    facade.call(client.login)
    look, looks = client._newer_session, []

    def too_early(plan: Any, auth: Any) -> Any:
        looks.append(auth)
        return None if len(looks) == 1 else look(plan, auth)

    monkeypatch.setattr(client, "_newer_session", too_early)
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices"]


async def test_one_who_gives_up_leaves_the_others_their_request(server: SiperbServer) -> None:
    hold = Hold()
    server.fail("login", hold)
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        first, second = (asyncio.create_task(client.login()) for _ in range(2))
        await server.requests_arrived(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        hold.release()
        assert await second == client.session
    assert said(server) == ["login"]


async def test_one_who_gives_up_at_once_asks_nothing(server: SiperbServer) -> None:
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        task = asyncio.create_task(client.login())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert said(server) == []


async def test_when_the_last_one_gives_up_the_request_ends(server: SiperbServer) -> None:
    ended = threading.Event()

    class Silence:
        async def apply(self, _: Any) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    server.fail("login", Silence())
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        tasks = [asyncio.create_task(client.login()) for _ in range(3)]
        await server.requests_arrived(1)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 3
        assert await asyncio.to_thread(ended.wait, 10)  # the server sees the connection end
        assert await client.login()  # and the next call asks anew, over a connection that is in order
    assert said(server) == ["login", "login"]


def test_a_thread_that_is_interrupted_hands_over(waiting: Any) -> None:
    singleflight, context = Singleflight(), within(60)
    begun, interrupt = threading.Event(), threading.Event()
    ran: list[str] = []
    results: list[Any] = []

    def interrupted() -> str:
        ran.append("first")
        begun.set()
        interrupt.wait(30)
        raise KeyboardInterrupt

    def lead() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            results.append(singleflight.join("call", context, interrupted))

    def follow() -> None:
        results.append(singleflight.join("call", context, lambda: ran.append("second") or "done"))

    threads = [threading.Thread(target=lead)]
    threads[0].start()
    assert begun.wait(30)
    threads += [threading.Thread(target=follow) for _ in range(5)]
    for thread in threads[1:]:
        thread.start()
    waiting(5)
    interrupt.set()
    for thread in threads:
        thread.join()
    assert results == ["done"] * 5
    assert ran[0] == "first"
    assert set(ran[1:]) == {"second"}


def cut_short() -> APITimeoutError:
    error = APITimeoutError("the first caller's time is up")
    error.is_for_lack_of_time = True
    return error


def test_a_thread_goes_on_when_the_deadline_of_another_ended_the_run(waiting: Any) -> None:
    singleflight = Singleflight()
    begun, go_on = threading.Event(), threading.Event()
    results: list[Any] = []

    def fail() -> str:
        begun.set()
        go_on.wait(30)
        raise cut_short()

    def lead() -> None:
        with contextlib.suppress(APITimeoutError):
            results.append(singleflight.join("call", within(1), fail))

    def follow(seconds: float) -> None:
        try:
            results.append(singleflight.join("call", within(seconds), lambda: "its own"))
        except APITimeoutError as error:
            results.append(str(error))

    threads = [threading.Thread(target=lead)]
    threads[0].start()
    assert begun.wait(30)
    threads += [threading.Thread(target=follow, args=(seconds,)) for seconds in (60, 0.5)]
    for thread in threads[1:]:
        thread.start()
    waiting(2)
    threads[2].join(30)  # it waits as long as its own time, no longer
    assert results == ["The call got no answer in time: check the network or raise the timeout."]
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert results[1:] == ["its own"]


async def test_a_task_goes_on_when_the_deadline_of_another_ended_the_run() -> None:
    singleflight = AsyncSingleflight()
    go_on = asyncio.Event()

    async def fail() -> str:
        await go_on.wait()
        raise cut_short()

    async def its_own() -> str:
        return "its own"

    first = asyncio.create_task(singleflight.join("call", within(1), fail))
    await asyncio.sleep(0)
    patient, impatient = (
        asyncio.create_task(singleflight.join("call", within(seconds), its_own)) for seconds in (60, 0.2)
    )
    with pytest.raises(APITimeoutError, match="The call got no answer in time"):
        await asyncio.wait_for(impatient, 30)
    go_on.set()
    assert await asyncio.wait_for(patient, 30) == "its own"
    with pytest.raises(APITimeoutError, match="first caller"):
        await first


async def test_a_cancelled_call_ends_its_flow_and_leaves_no_connection_in_use(server: SiperbServer) -> None:
    closed: list[str] = []

    class Watched(AsyncSiperb):
        async def _drive(self, plan: Any) -> Any:
            flow = plan.flow

            def watched() -> Any:
                try:
                    return (yield from flow())
                finally:
                    closed.append("closed")

            import attrs

            return await super()._drive(attrs.evolve(plan, flow=watched))

    hold = Hold()
    server.fail("login", hold)
    async with Watched(server.pat, base_url=server.base_url) as client:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.login(), 0.05)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert closed == ["closed"]
        hold.release()
        session = await client.login()
        assert session.session_token == server.user.session_token


async def test_a_flight_that_is_cancelled_before_it_begins_is_none(server: SiperbServer) -> None:
    """As when a program cancels all tasks: the next call of the kind does not wait for it."""
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        call = asyncio.create_task(client.login())
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.wait_for(client.login(), 30)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks are eager from Python 3.12 on")
async def test_a_flight_may_land_before_anybody_waits(server: SiperbServer) -> None:
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    singleflight, context = AsyncSingleflight(), within(60)

    async def at_once() -> int:
        return 1

    async def fail_at_once() -> int:
        raise LookupError

    assert await asyncio.wait_for(singleflight.join("call", context, at_once), 30) == 1
    with pytest.raises(LookupError):
        await asyncio.wait_for(singleflight.join("call", context, fail_at_once), 30)
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        assert len(await client.get_devices() or ()) == 2


def held(seconds: float) -> Context:
    """One with no time left, but for what its bulk run was held back."""
    context = evolve(within(0.0), throttle=Throttle())
    assert context.throttle
    context.throttle.hold(time.monotonic(), seconds)
    return context


def test_a_thread_waits_longer_by_what_its_run_was_held_back(waiting: Any) -> None:
    singleflight, shared, results = Singleflight(), threading.Event(), []
    leading = threading.Event()

    def work() -> str:
        leading.set()
        return "done" if shared.wait(30) else ""

    threads = [
        threading.Thread(target=lambda context=context: results.append(singleflight.join("call", context, work)))
        for context in (within(60), held(60))
    ]
    threads[0].start()
    assert leading.wait(30)
    threads[1].start()
    waiting(1)
    shared.set()
    for thread in threads:
        thread.join(30)
    assert results == ["done"] * 2


async def test_a_task_waits_longer_by_what_its_run_is_held_back_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.aio.singleflight.GRACE", 0.0)
    context = evolve(within(0.05), throttle=Throttle())

    async def work() -> str:
        assert context.throttle
        context.throttle.hold(time.monotonic(), 60)
        await asyncio.sleep(0.1)  # its time is up meanwhile
        return "done"

    assert await AsyncSingleflight().join("call", context, work) == "done"
