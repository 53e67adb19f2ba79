"""Whom a call is made as, while logins, logouts and calls overlap."""

from __future__ import annotations

import json
import os
import threading
import time
from contextvars import ContextVar
from functools import lru_cache
from weakref import WeakSet

from siperb.client.arguments import pat_of_environment
from siperb.client.caching import LOGIN_KEY, pat_key
from siperb.client.kept import Kept
from siperb.client.network import check_base_url
from siperb.client.ports import Account, Call, Run
from siperb.core.wire import check_timeout, check_token
from siperb.errors import ConfigurationError, SiperbError
from siperb.models import Session
from siperb.state import SiperbState

DEFAULT_BASE_URL = "https://api.siperb.com"
LATE_PATCHING = (
    "gevent or eventlet has patched the standard library after siperb was imported, and a call would hang: "
    "patch first, import siperb then."
)
_local = threading.local
_checked = lru_cache(maxsize=8)(check_base_url)  # each call asks for its address

run_under_way: ContextVar[Run | None] = ContextVar("run_under_way", default=None)
"""The bulk run that the code is part of: between the run and its calls stands the user's own function."""


class Accounts(Kept):
    """A client's logins and logouts, and what each of its calls begins with."""

    state: SiperbState
    _pat: str | None
    _base_url: str | None
    _timeout: float
    _closed: bool
    _was_used: bool
    _accounts: dict[tuple[str, str | None], Account]  # since the last logout, by origin and PAT
    _account: Account | None  # whom calls are made as
    _given: WeakSet[Account]  # of the sessions that were passed in
    _leaving: Call | None  # the logout under way
    _passing: Account  # whom calls are made as meanwhile
    _to_forget: dict[tuple[str, str | None], Account]  # until all of it is gone

    async def _login(self, pat: str | None, login_key: str | None, timeout: float | None) -> Session:
        self._refuse_in_view("log in")
        account = self._known_account(None if pat is None else check_token("PAT", pat))
        session = await self._session(self._call(account, timeout, login_key), None, is_explicit=True)
        if not account.is_over:
            self._account, self.state.session = account, session
        return session

    def _check_bound(self, account: Account) -> None:
        if account.is_over or self._account not in (None, account):
            raise SiperbError("The client has logged out, or in as somebody else, meanwhile.")

    def _logged_in(self, account: Account) -> None:
        if account is self._account and account.session and not account.is_over:
            self.state.session = account.session

    async def _logout(self) -> None:
        """Forget the accounts of this address. A call that begins meanwhile leaves nothing; a login does."""
        self._refuse_in_view("log out")
        call = self._leaving if self._is_leaving() else None
        call = call or self._call(Account(self._origin(), self._default_pat(), is_over=True), None)
        try:
            self._leave(call)
            async with self._alone(call):  # logouts at the same time are one
                origin = call.account.origin
                for key, account in [item for item in self._to_forget.items() if item[0][0] == origin]:
                    if await self._forget(call, account):
                        self._to_forget.pop(key, None)
        finally:
            self._leaving = None

    def _leave(self, call: Call) -> None:
        if self._leaving is not call:
            before = self._accounts
            ended = {key: account for key, account in before.items() if account.session}
            self._leaving, self._accounts, self._account = call, {}, None
            self._passing = Account(call.account.origin, call.account.pat, is_over=True)
            for account in [*before.values(), *self._given]:
                account.is_over = True
            self._to_forget |= ended
            if not self._to_forget:
                self._to_forget = {(call.account.origin, call.account.pat): call.account}
            self.state.clear()

    def _is_leaving(self) -> bool:
        """Whether a logout is under way. One that was interrupted is not, at its deadline at the latest."""
        return self._leaving is not None and self._leaving.left > 0

    async def _save_pat(self, pat: str) -> bool:
        self._refuse_in_view("save a PAT")
        account = self._account
        if account is None or account.session is None or account.origin != self._origin():
            raise ConfigurationError("Log in before you save the PAT: only one that the API takes is worth keeping.")
        payload = json.dumps({"PAT": check_token("PAT", pat), "UserId": account.session.user_id})
        return await self._save(self._call(account, None), pat_key(account.origin), payload, account.session.user_id)

    def _begin(self, timeout: float | None, given: Session | None = None, *, is_cached: bool = False) -> Call:
        login_key = None
        if given:
            account = Account(self._origin(), session=given)
            account.is_given = True
            self._given.add(account)
        elif run := self._run_of_code():
            account = run.account
            self._check_bound(account)
        else:
            account = self._account_of_calls()
        if is_cached and account.session is None:
            login_key = LOGIN_KEY
        return self._call(account, timeout, login_key)

    def _call(self, account: Account, timeout: float | None, login_key: str | None = None) -> Call:
        if threading.local is not _local:
            raise ConfigurationError(LATE_PATCHING)
        if self._closed:
            raise ConfigurationError("This client is closed: make a new one.")
        self._was_used = True
        began, run = time.monotonic(), self._run_of_code()
        seconds = self._timeout if timeout is None else check_timeout(timeout)
        limit = max(began, run.until) + seconds - run.held if run else began + seconds
        return Call(account, began, limit, login_key, run, is_bound=run is not None)

    def _run_of_code(self) -> Run | None:
        run = run_under_way.get()
        return run if run and run.client is self.__dict__ else None

    def _origin(self) -> str:
        return self._base_url or _checked(os.environ.get("SIPERB_BASE_URL") or DEFAULT_BASE_URL)

    def _default_pat(self) -> str | None:
        """The PAT of the constructor or of the environment; without one the call looks into the keyring."""
        return self._pat or pat_of_environment()

    def _known_account(self, pat: str | None) -> Account:
        account = Account(self._origin(), pat or self._default_pat())
        return self._accounts.setdefault((account.origin, account.pat), account)

    def _account_of_calls(self) -> Account:
        """That of the last login at this address, or one that logs in by itself."""
        account = self._account
        if account and account.session and account.origin == self._origin():
            return account
        if self._is_leaving():
            return self._passing
        known = self._known_account(None)
        if account is None or account.session is None:
            self._account = known
        return known

    def _refuse_in_view(self, what: str) -> None:
        if self._domain_user is not None:
            raise ConfigurationError(f"A view on a domain user cannot {what}: its client can.")
