"""What both facades share: the options, where the token comes from, what a call is, what its result becomes."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, frozen

from siperb._version import __version__
from siperb.cache.workers import renewed_after_fork
from siperb.core import bulk, flows
from siperb.core.calls import Call, GetDevices, GetProvisioning
from siperb.core.effects import Auth, Flow
from siperb.core.flows import LOGIN_KEY, Credentials
from siperb.core.records import Key
from siperb.core.retry import Context, Pace
from siperb.core.wire import Request, check_header, check_token
from siperb.errors import ConfigurationError, SiperbError
from siperb.facade.arguments import cache_key_of, count, given_session, seconds
from siperb.facade.caching import CacheAccess
from siperb.facade.network import check_base_url
from siperb.facade.plan import Era, Lenient, Plan, same
from siperb.models import Device, Provisioning, ProvisioningResult, Session
from siperb.state import SiperbState

if TYPE_CHECKING:
    from siperb.cache import Cache

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")

_random = random.SystemRandom().random  # leaves a program's own seed alone, and differs in every process
DEFAULT_BASE_URL = "https://api.siperb.com"


@frozen(eq=False, repr=False)
class _Login:
    """A session, and where and how it was got: its token goes to that origin alone."""

    origin: str
    credentials: Credentials
    session: Session


class Facade:
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
        self._timeout = seconds(timeout)
        self._max_retries = count("max_retries", max_retries, 0)
        self._cache = CacheAccess(cache)
        self._strict = strict
        self._http_session = http_session
        self._user_agent = f"siperb-python/{__version__} python/{sys.version.split()[0]}"
        if app_info is not None:
            self._user_agent += " " + check_header("app_info", app_info)
        self.state: SiperbState = SiperbState() if state is None else state
        self._login: _Login | None = None
        self._era = Era()
        self._failures: dict[Key, float] = {}
        self.renew_after_fork()
        renewed_after_fork(self)

    def renew_after_fork(self) -> None:
        """Drop what a child must not inherit: locks that may be held, and what other threads were about."""
        raise NotImplementedError

    def _drop_refreshes(self) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        user = f" user_id={self.session.user_id!r}" if self.session else ""
        return f"<{type(self).__name__}{user}{' closed' if self._closed else ''}>"

    @property
    def session(self) -> Session | None:
        """The session of the last login of this client; None before it and after `logout()`."""
        login = self._login
        return login.session if login else None

    # What a call is.

    def _login_plan(self, pat: str | None, enable_cache: bool, login_key: str) -> Plan[Session]:
        credentials = self._credentials(pat, cache_key_of("login_key", login_key, enable_cache))
        return self._session_plan(self._context(), credentials, None, self._era)

    def _session_plan(
        self, context: Context, credentials: Credentials, stale_token: str | None, era: Era
    ) -> Plan[Session]:
        def publish(session: Session) -> Session:
            self._login = _Login(context.origin, credentials, session)
            self.state.session = session
            logger.info("Logged in as user %s", session.user_id)
            return session

        flow = partial(flows.login, context, credentials, stale_token)
        identity = ("login", context.origin, credentials, stale_token, era)
        return Plan(context, credentials, flow, publish, identity, era=era)

    def _devices_plan(
        self, user_id: str | None, session_token: str | None, enable_cache: bool, session_key: str
    ) -> Plan[list[Device]]:
        call = GetDevices(cache_key_of("session_key", session_key, enable_cache))
        return self._fetch_plan(call, user_id, session_token, self._publish_devices)

    def _publish_devices(self, devices: list[Device]) -> list[Device]:
        self.state.DEVICES = list(devices)
        logger.info("Got %d script devices", len(devices))
        return devices

    def _provisioning_plan(
        self,
        device_token: str,
        user_id: str | None,
        session_token: str | None,
        enable_cache: bool,
        provisioning_key: str,
    ) -> Plan[Provisioning]:
        call = GetProvisioning(device_token, cache_key_of("provisioning_key", provisioning_key, enable_cache))
        return self._fetch_plan(call, user_id, session_token, self._publish_provisioning)

    def _publish_provisioning(self, provisioning: Provisioning) -> Provisioning:
        self.state.PROVISIONING = provisioning
        logger.info("Got the provisioning of a device")
        return provisioning

    def _fetch_plan(
        self,
        call: Call[T],
        user_id: str | None = None,
        session_token: str | None = None,
        publish: Callable[[T], T] = same,
    ) -> Plan[T]:
        session = given_session(user_id, session_token)
        context = self._context()
        cache_key = LOGIN_KEY if call.cache_key is not None else None
        credentials = Credentials() if session else self._own_credentials(context.origin, cache_key)
        flow = partial(flows.fetch, context, call, session)
        identity = (call, context.origin, session, credentials, self._era)
        return Plan(context, credentials, flow, publish, identity, era=self._era)

    def _bulk_plans(
        self, device_tokens: Iterable[str], stop: threading.Event | None = None
    ) -> Iterator[Plan[ProvisioningResult]]:
        """A plan a device, each made when it is asked for; their calls hold back together."""
        pace, era = Pace(), self._era
        context = self._context()
        credentials = self._own_credentials(context.origin, None)
        for token in device_tokens:
            flow = partial(bulk.provision, lambda: evolve(self._context(), pace=pace), token)
            yield Plan(context, credentials, flow, bound_to_login=True, stop=stop, era=era)

    def _logout_plan(self) -> Plan[None]:
        context = self._context()
        login = self._login
        session = login.session if login and login.origin == context.origin else None
        credentials = login.credentials if login else self._credentials(None, None)
        self._begin_era()
        self._era.is_over = True  # what is begun before the end is not wanted either

        def flow() -> Flow[None]:
            try:
                yield from flows.forget(context, credentials, session)
            finally:
                if self._era.is_over:
                    self._begin_era()

        def publish(_: None) -> None:
            self._begin_era()
            self._login = None
            self._drop_refreshes()
            self.state.clear()

        return Plan(context, credentials, flow, publish, ("logout", context.origin))

    def _save_pat_plan(self, pat: str) -> Plan[bool]:
        context, login = self._context(), self._login
        if login is None or login.origin != context.origin:
            raise ConfigurationError("Log in before you save the PAT: only one that the API takes is worth keeping.")
        pat = check_token("PAT", pat)
        return Plan(context, login.credentials, partial(flows.save_pat, context, pat, login.session))

    def _begin_era(self) -> None:
        self._era.is_over = True
        self._era = Era()

    # What its parts need.

    def _context(self) -> Context:
        self._refuse_if_closed()
        self._was_used = True
        origin = self._base_url or check_base_url(os.environ.get("SIPERB_BASE_URL") or DEFAULT_BASE_URL)
        deadline = time.monotonic() + self._timeout
        return Context(origin, deadline, self._max_retries, time.monotonic, time.time, _random, self._failures)

    def _credentials(self, pat: str | None, cache_key: str | None) -> Credentials:
        """The PAT of the argument, the constructor or ``SIPERB_PAT``; without one the flow looks in the keyring."""
        given = self._pat if pat is None else check_token("PAT", pat)
        if given is None and (variable := os.environ.get("SIPERB_PAT")):
            given = check_token("PAT in SIPERB_PAT", variable)
        return Credentials(given, cache_key)

    def _own_credentials(self, origin: str, cache_key: str | None) -> Credentials:
        """Those of the login at this origin, or of the one that a call without a session makes by itself."""
        login = self._login
        return login.credentials if login and login.origin == origin else self._credentials(None, cache_key)

    def _auth_plan(self, plan: Plan[Any], auth: Auth) -> Plan[Session]:
        now = self._login
        is_superseded = (
            now is not None and now.origin == plan.context.origin and now.credentials.pat != plan.credentials.pat
        )
        if plan.bound_to_login and (is_superseded or not plan.is_wanted):
            raise SiperbError("The client has logged out, or in as somebody else, meanwhile.")
        context = evolve(plan.context, deadline=auth.deadline)
        login = self._session_plan(context, plan.credentials, auth.stale_token, plan.era)

        def flow() -> Flow[Session]:
            known = self._newer_session(plan, auth)  # another login may have ended since the driver looked
            return known if known else (yield from login.flow())

        def publish(session: Session) -> Session:
            """The call goes on as whom it began; the client stays who it may have become meanwhile."""
            return login.publish(session) if self._login is now and not is_superseded else session

        identity = (login.identity, "superseded") if is_superseded else login.identity
        return evolve(login, flow=flow, publish=publish, identity=identity)

    def _newer_session(self, plan: Plan[Any], auth: Auth) -> Session | None:
        """The client's session, if it is the one that an `Auth` asks for."""
        login = self._login
        if login is None or login.origin != plan.context.origin or login.credentials.pat != plan.credentials.pat:
            return None
        return None if login.session.session_token == auth.stale_token else login.session

    def _headers(self, request: Request) -> dict[str, str]:
        return {**request.headers, "User-Agent": self._user_agent, "Accept-Encoding": "gzip"}

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConfigurationError("This client is closed: make a new one.")

    def _warn_if_unclosed(self, fix: str) -> None:
        if self._was_used and not self._closed and not self._is_default:
            warnings.warn(f"unclosed {self!r}: use {fix}", ResourceWarning, source=self, stacklevel=3)

    def _lenient(self, what: str) -> Lenient:
        return Lenient(what, self._strict)
