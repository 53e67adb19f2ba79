# Written by tests/write_sync.py from siperb/aio/administration.py: change that file.
"""The calls of an administrator: any operation of the API, and the users of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import siperb
from siperb.core import admin
from siperb.sync.on_class import OnClassToo, client
from siperb.sync.ports import Ports


class Administration(Ports):
    """A client that blocks, with any operation, and the users of the domain."""

    @OnClassToo
    def request(
        cls,
        /,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        repeatable: bool | None = None,
        timeout: float | None = None,
        **ids: str,
    ) -> Any:
        """Call any operation of the API, documented or not.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            path: The path below the base_url. ``{user_id}`` is the session's user, in a view the domain user.
            params: The query: str, int, bool (sent as "yes" and "no") and None (left out).
            json: The body. None sends none.
            repeatable: Whether it may be sent twice. None goes by the method: POST, PATCH and the few PUTs that make
                something new each time are sent again only if the API certainly did not process them.
            timeout: Seconds for this call, instead of the client's.
            ids: The values for the other ``{names}`` in the path. They are quoted, and no error shows them.

        Returns:
            The parsed JSON, None for an empty body, and bytes for anything else.

        Raises:
            APIError: The API failed or refused. Check `maybe_done` before you repeat a write.
            ConfigurationError: An argument cannot be used. Nothing was sent.

        Example:
            ```python
            path = "/Users/{user_id}/Connections"
            made = client.request("POST", path, json={"Name": "Desk", "Type": "InboundRegistration"})
            client.request("DELETE", path + "/{connection}", connection=made["ConnectionId"])
            ```
        """
        self = client(cls)
        call = self._request(method, path, ids, timeout, params=params, json=json, repeatable=repeatable)
        return self._run(call)

    @OnClassToo
    def get_all(
        cls,
        /,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        timeout: float | None = None,
        **ids: str,
    ) -> list[Any]:
        """Fetch a list of the API with all its pages.

        Args:
            path: See `request`.
            params: See `request`.
            timeout: Seconds for all pages, instead of the client's.
            ids: See `request`.

        Returns:
            The entries of all pages. If one page fails, the call fails.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used. Nothing was sent.

        Example:
            ```python
            for connection in client.get_all("/Users/{user_id}/Connections"):
                print(connection["Name"])
            ```
        """
        self = client(cls)
        call = self._request("GET", path, ids, timeout, params=params, is_list=True)
        return self._run(call)

    @OnClassToo
    def get_domain_users(
        cls,
        *,
        search: str | None = None,
        timeout: float | None = None,
    ) -> list[siperb.DomainUser]:
        """List the users of the administrator's domain.

        Args:
            search: A part of the e-mail address or of the description, in any case. None lists all users.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The users of all pages.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used, or this is a view.

        Example:
            ```python
            for user in client.get_domain_users(search="@example.com"):
                print(user.email, len(client.for_user(user).get_devices()))
            ```
        """
        self = client(cls)
        call = self._of_domain(lambda: admin.get_domain_users(search), timeout)
        return self._run(call)

    @OnClassToo
    def create_domain_user(
        cls,
        email: str,
        description: str | None = None,
        *,
        exist_ok: bool = False,
        send_welcome_email: bool = False,
        join_mailing_list: bool = False,
        timeout: float | None = None,
    ) -> siperb.DomainUser:
        """Create a user of the administrator's domain. The user takes a seat.

        Args:
            email: The address of the new user.
            description: The name of the new user.
            exist_ok: Return the user of this address if there is one. The call is then safe to repeat.
            send_welcome_email: Let the API write to the user.
            join_mailing_list: Let the API put the user on its mailing list.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The new user, or the one that was there.

        Raises:
            APIError: The API failed or refused, `ConflictError` for example.
            ConfigurationError: An argument cannot be used, or this is a view.

        Example:
            ```python
            user = client.create_domain_user("reception@example.com", "Reception", exist_ok=True)
            client.for_user(user).create_device("Web phone", exist_ok=True)
            ```
        """
        self = client(cls)
        call = self._create_domain_user(email, description, exist_ok, send_welcome_email, join_mailing_list, timeout)
        return self._run(call)

    @OnClassToo
    def update_domain_user(
        cls,
        user_id: str,
        *,
        description: str | None = None,
        permissions: Mapping[str, bool] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change a user of the domain.

        Args:
            user_id: The id of a `DomainUser`.
            description: The new description. None keeps the old one.
            permissions: Those to change, by the API's names. They count once the user has accepted the invitation.
            timeout: Seconds for this call, instead of the client's.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used, nothing would change, or this is a view.

        Example:
            ```python
            for user in client.get_domain_users(search="reception@example.com"):
                client.update_domain_user(user.user_id, permissions={"EnableDevices": True})
            ```
        """
        self = client(cls)
        call = self._of_domain(lambda: admin.update_domain_user(user_id, description, permissions), timeout)
        return self._run(call)

    @OnClassToo
    def delete_domain_user(
        cls,
        user_id: str,
        *,
        send_exit_email: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Remove a user from the domain. Delete the user's connections and devices first.

        Args:
            user_id: The id of a `DomainUser`.
            send_exit_email: Let the API write to the user.
            timeout: Seconds for this call, instead of the client's.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used, or this is a view.

        Example:
            ```python
            for user in client.get_domain_users(search="leaver@example.com"):
                client.delete_domain_user(user.user_id)
            ```
        """
        self = client(cls)
        call = self._of_domain(lambda: admin.delete_domain_user(user_id, send_exit_email), timeout)
        return self._run(call)
