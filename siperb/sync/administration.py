# Written by tests/write_sync.py from siperb/aio/administration.py: change that file.
"""The calls of an administrator: any operation of the API, and the users of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import siperb
from siperb.core import admin
from siperb.sync.on_class import OnClassToo, client
from siperb.sync.ports import Ports


class Administration(Ports):
    """A client that blocks, with the calls that raise, strict or not."""

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
        """Any operation of the API, documented or not; logs in by itself.

        method: GET, HEAD, POST, PUT, PATCH or DELETE.
        path: below the base_url, e.g. ``"/Users/{user_id}/Connections/{connection}"``. ``{user_id}`` is the session's
            user (in a view the domain user), every other ``{name}`` one of the `ids`.
        ids: what stands for the names in the path, e.g. ``connection="c1"``; quoted, and shown in no error.
        params: the query: str, int, bool (sent as "yes" and "no") and None (left out).
        json: the body, if not None.
        repeatable: whether a second try does no harm. None: not of POST and PATCH, nor of the few PUTs that make
            something new each time. What is not repeatable is sent again only when the API certainly did not do it.
        timeout: seconds for this call, instead of the client's.

        Returns what the JSON of the answer says, None for an empty one, and bytes for what is no JSON.
        Raises the errors of `siperb.errors`, `strict` or not (`APIError.maybe_done` says when it may have been done all
        the same), and `ConfigurationError`, before anything is sent, for what cannot be.
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
        """A list of the API with all its pages (``X-Next-Token``), within one deadline; a page that fails fails it.

        path, params, ids, timeout: as those of `request`, which says what is raised too.
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
        """List the users of the administrator's domain, all pages; logs in by itself.

        search: what the e-mail address or the description has, in any case.
        timeout: seconds for this call, instead of the client's.

        Raises the errors of `siperb.errors`, `strict` or not; in a view `ConfigurationError`.
        """
        self = client(cls)
        call = self._of_domain(admin.get_domain_users(search), timeout)
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
        """Make a user of the administrator's domain; raises, `strict` or not, as `request` does. It takes a seat.

        email, description: of the new user.
        exist_ok: return the user of this address, if there is one, and look again when the answer is lost: a script
            that is run twice makes nobody twice.
        send_welcome_email, join_mailing_list: what the API would do unasked.
        timeout: seconds for this call, instead of the client's.
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
        """Change a user of the domain; raises, `strict` or not, as `request` does.

        user_id: of a `DomainUser`.
        description: the new one, if not None.
        permissions: by the API's names, e.g. ``{"EnableDevices": True}``; without effect until the user has accepted.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._of_domain(admin.update_domain_user(user_id, description, permissions), timeout)
        return self._run(call)

    @OnClassToo
    def delete_domain_user(
        cls,
        user_id: str,
        *,
        send_exit_email: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Remove a user from the domain, whose connections and devices have to be gone; raises as `request` does.

        user_id: of a `DomainUser`.
        send_exit_email: what the API would do unasked.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._of_domain(admin.delete_domain_user(user_id, send_exit_email), timeout)
        return self._run(call)

    @OnClassToo
    def create_device(
        cls,
        description: str,
        *,
        platform: str = "script",
        exist_ok: bool = False,
        registration: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> siperb.Device:
        """Make a device; raises, `strict` or not, as `request` does.

        description: its name.
        platform: "script", "ios", "android", "webpage" or "electron".
        exist_ok: return the device of this name and platform, if there is one (`ConflictError`: two), and look again
            when the answer is lost: a script that is run twice makes nothing twice.
        registration: more fields by the API's names, e.g. ``{"RegistrationMode": "WebSocket", "WebSocketPort": 443}``.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._create_device(description, platform, exist_ok, registration, timeout)
        return self._run(call)

    @OnClassToo
    def update_device(
        cls,
        device_token: str,
        *,
        description: str | None = None,
        settings: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change a device; raises, `strict` or not, as `request` does.

        device_token: of a `Device`.
        description: its new name, if not None.
        settings: those to change, by the API's names; None as a value removes one.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.update_device(device_token, description, settings), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def delete_device(
        cls,
        device_token: str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Remove a device, and its credentials; raises, `strict` or not, as `request` does.

        device_token: of a `Device`.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.delete_device(device_token), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def get_settings(
        cls,
        *,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """The settings of the user, each as the API describes it; raises, `strict` or not, as `request` does.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.get_settings(), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def update_settings(
        cls,
        settings: Mapping[str, object],
        *,
        timeout: float | None = None,
    ) -> None:
        """Change settings of the user; raises, `strict` or not, as `request` does.

        settings: by the API's names; None as a value removes one. A phone ignores a value of the wrong type.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.update_settings(settings), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def create_pat(
        cls,
        name: str,
        *,
        days: int = 100,
        timeout: float | None = None,
    ) -> siperb.AccessToken:
        """Make a personal access token (PAT), shown this once; raises, `strict` or not, as `request` does.

        name: what it is for.
        days: until it expires.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.create_pat(name, days), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def get_pats(
        cls,
        *,
        timeout: float | None = None,
    ) -> list[siperb.AccessToken]:
        """List the PATs of the user, without their values; raises, `strict` or not, as `request` does.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.get_pats(), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def delete_pat(
        cls,
        pat_id: str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Revoke a PAT; a session that was opened with it may live on. Raises, `strict` or not, as `request` does.

        pat_id: of an `AccessToken`.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.delete_pat(pat_id), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def get_log(
        cls,
        kind: Literal["register", "latency", "trace", "console"],
        device_token: str,
        *,
        date: date | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Read a log of a device, each entry as the API has it; raises, `strict` or not, as `request` does.

        kind: "register" (no refusals), "latency" (milliseconds), "trace" (calls) or "console" (what the phone said).
        device_token: of a `Device`.
        date, limit: the day, and how many entries; None for the last 24 hours, 9999. Not of the console log.
        timeout: seconds for this call, instead of the client's.
        """
        self = client(cls)
        call = self._ask(admin.get_log(kind, device_token, date, limit), timeout=timeout)
        return self._run(call)
