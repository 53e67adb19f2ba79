"""Who a client is: its logins and logouts, while calls overlap."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from attrs import evolve

from siperb.core import flows
from siperb.core.effects import Auth, Flow
from siperb.core.flows import Credentials
from siperb.core.retry import Context
from siperb.core.wire import check_token
from siperb.errors import ConfigurationError, SiperbError
from siperb.facade.arguments import cache_key_of
from siperb.facade.client import BaseClient
from siperb.facade.invocation import Epoch, Invocation, Login
from siperb.models import Session

logger: logging.Logger = logging.getLogger("siperb")


class Accounts(BaseClient):
    """A client that logs in and out."""

    def _login(self, pat: str | None, enable_cache: bool, login_key: str, timeout: float | None) -> Invocation[Session]:
        self._refuse_in_view("log in")
        credentials = self._credentials(pat, cache_key_of("login_key", login_key, enable_cache))
        context = self._context(timeout)
        context.began = float("inf")  # whatever was refused before
        return self._log_in(context, credentials, None, self._current_epoch(), is_explicit=True)

    def _log_in(
        self, context: Context, credentials: Credentials, stale_token: str | None, epoch: Epoch, *, is_explicit: bool
    ) -> Invocation[Session]:
        account = context.origin, credentials.pat
        context = evolve(context, refusal=epoch.refusal(account))

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

    def _logout(self) -> Invocation[None]:
        self._refuse_in_view("log out")
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
        self._refuse_in_view("save a PAT")
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

    def _renewal(self, invocation: Invocation[Any], auth: Auth) -> Invocation[Session]:
        """The login that an `Auth` asks for. The call goes on as whom it began, whoever the client has become."""
        login = self._log_in(
            invocation.context, invocation.credentials, auth.stale_token, invocation.epoch, is_explicit=False
        )

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
        is_same_again = login.stale_token == auth.stale_token and login.at >= invocation.began
        return login.session if is_other or is_same_again else None
