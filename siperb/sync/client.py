# Written by tests/write_sync.py from siperb/aio/client.py: change that file.
"""`Siperb`: the calls of the API for scripts and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, overload

import siperb
from siperb.client.arguments import cache_key_of
from siperb.client.client import NoneUnlessStrict
from siperb.core import operations
from siperb.state import SiperbAPI, SiperbState
from siperb.sync.bulk import BulkCalls
from siperb.sync.on_class import DefaultClient, OnClassToo, client

if TYPE_CHECKING:
    import requests
    from typing_extensions import Never


__all__ = ["Siperb"]


class Siperb(DefaultClient, BulkCalls, Generic[NoneUnlessStrict]):
    """A client of the Siperb API that blocks, for scripts and threads.

    ``Siperb.login(pat)``, ``Siperb.get_devices()``, ``Siperb.get_provisioning(token)`` and ``Siperb.logout()`` work on
    the class itself too, on one shared default client. ``Siperb(...)`` makes a client of your own; nothing happens
    until its first call. One client may serve many threads.

    pat: the personal access token; None means ``SIPERB_PAT``, then the keyring entry that ``siperb login`` wrote.
    base_url: https, or http to loopback; None means ``SIPERB_BASE_URL``, then https://api.siperb.com.
    timeout: seconds for a whole call, retries included.
    max_retries: for connection errors and the statuses 408, 429, 500, 502, 503 and 504.
    cache: where ``enable_cache=True`` keeps things; None means the OS keyring (`KeyringCache`).
    state: where results are published; None means a state of this client's own.
    strict: raise from `get_devices`, `get_provisioning` and `get_user` instead of returning None, which a type checker
        then knows: ``Siperb[Never]`` is a strict client, and ``Siperb`` one that is not, or may be.
    http_session: a `requests.Session` to use; it is never closed and never changed. What it is set to counts: its
        proxies and certificates, and with ``trust_env`` those of the environment as `requests` reads them. Headers
        that drip are not cut off at the deadline, and its ``urllib3`` logs each path, device token included, to a
        logger set to DEBUG.
    app_info: what to add to the ``User-Agent``, e.g. ``"pbx-sync/2.1"``.

    Raises `ConfigurationError` for a value that cannot be used.
    """

    @overload
    def __init__(
        self: Siperb[Never],
        pat: str | None = None,
        *,
        strict: Literal[True],
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        cache: siperb.Cache | None = None,
        state: SiperbState | None = SiperbAPI,
        http_session: requests.Session | None = None,
        app_info: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Siperb[None],
        pat: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        cache: siperb.Cache | None = None,
        state: SiperbState | None = SiperbAPI,
        strict: bool = False,
        http_session: requests.Session | None = None,
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
        state: SiperbState | None = SiperbAPI,
        strict: bool = False,
        http_session: requests.Session | None = None,
        app_info: str | None = None,
    ) -> None:
        super().__init__(
            pat, base_url, timeout, max_retries, cache, state, strict, http_session=http_session, app_info=app_info
        )

    @OnClassToo
    def login(
        cls,
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
        self = client(cls)
        key = cache_key_of("login_key", login_key, enable_cache)
        return self._run(self._login(pat, key, timeout))

    @OnClassToo
    def get_devices(
        cls,
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
        self = client(cls)
        key = cache_key_of("session_key", session_key, enable_cache)
        operation = operations.get_devices(platform, key)
        call = self._ask_leniently("get_devices", operation, user_id, session_token, timeout)
        return self._run(call)

    @OnClassToo
    def get_provisioning(
        cls,
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
        self = client(cls)
        key = cache_key_of("provisioning_key", provisioning_key, enable_cache)
        operation = operations.get_provisioning(device_token, key)
        call = self._ask_leniently("get_provisioning", operation, user_id, session_token, timeout)
        return self._run(call)

    @OnClassToo
    def get_user(
        cls,
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
        self = client(cls)
        operation = operations.get_user()
        call = self._ask_leniently("get_user", operation, user_id, session_token, timeout)
        return self._run(call)

    @OnClassToo
    def check_registration(
        cls,
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
        self = client(cls)
        return self._run(self._check_registration(provisioning, insecure, timeout))

    @OnClassToo
    def logout(cls) -> None:
        """Forget the session, what was published, every record of the user in the cache, and the stored PAT.

        The user is known from this client's session, from the stored PAT, or from the session that the cache has for
        the PAT under the `login_key` of this client's login; when from none of them, one warning says so.
        """
        self = client(cls)
        self._run(self._logout())

    def save_pat(self, pat: str) -> bool:
        """Keep the PAT in the cache for later processes; False when it was not stored.

        pat: of the current session's user, who has to be logged in.
        """
        return self._run(self._save_pat(pat))


SiperbAPI.login = Siperb.login
SiperbAPI.get_devices = Siperb.get_devices
SiperbAPI.get_provisioning = Siperb.get_provisioning
