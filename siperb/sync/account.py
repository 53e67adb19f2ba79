# Written by tests/write_sync.py from siperb/aio/account.py: change that file.
"""The calls about a user's account: login and logout, settings, personal access tokens (PATs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import siperb
from siperb.client.arguments import cache_key_of
from siperb.core import admin
from siperb.sync.administration import Administration
from siperb.sync.on_class import OnClassToo, client


class AccountCalls(Administration):
    """A client that blocks, with login, logout, settings and tokens."""

    @OnClassToo
    def login(
        cls,
        pat: str | None = None,
        *,
        enable_cache: bool = False,
        login_key: str = "SiperbLogin",
        timeout: float | None = None,
    ) -> siperb.Session:
        """Log in with the PAT. Later calls of this client use the session.

        Args:
            pat: The personal access token. None means the client's own, see `pat` of the class.
            enable_cache: Use a cached session without asking the API, and store the new one for at most 24 days.
            login_key: Tells cached sessions of one PAT apart.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The session.

        Raises:
            MissingCredentialsError: There is no PAT.
            CredentialsUnavailableError: The keyring may hold the PAT, and does not answer.
            AuthenticationError: The API refuses the PAT.
            APIError: The call failed otherwise. `login` raises whether `strict` or not.

        Example:
            ```python
            session = client.login()
            print(session.user_id)
            ```
        """
        self = client(cls)
        key = cache_key_of("login_key", login_key, enable_cache)
        return self._run(self._login(pat, key, timeout))

    @OnClassToo
    def logout(cls) -> None:
        """Forget the session, the published state, the user's records in the cache, and the stored PAT.

        The user is the one of this client's session, of the stored PAT, or of the cached session of the PAT. If nobody
        is found, one warning says so.

        Raises:
            ConfigurationError: The base_url cannot be used, the client is closed, or this is a view.

        Example:
            ```python
            client.logout()
            ```
        """
        self = client(cls)
        self._run(self._logout())

    def save_pat(self, pat: str) -> bool:
        """Store the PAT in the cache for later processes. Log in first.

        Args:
            pat: A token of the user who is logged in.

        Returns:
            Whether it is stored.

        Raises:
            ConfigurationError: The token cannot be used, nobody is logged in, or this is a view.

        Example:
            ```python
            created = client.create_pat("laptop")
            client.save_pat(created.token)
            ```
        """
        return self._run(self._save_pat(pat))

    @OnClassToo
    def get_settings(cls, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """Fetch the settings of the user.

        Args:
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The settings, each as the API describes it.

        Raises:
            APIError: The API failed or refused.

        Example:
            ```python
            for setting in client.get_settings():
                print(setting["Key"], setting["Value"])
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.get_settings(), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def update_settings(cls, settings: Mapping[str, object], *, timeout: float | None = None) -> None:
        """Change settings of the user.

        Args:
            settings: Those to change, by the API's names. None as a value removes one. Phones ignore a value of the
                wrong type.
            timeout: Seconds for this call, instead of the client's.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used, or nothing would change.

        Example:
            ```python
            client.update_settings({"EnableCallRecording": False})
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.update_settings(settings), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def create_pat(cls, name: str, *, days: int = 100, timeout: float | None = None) -> siperb.NewAccessToken:
        """Create a personal access token (PAT). Its value is shown this once.

        Args:
            name: The purpose of the token, for people.
            days: The days until it expires.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The new token with its value.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            created = client.create_pat("ci", days=30)
            client.login(created.token)
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.create_pat(name, days), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def get_pats(cls, *, timeout: float | None = None) -> list[siperb.AccessToken]:
        """List the personal access tokens (PATs) of the user, without their values.

        Args:
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The tokens by id and name.

        Raises:
            APIError: The API failed or refused.

        Example:
            ```python
            for pat in client.get_pats():
                print(pat.pat_id, pat.name)
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.get_pats(), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def delete_pat(cls, pat_id: str, *, timeout: float | None = None) -> None:
        """Revoke a personal access token (PAT). A session that was opened with it may live on.

        Args:
            pat_id: The id of an `AccessToken`.
            timeout: Seconds for this call, instead of the client's.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            for pat in client.get_pats():
                if pat.name == "ci":
                    client.delete_pat(pat.pat_id)
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.delete_pat(pat_id), timeout=timeout)
        return self._run(call)
