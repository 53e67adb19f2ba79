"""What both facades share: the options, where the token comes from, what a call is, what its result becomes."""

from __future__ import annotations

import logging
import os
import random
import sys
import time
import warnings
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import siperb
from siperb._version import __version__
from siperb.cache.records import Key
from siperb.core.flows import Credentials
from siperb.core.retry import Context, check_timeout
from siperb.core.wire import Request, check_header, check_token, path_part
from siperb.errors import ConfigurationError
from siperb.facade.arguments import check_cache, check_kind, count, pat_of_environment
from siperb.facade.caching import CacheGateway
from siperb.facade.invocation import Account, Epoch, Login, bulk_run
from siperb.facade.network import check_base_url
from siperb.facade.runtime import keeps_secrets, refuse_late_patching
from siperb.state import SiperbState
from siperb.threads import renewed_after_fork

if TYPE_CHECKING:
    from siperb.facade.bulk import BulkRun

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")
B = TypeVar("B", bound="BaseClient")

_random = random.SystemRandom().random  # leaves a program's own seed alone, and differs in every process
DEFAULT_BASE_URL = "https://api.siperb.com"


class _Place:
    """What a client does not share with its views: all else is in the ``__dict__`` of both."""

    __slots__ = ("_client", "_domain_user")


class BaseClient(_Place):
    """A client without its I/O."""

    _client: BaseClient | None  # whose view this is
    _domain_user: str | None

    _is_default = False
    _was_used = False

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
        self._client = self._domain_user = None
        self._closed = False
        self._pat = None if pat is None else check_token("PAT", pat)
        self._base_url = None if base_url is None else check_base_url(base_url)
        self._timeout = check_timeout(timeout)
        self._max_retries = count("max_retries", max_retries, 0)
        if cache is not None:
            check_cache(cache)
        self._cache = CacheGateway(cache)
        check_kind("strict", strict, bool)
        self._strict = strict
        self._http_session = http_session
        self._user_agent = f"siperb-python/{__version__} python/{sys.version.split()[0]}"
        if app_info is not None:
            self._user_agent += " " + check_header("app_info", app_info)
        if state is not None:
            check_kind("state", state, SiperbState)
        self.state: SiperbState = SiperbState() if state is None else state
        self._epoch = Epoch()
        self._to_forget: dict[Account, Login] = {}  # until a logout has come to its end
        self._failures: dict[Key, float] = {}
        self.renew_after_fork()
        renewed_after_fork(self)

    def renew_after_fork(self) -> None:
        """Drop what a child must not inherit: locks that may be held, and what other threads were about."""
        raise NotImplementedError

    def _drop_refreshes(self) -> None:
        raise NotImplementedError

    def _is_under_way(self, identity: Hashable) -> bool:
        """Whether a run of this identity is."""
        raise NotImplementedError

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be copied or pickled, as it holds connections and a token: "
            "make a client where one is needed, or share this one with threads."
        )

    @keeps_secrets
    def for_user(self: B, user: siperb.DomainUser | str) -> B:
        """A view on this client in which every call is that domain user's, with the administrator's own PAT.

        user: one of `get_domain_users`, or its id.

        It shares the login, the connections, the options and the cache of its client, and is closed with it and not by
        itself. It publishes nothing and its `session` is None: a session opens all that the administrator may do, and a
        user's phone must not hold it. What it cannot do (log in or out, list domain users, make a view) raises
        `ConfigurationError`, as does an id that cannot be used.
        """
        self._refuse_in_view("make a view")
        user_id = user if isinstance(user, str) else getattr(user, "user_id", None)
        path_part("domain user's id", user_id)
        view = object.__new__(type(self))
        view.__dict__ = self.__dict__
        view._client, view._domain_user = self, user_id
        return view

    def _refuse_in_view(self, what: str) -> None:
        if self._domain_user is not None:
            raise ConfigurationError(f"A view on a domain user cannot {what}: its client can.")

    def __repr__(self) -> str:
        user = f" user_id={self.session.user_id!r}" if self.session else ""
        if self._domain_user is not None:
            user = f" domain_user={self._domain_user!r}"
        return f"<{type(self).__name__}{user}{' closed' if self._closed else ''}>"

    @property
    def session(self) -> siperb.Session | None:
        """The session of the last login of this client; None before it, after `logout()` and in a view."""
        return None if self._domain_user is not None else self._epoch.session(self._epoch.account)

    def _seconds(self, timeout: float | None) -> float:
        """Those of a call: its own, or the client's."""
        return self._timeout if timeout is None else check_timeout(timeout)

    def _context(self, timeout: float | None = None) -> Context:
        refuse_late_patching()
        self._refuse_if_closed()
        self._was_used = True
        began, seconds, run = time.monotonic(), self._seconds(timeout), self._bulk_run()
        return Context(
            self._origin(),
            run.throttle.limit(began, seconds) if run else began + seconds,
            self._max_retries,
            time.monotonic,
            time.time,
            _random,
            self._failures,
            throttle=run.throttle if run else None,
            began=run.began if run else began,
            domain_user=self._domain_user,
        )

    def _bulk_run(self) -> BulkRun | None:
        """The bulk run of this client that the code is part of."""
        run = bulk_run.get()
        if run is None or run.client is not self._cache:
            return None
        run.refuse_if_stopped()
        return run

    def _origin(self) -> str:
        return self._base_url or check_base_url(os.environ.get("SIPERB_BASE_URL") or DEFAULT_BASE_URL)

    def _credentials(self, pat: str | None, cache_key: str | None) -> Credentials:
        """The PAT of the argument, the constructor or ``SIPERB_PAT``; without one the flow looks in the keyring."""
        given = self._pat if pat is None else check_token("PAT", pat)
        if given is None and (variable := pat_of_environment()):
            given = check_token("PAT in SIPERB_PAT", variable)
        return Credentials(given, cache_key)

    def _own_credentials(self, origin: str, cache_key: str | None) -> Credentials:
        """Those of the login at this origin, or of the one that a call without a session makes by itself."""
        if run := self._bulk_run():
            return Credentials(run.credentials.pat, run.credentials.cache_key or cache_key)
        return self._epoch.credentials(origin) or self._credentials(None, cache_key)

    def _headers(self, request: Request) -> dict[str, str]:
        return {**request.headers, "User-Agent": self._user_agent, "Accept-Encoding": "gzip"}

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConfigurationError("This client is closed: make a new one.")

    def _warn_if_unclosed(self, fix: str) -> None:
        if self._was_used and not self._closed and not self._is_default and self._domain_user is None:
            warnings.warn(f"unclosed {self!r}: use {fix}", ResourceWarning, source=self, stacklevel=3)
