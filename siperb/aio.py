"""`AsyncSiperb`: drives the flows with `aiohttp`, tasks and the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from siperb.arguments import check_bulk
from siperb.cache import Cache
from siperb.cache.worker import DaemonThread
from siperb.core.calls import GetDevices, GetUser
from siperb.core.effects import Auth, Effect, Evict, Forget, Later, Load, Result, Save, Send, Sleep, assert_never
from siperb.facade import Facade
from siperb.flights import TaskFlights
from siperb.models import Device, Provisioning, ProvisioningResult, Session, User
from siperb.plan import REFRESH_TIMEOUT, Plan, Progress
from siperb.state import SiperbState

if TYPE_CHECKING:
    import aiohttp

__all__ = ["AsyncSiperb"]

T = TypeVar("T")
C = TypeVar("C", bound="AsyncSiperb")


class AsyncSiperb(Facade):
    """A client of the Siperb API for asyncio: `siperb.Siperb`, awaited.

    Two things differ: it is instances only, and it publishes to a state of its own unless given one, as a service
    holds many users. A client outlives its event loop: a call in another one opens connections of its own.

    http_session: an `aiohttp.ClientSession` to use; it is never closed and never changed, and must not have
        ``trust_env=True``, with which aiohttp reads ``~/.netrc``, or ``auth=``, which it does not allow beside a
        Bearer token. Its proxies and certificates count, not the environment's.
    The other arguments are those of `siperb.Siperb`.
    """

    def __init__(
        self,
        pat: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        cache: Cache | None = None,
        state: SiperbState | None = None,
        strict: bool = False,
        http_session: aiohttp.ClientSession | None = None,
        app_info: str | None = None,
    ) -> None:
        self._http_session = http_session
        super().__init__(
            pat,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            cache=cache,
            state=state,
            strict=strict,
            app_info=app_info,
        )

    async def login(
        self, pat: str | None = None, *, enable_cache: bool = False, login_key: str = "SiperbLogin"
    ) -> Session:
        """Log in with the PAT and return the session; see `siperb.Siperb.login`."""
        return await self._run(self._login_plan(pat, enable_cache, login_key))

    async def get_devices(
        self,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        enable_cache: bool = False,
        session_key: str = "SiperbDevices",
    ) -> list[Device] | None:
        """List the user's script devices, or None on failure; see `siperb.Siperb.get_devices`."""
        with self._lenient("get_devices"):
            devices = await self._run(self._devices_plan(user_id, session_token, enable_cache, session_key))
            return list(devices)
        return None

    async def get_provisioning(
        self,
        device_token: str,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        enable_cache: bool = False,
        provisioning_key: str = "SiperbProvisioning",
    ) -> Provisioning | None:
        """Fetch the SIP credentials of one script device, or None on failure; see `siperb.Siperb.get_provisioning`."""
        with self._lenient("get_provisioning"):
            return await self._run(
                self._provisioning_plan(device_token, user_id, session_token, enable_cache, provisioning_key)
            )
        return None

    async def get_user(self, *, user_id: str | None = None, session_token: str | None = None) -> User | None:
        """Fetch the profile of the user, or None on failure; see `siperb.Siperb.get_user`."""
        with self._lenient("get_user"):
            return await self._run(self._fetch_plan(GetUser(), user_id, session_token))
        return None

    def provision_all(
        self,
        device_tokens: Iterable[str] | None = None,
        *,
        concurrency: int = 16,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> AsyncIterator[ProvisioningResult]:
        """Provision many devices side by side: an async iterator of results; see `siperb.Siperb.provision_all`.

        Closing the iterator cancels the calls under way.
        """
        check_bulk(device_tokens, concurrency)
        return self._provision_all(device_tokens, concurrency, on_progress)

    async def _provision_all(
        self,
        device_tokens: Iterable[str] | None,
        concurrency: int,
        on_progress: Callable[[int, int | None], None] | None,
    ) -> AsyncIterator[ProvisioningResult]:
        if device_tokens is None:
            device_tokens = [device.device_token for device in await self._run(self._fetch_plan(GetDevices()))]
        progress = Progress(device_tokens, on_progress)
        plans = self._bulk_plans(device_tokens)
        under_way: set[asyncio.Task[ProvisioningResult]] = set()
        done: set[asyncio.Task[ProvisioningResult]] = set()
        try:
            under_way.update(asyncio.create_task(self._drive(plan)) for plan in islice(plans, concurrency))
            while under_way:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    under_way.update(asyncio.create_task(self._drive(plan)) for plan in islice(plans, 1))
                    result = task.result()
                    progress.step()
                    yield result
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, *done, return_exceptions=True)

    async def logout(self) -> None:
        """Forget session, publications, the user's cached records and the stored PAT; see `siperb.Siperb.logout`."""
        await self._run(self._logout_plan())

    async def save_pat(self, pat: str) -> bool:
        """Keep the PAT of the current session's user in the cache for later processes; False when it was not stored."""
        return await self._run(self._save_pat_plan(pat))

    async def close(self) -> None:
        """Wait for calls under way, up to 10 s for background refreshes, and close the connections.

        No call is possible after it.
        """
        self._closed = True
        loop = asyncio.get_running_loop()
        if here := self._loops.get(loop):
            await here.close()
            self._loops.pop(loop, None)
        self._refreshes.clear()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        self._warn_if_unclosed("`async with AsyncSiperb(...)` or `await client.close()`")

    # Driving.

    def renew_after_fork(self) -> None:
        super().renew_after_fork()
        self._left_to_parent = getattr(self, "_loops", None)  # kept, lest the child close the parent's connections
        self._loops: dict[asyncio.AbstractEventLoop, _Stay] = {}

    def _run(self, plan: Plan[T]) -> Coroutine[Any, Any, T]:
        return self._stay().flights.join(plan.identity, self._drive, plan)

    async def _drive(self, plan: Plan[T]) -> T:
        flow = plan.flow()
        try:
            effect = next(flow)
            while True:
                try:
                    result = await self._perform(effect, plan)
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value = cast(T, stop.value)
        finally:
            flow.close()
        return plan.finish(value)

    async def _perform(self, effect: Effect, plan: Plan[Any]) -> Result:
        match effect:
            case Send(request, deadline):
                transport = self._stay().transport
                return await transport.send(plan.context.origin, request, self._headers(request), deadline)
            case Auth():
                session = self._newer_session(plan, effect)
                if session is None:
                    session = await self._run(self._auth_plan(plan, effect))
                return session
            case Save() if not plan.is_wanted:
                return False
            case Load() | Save() | Evict() | Forget():
                return await asyncio.wrap_future(_cache_thread.submit(self._ask_cache, effect))
            case Sleep(seconds):
                await asyncio.sleep(seconds)
                return None
            case Later():
                if self._refreshes.add(effect, plan):
                    self._stay().worker = asyncio.create_task(self._refresh_all(), name="siperb-refresh")
                return None
            case _:
                assert_never(effect)

    async def _refresh_all(self) -> None:
        try:
            while refresh := self._refreshes.first():
                with self._refreshes.doing(refresh):
                    await self._drive(refresh)
        except BaseException:
            self._refreshes.stop()
            raise

    def _stay(self) -> _Stay:
        loop = asyncio.get_running_loop()
        stay = self._loops.get(loop)
        if stay is None:
            self._refuse_if_closed()
            self._loops = {known: stay for known, stay in self._loops.items() if not known.is_closed()}
            stay = self._loops[loop] = _Stay(self._http_session)
        return stay


class _Stay:
    """What a client has in one event loop."""

    def __init__(self, http_session: aiohttp.ClientSession | None) -> None:
        from siperb.aio_transport import AsyncTransport

        self.flights = TaskFlights()
        self.transport = AsyncTransport(http_session)
        self.worker: asyncio.Task[None] | None = None

    async def close(self) -> None:
        await self.flights.landed()
        if self.worker:
            await asyncio.wait([self.worker], timeout=REFRESH_TIMEOUT)
            self.worker.cancel()
        await self.transport.close()


_cache_thread = DaemonThread("siperb-cache")
