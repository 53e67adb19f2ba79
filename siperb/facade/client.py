"""What both facades share: the options, where the token comes from, what a call is, what its result becomes."""

from __future__ import annotations

import logging
import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from attrs import evolve

from siperb._version import __version__
from siperb.cache.workers import renewed_after_fork
from siperb.core import bulk, flows
from siperb.core.calls import Call, GetDevices, GetProvisioning
from siperb.core.effects import Auth, Flow
from siperb.core.flows import LOGIN_KEY, Credentials
from siperb.core.records import Key
from siperb.core.retry import Context, Pace, Refusal, check_timeout
from siperb.core.wire import Request, check_header, check_token
from siperb.errors import ConfigurationError, SiperbError
from siperb.facade.arguments import cache_key_of, count, given_session
from siperb.facade.caching import CacheAccess
from siperb.facade.invocation import Account, Epoch, Invocation, Login
from siperb.facade.network import check_base_url
from siperb.facade.runtime import refuse_late_patching
from siperb.models import Device, Provisioning, ProvisioningResult, Session
from siperb.state import SiperbState

if TYPE_CHECKING:
    from siperb.cache import Cache

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")

_random = random.SystemRandom().random  # leaves a program's own seed alone, and differs in every process
DEFAULT_BASE_URL = "https://api.siperb.com"


class BaseClient:
    """A client without its I/O."""

    _is_default = False
    _was_used = False

    def __init__(
        self,
        pat: str | None,
        base_url: str | None,
        timeout: float,
        max_retries: int,
        cache: Cache | None,
        state: SiperbState | None,
        strict: bool,
        *,
        http_session: Any,
        app_info: str | None,
    ) -> None:
        self._closed = False
        self._pat = None if pat is None else check_token("PAT", pat)
        self._base_url = None if base_url is None else check_base_url(base_url)
        self._timeout = check_timeout(timeout)
        self._max_retries = count("max_retries", max_retries, 0)
        self._cache = CacheAccess(cache)
        self._strict = strict
        self._http_session = http_session
        self._user_agent = f"siperb-python/{__version__} python/{sys.version.split()[0]}"
        if app_info is not None:
            self._user_agent += " " + check_header("app_info", app_info)
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

    def __repr__(self) -> str:
        user = f" user_id={self.session.user_id!r}" if self.session else ""
        return f"<{type(self).__name__}{user}{' closed' if self._closed else ''}>"

    @property
    def session(self) -> Session | None:
        """The session of the last login of this client; None before it and after `logout()`."""
        return self._epoch.session(self._epoch.account)

    # What a call is.

    def _login(self, pat: str | None, enable_cache: bool, login_key: str) -> Invocation[Session]:
        credentials = self._credentials(pat, cache_key_of("login_key", login_key, enable_cache))
        context = evolve(self._context(), began=float("inf"))  # whatever was refused before
        return self._log_in(context, credentials, None, self._current_epoch(), is_explicit=True)

    def _log_in(
        self, context: Context, credentials: Credentials, stale_token: str | None, epoch: Epoch, *, is_explicit: bool
    ) -> Invocation[Session]:
        account = context.origin, credentials.pat
        context = evolve(context, refusal=epoch.refusals.setdefault(account, Refusal()))

        def publish(session: Session) -> None:
            epoch.logins[account] = Login(credentials, session, stale_token, time.monotonic())
            if is_explicit or epoch.account is None:
                epoch.account = account
            if epoch.account == account:
                self.state.session = session
                logger.info("Logged in as user %s", session.user_id)

        flow = partial(flows.login, context, credentials, stale_token)
        identity = ("login", context.origin, credentials, stale_token, epoch, is_explicit)
        return Invocation(context, credentials, flow, epoch, publish, identity)

    def _get_devices(
        self, user_id: str | None, session_token: str | None, enable_cache: bool, session_key: str
    ) -> Invocation[list[Device]]:
        call = GetDevices(cache_key_of("session_key", session_key, enable_cache))
        return self._fetch(call, user_id, session_token, self._publish_devices)

    def _publish_devices(self, user_id: str, devices: list[Device]) -> None:
        self.state.publish(user_id, devices=list(devices))
        logger.info("Got %d script devices", len(devices))

    def _get_provisioning(
        self,
        device_token: str,
        user_id: str | None,
        session_token: str | None,
        enable_cache: bool,
        provisioning_key: str,
    ) -> Invocation[Provisioning]:
        call = GetProvisioning(device_token, cache_key_of("provisioning_key", provisioning_key, enable_cache))
        return self._fetch(call, user_id, session_token, self._publish_provisioning)

    def _publish_provisioning(self, user_id: str, provisioning: Provisioning) -> None:
        self.state.publish(user_id, provisioning=provisioning)
        logger.info("Got the provisioning of a device")

    def _fetch(
        self,
        call: Call[T],
        user_id: str | None = None,
        session_token: str | None = None,
        publish: Callable[[str, T], None] | None = None,
    ) -> Invocation[T]:
        given = given_session(user_id, session_token)
        context, epoch = self._context(), self._current_epoch()
        cache_key = LOGIN_KEY if call.cache_key is not None else None
        credentials = Credentials() if given else self._own_credentials(context.origin, cache_key)
        account = context.origin, credentials.pat
        context = evolve(context, refusal=epoch.refusals.setdefault(account, Refusal()))

        def publish_as_its_user(answer: T) -> None:
            session = given or epoch.session(account)
            if publish and session and (given or epoch.account == account):
                publish(session.user_id, answer)

        flow = partial(flows.fetch, context, call, given)
        identity = (call, context.origin, given, credentials, epoch)
        return Invocation(context, credentials, flow, epoch, publish_as_its_user, identity)

    def _provision(
        self, device_tokens: Iterable[str], stop: SimpleQueue[None] | None = None
    ) -> Iterator[Invocation[ProvisioningResult]]:
        """One a device, each made when it is asked for; their calls hold back together, and end with their PAT."""
        epoch, first = self._current_epoch(), self._context()
        credentials = self._own_credentials(first.origin, None)
        refusal = epoch.refusals.setdefault((first.origin, credentials.pat), Refusal())
        first = evolve(first, pace=Pace(), refusal=refusal)
        for token in device_tokens:
            flow = partial(bulk.provision, lambda: evolve(first, deadline=self._context().deadline), token)
            yield Invocation(first, credentials, flow, epoch, is_bound_to_login=True, stop=stop)

    def _logout(self) -> Invocation[None]:
        context = self._context()
        credentials = self._epoch.credentials(context.origin) or self._credentials(None, None)
        self._to_forget.update(self._epoch.logins)
        logins = {account: login for account, login in self._to_forget.items() if account[0] == context.origin}
        self._begin_epoch(is_over=True)  # what is begun before the end is not wanted either

        def flow() -> Flow[None]:
            try:
                for login in logins.values():
                    yield from flows.forget(context, login.credentials, login.session)
                if not logins:
                    yield from flows.forget(context, credentials, None)
                for account in logins:
                    self._to_forget.pop(account, None)
            finally:
                self._begin_epoch()

        return Invocation(context, credentials, flow, Epoch(), identity=("logout", context.origin))

    def _save_pat(self, pat: str) -> Invocation[bool]:
        context, epoch = self._context(), self._current_epoch()
        credentials, session = epoch.credentials(context.origin), epoch.session(epoch.account)
        if credentials is None or session is None:
            raise ConfigurationError("Log in before you save the PAT: only one that the API takes is worth keeping.")
        flow = partial(flows.save_pat, context, check_token("PAT", pat), session)
        return Invocation(context, credentials, flow, epoch)

    def _current_epoch(self) -> Epoch:
        if self._epoch.is_over and not self._is_under_way(("logout", self._origin())):  # a logout was interrupted
            self._begin_epoch()
        return self._epoch

    def _begin_epoch(self, *, is_over: bool = False) -> None:
        before, self._epoch = self._epoch, Epoch(is_over=is_over)
        before.is_over = True
        self._drop_refreshes()
        self.state.clear()

    # What its parts need.

    def _context(self) -> Context:
        refuse_late_patching()
        self._refuse_if_closed()
        self._was_used = True
        began = time.monotonic()
        return Context(
            self._origin(),
            began + self._timeout,
            self._max_retries,
            time.monotonic,
            time.time,
            _random,
            self._failures,
            began=began,
        )

    def _origin(self) -> str:
        return self._base_url or check_base_url(os.environ.get("SIPERB_BASE_URL") or DEFAULT_BASE_URL)

    def _credentials(self, pat: str | None, cache_key: str | None) -> Credentials:
        """The PAT of the argument, the constructor or ``SIPERB_PAT``; without one the flow looks in the keyring."""
        given = self._pat if pat is None else check_token("PAT", pat)
        if given is None and (variable := os.environ.get("SIPERB_PAT")):
            given = check_token("PAT in SIPERB_PAT", variable)
        return Credentials(given, cache_key)

    def _own_credentials(self, origin: str, cache_key: str | None) -> Credentials:
        """Those of the login at this origin, or of the one that a call without a session makes by itself."""
        return self._epoch.credentials(origin) or self._credentials(None, cache_key)

    def _renewal(self, invocation: Invocation[Any], auth: Auth) -> Invocation[Session]:
        """The login that an `Auth` asks for. The call goes on as whom it began, whoever the client has become."""
        context = evolve(invocation.context, deadline=auth.deadline)
        login = self._log_in(context, invocation.credentials, auth.stale_token, invocation.epoch, is_explicit=False)

        def flow() -> Flow[Session]:
            known = self._newer_session(invocation, auth)  # another login may have ended since the driver looked
            return known if known else (yield from login.flow())

        return evolve(login, flow=flow)

    def _newer_session(self, invocation: Invocation[Any], auth: Auth) -> Session | None:
        """The session that an `Auth` asks for, if there is one already."""
        epoch = invocation.epoch
        has_changed = epoch.account not in (None, invocation.account)
        if invocation.is_bound_to_login and (epoch.is_over or has_changed):
            raise SiperbError("The client has logged out, or in as somebody else, meanwhile.")
        login = epoch.logins.get(invocation.account)
        if login is None:
            return None
        is_other = login.session.session_token != auth.stale_token
        is_same_again = login.stale_token == auth.stale_token and login.at >= auth.deadline - self._timeout
        return login.session if is_other or is_same_again else None

    def _headers(self, request: Request) -> dict[str, str]:
        return {**request.headers, "User-Agent": self._user_agent, "Accept-Encoding": "gzip"}

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConfigurationError("This client is closed: make a new one.")

    def _warn_if_unclosed(self, fix: str) -> None:
        if self._was_used and not self._closed and not self._is_default:
            warnings.warn(f"unclosed {self!r}: use {fix}", ResourceWarning, source=self, stacklevel=3)
