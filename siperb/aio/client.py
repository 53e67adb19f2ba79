"""`AsyncSiperb`: the calls of the API for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, NoReturn, TypeAlias, overload

import siperb
from siperb.aio.bulk import BulkCalls
from siperb.client.arguments import cache_key_of
from siperb.client.client import NoneUnlessStrict
from siperb.core import operations
from siperb.state import SiperbState

if TYPE_CHECKING:
    import aiohttp


__all__ = ["AsyncSiperb", "StrictAsyncSiperb"]


class AsyncSiperb(BulkCalls, Generic[NoneUnlessStrict]):
    """A client of the Siperb API for asyncio.

    Its calls are those of `siperb.Siperb`, awaited. Calls are made on instances only, not on the class. Results are
    published to a state of the client's own, as a service holds many users.

    Every call logs in by itself. One client may serve many tasks, and more than one event loop.

    Args:
        pat: The personal access token. None means ``SIPERB_PAT``, then the file of ``SIPERB_PAT_FILE``, then
            the keyring entry of ``siperb login``.
        base_url: An address with https, or http to loopback. None means ``SIPERB_BASE_URL``, then
            https://api.siperb.com.
        timeout: Seconds for a whole call, retries included.
        max_retries: The retries after connection errors and the statuses 408, 429, 500, 502, 503 and 504.
        cache: The cache for ``enable_cache=True``. None means the OS keyring (`KeyringCache`).
        state: The place to publish results. None means a state of this client's own.
        strict: Raise errors from `get_devices`, `get_provisioning` and `get_user`. Otherwise these log a warning and
            return None. A type checker knows a strict client as `StrictAsyncSiperb`.
        http_session: An `aiohttp.ClientSession` to use. The client never closes or changes it. Its proxies and
            certificates count, not those of the environment. It must not have ``trust_env=True``, as aiohttp would read
            ``~/.netrc``, nor ``auth=``, which aiohttp does not allow beside a Bearer token.
        app_info: A text to add to the ``User-Agent``, e.g. ``"pbx-sync/2.1"``.

    Raises:
        ConfigurationError: An argument cannot be used. Calls raise it too, and `MissingCredentialsError` without a PAT.
        CredentialsUnavailableError: Calls raise it if the PAT may be in the keyring, and the keyring does not answer.

    Example:
        ```python
        async with AsyncSiperb(strict=True) as client:
            for device in await client.get_devices():
                print(device.description)
        ```
    """

    @overload
    def __init__(
        self: StrictAsyncSiperb,
        pat: str | None = None,
        *,
        strict: Literal[True],
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        cache: siperb.Cache | None = None,
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
        cache: siperb.Cache | None = None,
        state: SiperbState | None = None,
        strict: bool = False,
        http_session: aiohttp.ClientSession | None = None,
        app_info: str | None = None,
    ) -> None: ...
    def __init__(
        self,
        pat: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        cache: siperb.Cache | None = None,
        state: SiperbState | None = None,
        strict: bool = False,
        http_session: aiohttp.ClientSession | None = None,
        app_info: str | None = None,
    ) -> None:
        super().__init__(
            pat, base_url, timeout, max_retries, cache, state, strict, http_session=http_session, app_info=app_info
        )

    async def get_devices(
        self,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        enable_cache: bool = False,
        session_key: str = "SiperbDevices",
        platform: str | None = "script",
        timeout: float | None = None,
    ) -> list[siperb.Device] | NoneUnlessStrict:
        """List the user's devices in the order of the API.

        Args:
            user_id: The user of a session to use instead of the client's. Needs `session_token`.
            session_token: The token of that session. Needs `user_id`.
            enable_cache: Return the cached list at once if there is one, and refresh it in the background.
            session_key: Tells cached lists of one user apart.
            platform: Only devices of this platform: "script", "ios", "android", "webpage" or "electron". None lists
                all. Only "script" devices have SIP credentials, and only these are published.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The devices. None after a failure, unless the client is strict.

        Raises:
            APIError: The client is strict, and the API failed or refused.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            for device in await client.get_devices(platform=None):
                print(device.platform, device.description)
            ```
        """
        key = cache_key_of("session_key", session_key, enable_cache)
        call = self._ask_leniently(
            "get_devices", lambda: operations.get_devices(platform, key), user_id, session_token, timeout
        )
        return await self._run(call)

    async def get_provisioning(
        self,
        device_token: str,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        enable_cache: bool = False,
        provisioning_key: str = "SiperbProvisioning",
        timeout: float | None = None,
    ) -> siperb.Provisioning | NoneUnlessStrict:
        """Fetch the SIP credentials and settings of one script device.

        Args:
            device_token: The token of a `Device` that `get_devices` listed.
            user_id: The user of a session to use instead of the client's. Needs `session_token`.
            session_token: The token of that session. Needs `user_id`.
            enable_cache: Return the cached document at once if there is one, and refresh it in the background. If its
                JWT has less than 60 s left, the API is asked first.
            provisioning_key: Tells cached documents of one device apart.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The document. None after a failure, unless the client is strict.

        Raises:
            APIError: The client is strict, and the API failed or refused.
            ProvisioningError: The client is strict, and the device has no SIP credentials to hand out.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            devices = await client.get_devices()
            provisioning = await client.get_provisioning(devices[0].device_token)
            print(provisioning.sip_username, provisioning.sip_domain)
            ```
        """
        key = cache_key_of("provisioning_key", provisioning_key, enable_cache)
        call = self._ask_leniently(
            "get_provisioning", lambda: operations.get_provisioning(device_token, key), user_id, session_token, timeout
        )
        return await self._run(call)

    async def get_user(
        self,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        timeout: float | None = None,
    ) -> siperb.User | NoneUnlessStrict:
        """Fetch the profile of the user.

        Args:
            user_id: The user of a session to use instead of the client's. Needs `session_token`.
            session_token: The token of that session. Needs `user_id`.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The profile. None after a failure, unless the client is strict.

        Raises:
            APIError: The client is strict, and the API failed or refused.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            user = await client.get_user()
            print(user.raw)
            ```
        """
        call = self._ask_leniently("get_user", operations.get_user, user_id, session_token, timeout)
        return await self._run(call)


StrictAsyncSiperb: TypeAlias = AsyncSiperb[NoReturn]
"""The type of `AsyncSiperb(strict=True)`, for annotations: its calls never return None."""
