# Written by tests/write_sync.py from siperb/aio/client.py: change that file.
"""`Siperb`: the calls of the API for scripts and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, NoReturn, TypeAlias, overload

import siperb
from siperb.client.arguments import cache_key_of
from siperb.client.client import NoneUnlessStrict
from siperb.core import operations
from siperb.state import SiperbAPI, SiperbState
from siperb.sync.bulk import BulkCalls
from siperb.sync.on_class import DefaultClient, OnClassToo, client

if TYPE_CHECKING:
    import requests


__all__ = ["Siperb", "StrictSiperb"]


class Siperb(DefaultClient, BulkCalls, Generic[NoneUnlessStrict]):
    """A client of the Siperb API that blocks, for scripts and threads.

    ``Siperb.login(pat)``, ``Siperb.get_devices()`` and the other calls work on the class itself too, on one shared
    default client. ``Siperb(...)`` makes a client of your own. Nothing happens until its first call.

    Every call logs in by itself. One client may serve many threads.

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
            return None. A type checker knows a strict client as `StrictSiperb`.
        http_session: A `requests.Session` to use. The client never closes or changes it. Its proxies, certificates and
            ``trust_env`` count. Headers that drip are not cut off at the deadline. Its ``urllib3`` logs each path,
            device token included, if you set that logger to DEBUG.
        app_info: A text to add to the ``User-Agent``, e.g. ``"pbx-sync/2.1"``.

    Raises:
        ConfigurationError: An argument cannot be used. Calls raise it too, and `MissingCredentialsError` without a PAT.
        CredentialsUnavailableError: Calls raise it if the PAT may be in the keyring, and the keyring does not answer.

    Example:
        ```python
        with Siperb(strict=True) as client:
            for device in client.get_devices():
                print(device.description)
        ```
    """

    @overload
    def __init__(
        self: StrictSiperb,
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
            for device in client.get_devices(platform=None):
                print(device.platform, device.description)
            ```
        """
        self = client(cls)
        key = cache_key_of("session_key", session_key, enable_cache)
        call = self._ask_leniently(
            "get_devices", lambda: operations.get_devices(platform, key), user_id, session_token, timeout
        )
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
            devices = client.get_devices()
            provisioning = client.get_provisioning(devices[0].device_token)
            print(provisioning.sip_username, provisioning.sip_domain)
            ```
        """
        self = client(cls)
        key = cache_key_of("provisioning_key", provisioning_key, enable_cache)
        call = self._ask_leniently(
            "get_provisioning", lambda: operations.get_provisioning(device_token, key), user_id, session_token, timeout
        )
        return self._run(call)

    @OnClassToo
    def get_user(
        cls,
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
            user = client.get_user()
            print(user.raw)
            ```
        """
        self = client(cls)
        call = self._ask_leniently("get_user", operations.get_user, user_id, session_token, timeout)
        return self._run(call)


StrictSiperb: TypeAlias = Siperb[NoReturn]
"""The type of `Siperb(strict=True)`, for annotations: its calls never return None."""


SiperbAPI.login = Siperb.login
SiperbAPI.get_devices = Siperb.get_devices
SiperbAPI.get_provisioning = Siperb.get_provisioning
