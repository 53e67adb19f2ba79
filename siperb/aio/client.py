"""`AsyncSiperb`: the calls of the API for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sized
from contextlib import aclosing
from typing import TYPE_CHECKING, Generic, Literal, overload

from siperb.aio.driver import Driver
from siperb.core.calls import GetDevices, GetUser
from siperb.facade.arguments import check_bulk
from siperb.facade.lenience import NoneUnlessStrict, lenient
from siperb.facade.runtime import keeps_secrets
from siperb.models import Device, Provisioning, ProvisioningResult, Registration, Session, User
from siperb.state import SiperbState

if TYPE_CHECKING:
    import aiohttp
    from typing_extensions import Never

    from siperb.cache import Cache

__all__ = ["AsyncSiperb"]


class AsyncSiperb(Driver, Generic[NoneUnlessStrict]):
    """A client of the Siperb API for asyncio: `siperb.Siperb`, awaited.

    Two things differ: it is instances only, and it publishes to a state of its own unless given one, as a service
    holds many users. A client outlives its event loop: a call in another one opens connections of its own.

    http_session: an `aiohttp.ClientSession` to use; it is never closed and never changed, and must not have
        ``trust_env=True``, with which aiohttp reads ``~/.netrc``, or ``auth=``, which it does not allow beside a
        Bearer token. Its proxies and certificates count, not the environment's.
    The other arguments are those of `siperb.Siperb`.
    """

    @overload
    def __init__(
        self: AsyncSiperb[Never],
        pat: str | None = None,
        *,
        strict: Literal[True],
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        cache: Cache | None = None,
        state: SiperbState | None = None,
        http_session: aiohttp.ClientSession | None = None,
        app_info: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncSiperb[None],
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
    ) -> None: ...
    @keeps_secrets
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
        super().__init__(
            pat, base_url, timeout, max_retries, cache, state, strict, http_session=http_session, app_info=app_info
        )

    @keeps_secrets
    async def login(
        self,
        pat: str | None = None,
        *,
        enable_cache: bool = False,
        login_key: str = "SiperbLogin",
        timeout: float | None = None,
    ) -> Session:
        """Log in with the PAT and return the session; see `siperb.Siperb.login`."""
        return await self._run(self._login(pat, enable_cache, login_key, timeout))

    @keeps_secrets
    @lenient
    async def get_devices(
        self,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        enable_cache: bool = False,
        session_key: str = "SiperbDevices",
        timeout: float | None = None,
    ) -> list[Device] | NoneUnlessStrict:
        """List the user's script devices, or None on failure; see `siperb.Siperb.get_devices`."""
        devices = await self._run(self._get_devices(user_id, session_token, enable_cache, session_key, timeout))
        return list(devices)

    @keeps_secrets
    @lenient
    async def get_provisioning(
        self,
        device_token: str,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        enable_cache: bool = False,
        provisioning_key: str = "SiperbProvisioning",
        timeout: float | None = None,
    ) -> Provisioning | NoneUnlessStrict:
        """Fetch the SIP credentials of one script device, or None on failure; see `siperb.Siperb.get_provisioning`."""
        return await self._run(
            self._get_provisioning(device_token, user_id, session_token, enable_cache, provisioning_key, timeout)
        )

    @keeps_secrets
    @lenient
    async def get_user(
        self, *, user_id: str | None = None, session_token: str | None = None, timeout: float | None = None
    ) -> User | NoneUnlessStrict:
        """Fetch the profile of the user, or None on failure; see `siperb.Siperb.get_user`."""
        return await self._run(self._fetch(GetUser(), user_id, session_token, timeout=timeout))

    @keeps_secrets
    def provision_all(
        self,
        device_tokens: Iterable[str] | None = None,
        *,
        concurrency: int = 16,
        on_progress: Callable[[int, int | None], None] | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[ProvisioningResult]:
        """Provision many devices side by side: an async iterator of results; see `siperb.Siperb.provision_all`.

        Closing the iterator cancels the calls under way.
        """
        check_bulk(device_tokens, concurrency)
        return self._provision_all(device_tokens, concurrency, on_progress, self._seconds(timeout))

    async def _provision_all(
        self,
        device_tokens: Iterable[str] | None,
        concurrency: int,
        on_progress: Callable[[int, int | None], None] | None,
        timeout: float,
    ) -> AsyncIterator[ProvisioningResult]:
        if device_tokens is None:
            device_tokens = [
                device.device_token for device in await self._run(self._fetch(GetDevices(), timeout=timeout))
            ]
        total, done = len(device_tokens) if isinstance(device_tokens, Sized) else None, 0
        invocations = self._provision(device_tokens, timeout)
        del device_tokens
        async with aclosing(self._drive_many(invocations, concurrency)) as results:
            async for result in results:
                done += 1
                if on_progress:
                    on_progress(done, total)
                yield result

    @keeps_secrets
    async def check_registration(
        self, provisioning: Provisioning, *, insecure: bool = False, timeout: float | None = None
    ) -> Registration:
        """Ask the SIP registrar whether a phone registers; see `siperb.Siperb.check_registration`."""
        from siperb.facade.registrar import ask

        self._refuse_if_closed()
        seconds, user_agent = self._seconds(timeout), self._user_agent
        return await ask(provisioning, self.session, insecure=insecure, timeout=seconds, user_agent=user_agent)

    @keeps_secrets
    async def logout(self) -> None:
        """Forget session, publications, the user's cached records and the stored PAT; see `siperb.Siperb.logout`."""
        await self._run(self._logout())

    @keeps_secrets
    async def save_pat(self, pat: str) -> bool:
        """Keep the PAT of the current session's user in the cache for later processes; False when it was not stored."""
        return await self._run(self._save_pat(pat))
