"""The calls of an administrator: any operation of the API, and the users of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import siperb
from siperb.aio.ports import Ports
from siperb.core import admin


class Administration(Ports):
    """A client for asyncio, with any operation, and the users of the domain."""

    async def request(
        self,
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
            made = await client.request("POST", path, json={"Name": "Desk", "Type": "InboundRegistration"})
            await client.request("DELETE", path + "/{connection}", connection=made["ConnectionId"])
            ```
        """
        call = self._request(method, path, ids, timeout, params=params, json=json, repeatable=repeatable)
        return await self._run(call)

    async def get_all(
        self,
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
            for connection in await client.get_all("/Users/{user_id}/Connections"):
                print(connection["Name"])
            ```
        """
        call = self._request("GET", path, ids, timeout, params=params, is_list=True)
        return await self._run(call)

    async def get_domain_users(
        self,
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
            for user in await client.get_domain_users(search="@example.com"):
                print(user.email, len(await client.for_user(user).get_devices()))
            ```
        """
        call = self._of_domain(lambda: admin.get_domain_users(search), timeout)
        return await self._run(call)

    async def create_domain_user(
        self,
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
            user = await client.create_domain_user("reception@example.com", "Reception", exist_ok=True)
            await client.for_user(user).create_device("Web phone", exist_ok=True)
            ```
        """
        call = self._create_domain_user(email, description, exist_ok, send_welcome_email, join_mailing_list, timeout)
        return await self._run(call)

    async def update_domain_user(
        self,
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
            for user in await client.get_domain_users(search="reception@example.com"):
                await client.update_domain_user(user.user_id, permissions={"EnableDevices": True})
            ```
        """
        call = self._of_domain(lambda: admin.update_domain_user(user_id, description, permissions), timeout)
        return await self._run(call)

    async def delete_domain_user(
        self,
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
            for user in await client.get_domain_users(search="leaver@example.com"):
                await client.delete_domain_user(user.user_id)
            ```
        """
        call = self._of_domain(lambda: admin.delete_domain_user(user_id, send_exit_email), timeout)
        return await self._run(call)
