"""What both facades share: the options, whom a call is made as, and what becomes of its answer."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from weakref import WeakSet

import siperb
from siperb._version import __version__
from siperb.client.accounts import Accounts
from siperb.client.arguments import check_cache, check_kind, count, given_session
from siperb.client.caching import OwnCache
from siperb.client.network import check_base_url
from siperb.client.ports import Account, Call
from siperb.core import by_path
from siperb.core.operations import Operation
from siperb.core.wire import check_header, check_timeout, check_token, path_part
from siperb.errors import (
    APIError,
    ConfigurationError,
    CredentialsUnavailableError,
    ProvisioningError,
    bare,
)
from siperb.models import Provisioning
from siperb.state import SiperbState
from siperb.threads import WorkerPool, renewed_after_fork

if TYPE_CHECKING:
    import typing_extensions  # type checkers know it, and no client needs it

    NoneUnlessStrict = typing_extensions.TypeVar("NoneUnlessStrict", covariant=True, default=None)
else:
    NoneUnlessStrict = TypeVar("NoneUnlessStrict", covariant=True)

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")
Self = TypeVar("Self", bound="Client")

PASSED_OVER = (APIError, ProvisioningError, CredentialsUnavailableError)  # None, unless the client is strict


class _Place:
    """What a client does not share with its views: all else is in the ``__dict__`` of both."""

    __slots__ = ("_client", "_domain_user")


class Client(_Place, Accounts):
    """A client without its I/O."""

    _client: Client | None  # whose view this is
    _domain_user: str | None
    _is_default = _was_used = _closed = False

    def __init__(
        self,
        pat: str | None,
        base_url: str | None,
        timeout: float,
        max_retries: int,
        cache: siperb.Cache | None,
        state: SiperbState | None,
        strict: bool,
        *,
        http_session: Any,
        app_info: str | None,
    ) -> None:
        failed: ConfigurationError | None = None
        self._client = self._domain_user = None
        try:
            self._pat = None if pat is None else check_token("PAT", pat)
            self._base_url = None if base_url is None else check_base_url(base_url)
            self._timeout = check_timeout(timeout)
            self._max_retries = count("max_retries", max_retries, 0)
            if cache is not None:
                check_cache(cache)
            check_kind("strict", strict, bool)
            if state is not None:
                check_kind("state", state, SiperbState)
            agent = f"siperb-python/{__version__} python/{sys.version.split()[0]}"
            self._user_agent = agent if app_info is None else f"{agent} {check_header('app_info', app_info)}"
        except ConfigurationError as error:
            failed = error
        if failed:
            raise bare(failed)
        if cache is not None and type(cache).__module__ != "siperb.cache.keyring":  # a subclass may override anything
            cache = OwnCache(cache, self._pass_over)
        self._cache = cache
        self._writer = WorkerPool("siperb-cache-writer", 1)
        self._warned: dict[str, object] = {}
        self._strict = strict
        self._http_session = http_session
        self.state: SiperbState = SiperbState() if state is None else state
        self._accounts, self._to_forget, self._given = {}, {}, WeakSet()
        self._account = self._leaving = None
        self._renew_after_fork()
        renewed_after_fork(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for method in vars(cls).values():  # for `help`, which knows no client
            notes = getattr(method, "__annotations__", {})
            if "NoneUnlessStrict" in str(notes.get("return")):
                notes["return"] = notes["return"].replace("NoneUnlessStrict", "None")

    def _renew_after_fork(self) -> None:
        """Drop what a child must not inherit: turns that other threads have, and the parent's connections."""
        raise NotImplementedError

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be copied or pickled, as it holds connections and a token: "
            "make a client where one is needed, or share this one with threads."
        )

    def for_user(self: Self, user: siperb.DomainUser | str) -> Self:
        """Return a view on this client. Its calls are made for a user of the domain, with the administrator's PAT.

        The view shares the login, the connections, the options and the cache of its client, and is closed with it. A
        view publishes nothing, and its `session` is None: a user's phone must not get the administrator's session.
        A view cannot log in or out, list domain users, or make a view.

        Args:
            user: A user from `get_domain_users`, or its id.

        Returns:
            The view, of the same class as its client.

        Raises:
            ConfigurationError: The id cannot be used, or this is a view itself.

        Example:
            ```python
            for user in client.get_domain_users():  # with AsyncSiperb, await the calls
                print(user.email, len(client.for_user(user).get_devices()))
            ```
        """
        self._refuse_in_view("make a view")
        user_id = user if isinstance(user, str) else getattr(user, "user_id", None)
        path_part("domain user's id", user_id)
        view = object.__new__(type(self))
        view.__dict__ = self.__dict__
        view._client, view._domain_user = self, user_id
        return view

    def __repr__(self) -> str:
        user = f" user_id={self.session.user_id!r}" if self.session else ""
        if self._domain_user is not None:
            user = f" domain_user={self._domain_user!r}"
        return f"<{type(self).__name__}{user}{' closed' if self._closed else ''}>"

    @property
    def session(self) -> siperb.Session | None:
        """The session of the last login. None before it, after `logout()` and in a view."""
        account = self._account
        return account.session if account and self._domain_user is None else None

    # The calls.

    async def _ask(
        self,
        make: Callable[[], Operation[T]],
        user_id: str | None = None,
        session_token: str | None = None,
        timeout: float | None = None,
    ) -> T:
        """The answer, published if it is still wanted. The operation is made here, so that its errors leave bare."""
        operation = make()
        call = self._begin(timeout, given_session(user_id, session_token), is_cached=operation.kept is not None)
        if operation.kept is None:
            _, answer = await self._answer(call, operation)
        else:
            answer = await self._kept_answer(call, operation)
        self._own(call, answer)
        if operation.published and self._domain_user is None:
            self._publish(call.account, operation.published, answer)
        return answer

    def _own(self, call: Call, answer: object) -> None:
        """Note whose document it is: the document itself is written by users."""
        if isinstance(answer, Provisioning) and call.account.session:
            object.__setattr__(answer, "user_id", self._domain_user or call.account.session.user_id)

    def _publish(self, account: Account, name: str, answer: Any) -> None:
        is_wanted = account is self._account or account.is_given
        if is_wanted and account.session and not account.is_over:
            user_id = account.session.user_id
            if name == "devices":
                self.state.publish(user_id, devices=list(answer))  # the caller may change the own one
                logger.info("Got %d script devices", len(answer))
            else:
                self.state.publish(user_id, provisioning=answer)
                logger.info("Got the provisioning of a device")

    async def _ask_leniently(
        self,
        name: str,
        make: Callable[[], Operation[T]],
        user_id: str | None,
        session_token: str | None,
        timeout: float | None,
    ) -> T | Any:
        """The answer; None when the API fails or refuses, unless the client is strict."""
        try:
            return await self._ask(make, user_id, session_token, timeout)
        except PASSED_OVER as error:
            if self._strict:
                raise
            logger.warning("%s returns None: %s", name, error)
            return None

    def _request(
        self, method: str, path: str, ids: Mapping[str, str], timeout: float | None, **options: Any
    ) -> Coroutine[Any, Any, Any]:
        """options: those of `by_path.operation`."""
        in_view = self._domain_user is not None
        return self._ask(lambda: by_path.operation(method, path, ids, in_view=in_view, **options), timeout=timeout)

    async def _of_domain(self, make: Callable[[], Operation[T]], timeout: float | None) -> T:
        self._refuse_in_view("see or change domain users")
        return await self._ask(make, timeout=timeout)

    async def _check_registration(
        self, provisioning: siperb.Provisioning, insecure: bool, origin: str | None, timeout: float | None
    ) -> siperb.Registration:
        options = {"insecure": insecure, "origin": origin, "user_agent": self._user_agent}
        seconds = self._call(Account(""), timeout).left
        return await self._ask_registrar(provisioning, self.session, timeout=seconds, **options)

    async def _ask_registrar(self, *args: Any, **options: Any) -> siperb.Registration:
        """What the registrar says, asked with `aiohttp` on both facades."""
        raise NotImplementedError

    def _warn_if_unclosed(self, fix: str) -> None:
        if self._was_used and not self._closed and not self._is_default and self._domain_user is None:
            warnings.warn(f"unclosed {self!r}: use {fix}", ResourceWarning, source=self, stacklevel=3)
