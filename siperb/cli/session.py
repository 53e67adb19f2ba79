"""The client of a command, and its token: all that the command line uses of the library's inside.

The keyring has the token of each account under its user, that of the one in use also where the library looks for it.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from typing import Any, NoReturn

from attrs import field, frozen

from siperb.cache import Key, KeyringCache, Record
from siperb.cli.failures import CREDENTIALS, CommandError, choose
from siperb.cli.parser import Options
from siperb.cli.terminal import WARNING, is_terminal, say
from siperb.client.accounts import DEFAULT_BASE_URL
from siperb.client.arguments import LARGEST_PAT_FILE as LARGEST_PAT_FILE
from siperb.client.arguments import decode_secret as decode_secret
from siperb.client.arguments import pat_of_environment
from siperb.client.caching import pat_key, stored_text
from siperb.client.network import check_base_url
from siperb.client.network import environment_proxy as environment_proxy
from siperb.client.network import is_loopback as is_loopback
from siperb.state import SiperbState
from siperb.sync.client import Siperb

NO_TOKEN = "There is no personal access token (PAT): run `siperb login`, or set SIPERB_PAT or SIPERB_PAT_FILE."  # noqa: S105


class CommandClient(Siperb[NoReturn]):
    """It raises, publishes nowhere, and says on a terminal when it is asked to wait."""

    _held_until = 0.0

    async def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if until > self._held_until + 1 and is_terminal(sys.stderr):  # once for all threads
            self._held_until = until
            say(f"The API asks to wait, or did not answer. The next try is in {seconds:.0f} s.")
        await super()._sleep(seconds)


def client(options: Options, pat: str | None = None, **more: Any) -> CommandClient:
    """For the address, the account and the timeout of the command line."""
    logger = logging.getLogger("siperb")
    logger.handlers = [_Log(logging.INFO if options.verbose else logging.WARNING)]
    logger.setLevel(logger.handlers[0].level)
    pat = find_token(options)[0] if pat is None else pat
    more |= {} if options.timeout is None else {"timeout": options.timeout}
    return CommandClient(pat, base_url=address(options)[0], strict=True, app_info="cli", state=SiperbState(), **more)


class _Log(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("Nothing is cached"):  # no command asks for a cache
            say(record.getMessage(), **(WARNING if record.levelno >= logging.WARNING else {}))


def address(options: Options) -> tuple[str, str]:
    """The API's address, and what says so."""
    if options.base_url is not None:
        return check_base_url(options.base_url), "--base-url"
    if variable := os.environ.get("SIPERB_BASE_URL"):
        return check_base_url(variable), "SIPERB_BASE_URL"
    return DEFAULT_BASE_URL, "default"


def environment_token() -> tuple[str, str] | None:
    """The token of the environment, and the variable that says so."""
    pat = pat_of_environment()
    return (pat, "SIPERB_PAT" if os.environ.get("SIPERB_PAT") else "SIPERB_PAT_FILE") if pat else None


def find_token(options: Options) -> tuple[str, str]:
    """The token of --account, of the environment or of the keyring, and what says so; `SiperbError` without one."""
    base_url, cache = address(options)[0], KeyringCache()
    if options.account is not None:
        return choose_account(stored_accounts(base_url, cache), options.account).pat, "--account"
    if found := environment_token():
        return found
    pat = stored_text(cache.within().load(pat_key(base_url))).get("PAT")
    if pat is None:
        raise CommandError(NO_TOKEN, CREDENTIALS)
    return pat, "keyring"


@frozen
class Account:
    """A user whose token the keyring holds. email: "" when it is not known."""

    user_id: str
    email: str
    pat: str = field(repr=False)
    is_in_use: bool

    @property
    def name(self) -> str:
        return self.email or self.user_id


def stored_accounts(base_url: str, cache: KeyringCache) -> list[Account]:
    """The accounts with a token at the address; the one in use comes first."""
    keys = [pat_key(base_url), *(Key(owner, "pat") for owner in cache.within().accounts(base_url))]
    texts = [stored_text(cache.within().load(key)) for key in keys]
    found: dict[str, Account] = {}
    for number, text in enumerate(texts):
        if "PAT" in text and "UserId" in text:
            account = Account(text["UserId"], text.get("Email", ""), text["PAT"], number == 0)
            found.setdefault(account.user_id, account)
    return [*found.values()]


def choose_account(accounts: list[Account], wanted: str) -> Account:
    named = [(one, one.name, (one.name, one.user_id)) for one in accounts]
    return choose("account", wanted, named, may_begin=True, exit_code=CREDENTIALS)


def keep(base_url: str, cache: KeyringCache, account: Account) -> None:
    """Store the token of an account, and put it to use if the account is; `CommandError` if it is not stored."""
    said = {"PAT": account.pat, "UserId": account.user_id, **({"Email": account.email} if account.email else {})}
    record = Record.new(json.dumps(said), now=time.time, random=random.SystemRandom().random)
    keys = [Key.of(base_url, account.user_id, "pat"), *([pat_key(base_url)] if account.is_in_use else [])]
    owner = Key.scope_of(base_url, account.user_id)
    is_stored = [cache.within().save(key, record, owner=owner) for key in keys]
    if not all(is_stored):
        raise CommandError("The token is good, but the keyring did not store it: run `siperb doctor`.")


def forget(options: Options, base_url: str, cache: KeyringCache) -> int:
    """Remove the records of every user at the address, or of --account; how many. `CommandError` when some are left."""
    known = stored_accounts(base_url, cache)
    chosen = known if options.account is None else [choose_account(known, options.account)]
    owners = {Key.scope_of(base_url, one.user_id) for one in chosen}
    if options.account is None:
        owners |= {*cache.accounts(base_url)}
        cache.forget_older(base_url)
    stored = {key for owner in owners for key in cache.stored(owner) if cache.load(key)}
    if False in [cache.forget(owner) for owner in owners]:
        raise CommandError("Some records could not be removed: run `siperb logout` again.")
    return len(stored)
