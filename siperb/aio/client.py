"""`AsyncSiperb`: the calls of the API for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, overload

import siperb
from siperb.aio.bulk import BulkCalls
from siperb.client.arguments import cache_key_of
from siperb.client.client import NoneUnlessStrict
from siperb.core import operations
from siperb.state import SiperbState

if TYPE_CHECKING:
    import aiohttp
    from typing_extensions import Never


__all__ = ["AsyncSiperb"]


class AsyncSiperb(BulkCalls, Generic[NoneUnlessStrict]):
    """A client of the Siperb API for asyncio: `siperb.Siperb`, awaited.

    Two things differ: it is instances only, and it publishes to a state of its own unless given one, as a service
    holds many users. A client outlives its event loop: a call in another one opens connections of its own.

    pat: the personal access token; None means ``SIPERB_PAT``, then the keyring entry that ``siperb login`` wrote.
    base_url: https, or http to loopback; None means ``SIPERB_BASE_URL``, then https://api.siperb.com.
    timeout: seconds for a whole call, retries included.
    max_retries: for connection errors and the statuses 408, 429, 500, 502, 503 and 504.
    cache: where ``enable_cache=True`` keeps things; None means the OS keyring (`KeyringCache`).
    state: where results are published; None means a state of this client's own.
    strict: raise from `get_devices`, `get_provisioning` and `get_user` instead of returning None, which a type checker
        then knows: ``AsyncSiperb[Never]`` is a strict client, and ``AsyncSiperb`` one that is not, or may be.
    http_session: an `aiohttp.ClientSession` to use; it is never closed and never changed, and must not have
        ``trust_env=True``, with which aiohttp reads ``~/.netrc``, or ``auth=``, which it does not allow beside a
        Bearer token. Its proxies and certificates count, not the environment's.
    app_info: what to add to the ``User-Agent``, e.g. ``"pbx-sync/2.1"``.

    Raises `ConfigurationError` for a value that cannot be used.
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

    async def login(
        self,
        pat: str | None = None,
        *,
        enable_cache: bool = False,
        login_key: str = "SiperbLogin",
        timeout: float | None = None,
    ) -> siperb.Session:
        """Log in with the PAT and return the session, which later calls of this client use.

        pat: None means the constructor's, then ``SIPERB_PAT``, then the keyring's.
        enable_cache: keep the session in the cache, under a hash of the PAT, for at most 24 days, and use a cached
            one without asking the API.
        login_key: tells cached sessions of one PAT apart.
        timeout: seconds for this call, instead of the client's.

        Raises `MissingCredentialsError` without a PAT, `CredentialsUnavailableError` when the keyring that may hold it
        does not answer, `AuthenticationError` when the API refuses it, and the other errors of `siperb.errors`, whether
        `strict` or not.
        """
        key = cache_key_of("login_key", login_key, enable_cache)
        return await self._run(self._login(pat, key, timeout))

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
        """List the user's devices, in the API's order; logs in by itself.

        user_id, session_token: a session to use instead of the client's own; both or neither.
        enable_cache: return the cached list at once, if there is one, and refresh it in the background.
        session_key: tells cached lists of one user apart.
        platform: of which to list them ("ios", "android", "webpage", "electron"); None for all. Only "script" has SIP
            credentials to hand out, and only these are published.
        timeout: seconds for this call, instead of the client's.

        Returns None when the API fails or refuses, with one warning in the log; raises that error when `strict`.
        Raises `ConfigurationError` for arguments that cannot be used.
        """
        key = cache_key_of("session_key", session_key, enable_cache)
        operation = operations.get_devices(platform, key)
        call = self._ask_leniently("get_devices", operation, user_id, session_token, timeout)
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
        """Fetch the SIP credentials and settings of one script device; logs in by itself.

        device_token: of a `Device` that `get_devices` listed.
        user_id, session_token: a session to use instead of the client's own; both or neither.
        enable_cache: return the cached document at once, if there is one, and refresh it in the background; one whose
            JWT has less than 60 s left is fetched first, and returned as it is when the API cannot be reached.
        provisioning_key: tells cached documents of one device apart.
        timeout: seconds for this call, instead of the client's.

        Returns None when the API fails or refuses, or the device is no script device, with one warning in the log;
        raises that error when `strict`. Raises `ConfigurationError` for arguments that cannot be used.
        """
        key = cache_key_of("provisioning_key", provisioning_key, enable_cache)
        operation = operations.get_provisioning(device_token, key)
        call = self._ask_leniently("get_provisioning", operation, user_id, session_token, timeout)
        return await self._run(call)

    async def get_user(
        self,
        *,
        user_id: str | None = None,
        session_token: str | None = None,
        timeout: float | None = None,
    ) -> siperb.User | NoneUnlessStrict:
        """Fetch the profile of the user; logs in by itself.

        user_id, session_token: a session to use instead of the client's own; both or neither.
        timeout: seconds for this call, instead of the client's.

        Returns None when the API fails or refuses, with one warning in the log; raises that error when `strict`.
        Raises `ConfigurationError` for arguments that cannot be used.
        """
        operation = operations.get_user()
        call = self._ask_leniently("get_user", operation, user_id, session_token, timeout)
        return await self._run(call)

    async def check_registration(
        self,
        provisioning: siperb.Provisioning,
        *,
        insecure: bool = False,
        timeout: float | None = None,
    ) -> siperb.Registration:
        """Ask the SIP registrar whether a phone with these credentials registers, and which phones are registered now.

        A REGISTER without a ``Contact`` asks (RFC 3261, 10.2.3): nothing changes. A refusal is a `Registration` too;
        `RegistrarError` is raised, `strict` or not, when the registrar cannot be reached or understood, and
        `IncompleteProvisioningError`. Proxies and certificates are the environment's, not an `http_session`'s.

        provisioning: of `get_provisioning`.
        insecure: ``ws`` instead of ``wss``, for a registrar on loopback alone, else `ConfigurationError`.
        timeout: seconds for this call, instead of the client's.
        """
        return await self._run(self._check_registration(provisioning, insecure, timeout))

    async def logout(self) -> None:
        """Forget the session, what was published, every record of the user in the cache, and the stored PAT.

        The user is known from this client's session, from the stored PAT, or from the session that the cache has for
        the PAT under the `login_key` of this client's login; when from none of them, one warning says so.
        """
        await self._run(self._logout())

    async def save_pat(self, pat: str) -> bool:
        """Keep the PAT in the cache for later processes; False when it was not stored.

        pat: of the current session's user, who has to be logged in.
        """
        return await self._run(self._save_pat(pat))
