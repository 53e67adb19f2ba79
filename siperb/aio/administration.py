"""The calls of an administrator: any operation of the API, and the users of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siperb.aio.driver import Driver
from siperb.facade.runtime import keeps_secrets
from siperb.models import DomainUser


class Administration(Driver):
    """A client for asyncio, with the calls that raise, strict or not."""

    @keeps_secrets
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
        options = {"params": params, "json": json, "repeatable": repeatable}
        return await self._run(self._request(method, path, ids, timeout, **options))

    @keeps_secrets
    async def get_all(
        self,
        /,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        timeout: float | None = None,
        **ids: str,
    ) -> list[Any]:
        """A list of the API with all its pages (``X-Next-Token``), within one deadline; a page that fails fails it.

        path, ids: as those of `request`.
        params: the query, as that of `request`.
        timeout: seconds for this call, all pages together, instead of the client's.

        Raises as `request` does.
        """
        return await self._run(self._request("GET", path, ids, timeout, params=params, is_list=True))

    @keeps_secrets
    async def get_domain_users(self, *, search: str | None = None, timeout: float | None = None) -> list[DomainUser]:
        """List the users of the administrator's domain, all pages; logs in by itself.

        search: what the e-mail address or the description has, in any case.
        timeout: seconds for this call, instead of the client's.

        Raises the errors of `siperb.errors`, `strict` or not; in a view `ConfigurationError`.
        """
        return await self._run(self._get_domain_users(search, timeout))
