"""The client of a command, and its token. All that the command line uses of the library's inside stands in this file.

The keyring has one token in use at an address, where the library looks for it. Those of other accounts are parked
under their own users: `--account` takes one for a command, `siperb switch` puts one to use.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn, TypeVar

from attrs import field, frozen

from siperb.cache import Key, KeyringCache, Record
from siperb.cli.failures import CREDENTIALS, CommandError
from siperb.cli.options import Options, did_you_mean
from siperb.cli.terminal import say, warn
from siperb.cli.wait import Wait
from siperb.client.accounts import DEFAULT_BASE_URL
from siperb.client.arguments import LARGEST_PAT_FILE as LARGEST_PAT_FILE
from siperb.client.arguments import decode_secret as decode_secret
from siperb.client.arguments import pat_of_environment
from siperb.client.caching import pat_key, stored_text
from siperb.client.network import check_base_url
from siperb.client.network import environment_proxy as environment_proxy
from siperb.client.network import is_loopback as is_loopback
from siperb.core.wire import Request, Response
from siperb.errors import CacheError, SiperbError
from siperb.state import SiperbState
from siperb.sync.client import Siperb
from siperb.threads import Outcome, WorkerPool

T = TypeVar("T")
NO_TOKEN = "There is no personal access token (PAT): run `siperb login`, or set SIPERB_PAT or SIPERB_PAT_FILE."  # noqa: S105


class CommandClient(Siperb[NoReturn]):
    """It raises, publishes nowhere, and says on a terminal what it waits for.

    held_until: when the last pause between two tries ends, by `time.monotonic`.
    """

    held_until: float = 0.0

    async def _send(self, request: Request, origin: str, deadline: float) -> Response:
        with _wait(f"Waiting for the API: {request.method} {request.path_template}"):
            return await super()._send(request, origin, deadline)

    async def _ask_cache(self, threads: WorkerPool, work: Callable[[], T], seconds: float) -> Outcome[T] | None:
        with _wait("Waiting for the keyring"):
            return await super()._ask_cache(threads, work, seconds)

    async def _sleep(self, seconds: float) -> None:
        self.held_until = time.monotonic() + seconds
        with _wait("The API did not answer, or asked to wait. Next try", seconds):
            await super()._sleep(seconds)


def _wait(text: str, seconds: float | None = None) -> AbstractContextManager[object]:
    """Nothing in another thread than the main one: a bar tells of all of them."""
    return Wait(text, seconds) if threading.current_thread() is threading.main_thread() else nullcontext()


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
            (warn if record.levelno >= logging.WARNING else say)(record.getMessage())


def address(options: Options) -> tuple[str, str]:
    """The API's address, and what says so."""
    variable = os.environ.get("SIPERB_BASE_URL")
    if options.base_url is None and not variable:
        return DEFAULT_BASE_URL, "default"
    given = options.base_url is not None
    return check_base_url(options.base_url if given else variable), "--base-url" if given else "SIPERB_BASE_URL"


def environment_token() -> tuple[str, str] | None:
    """The token of the environment, and the variable that says so."""
    try:
        pat = pat_of_environment()
    except SiperbError as error:
        raise CommandError(str(error), CREDENTIALS) from None
    return (pat, "SIPERB_PAT" if os.environ.get("SIPERB_PAT") else "SIPERB_PAT_FILE") if pat else None


def find_token(options: Options) -> tuple[str, str]:
    """The token of --account, of the environment or of the keyring, and what says so; `CommandError` without one."""
    base_url, cache = address(options)[0], KeyringCache()
    if options.account is not None:
        return choose_account(stored_accounts(base_url, cache), options.account).pat, "--account"
    if found := environment_token():
        return found
    with keyring_told("The token may be in the keyring, which does not answer."):
        pat = stored_text(cache.within().load(pat_key(base_url))).get("PAT")
    if pat is None:
        raise CommandError(NO_TOKEN, CREDENTIALS)
    return pat, "keyring"


@contextlib.contextmanager
def keyring_told(consequence: str) -> Generator[None, None, None]:
    """Wait for the keyring; a `CommandError` for what is wrong with it."""
    try:
        with Wait("Waiting for the keyring"):
            yield
    except CacheError as error:
        raise CommandError(f"{consequence} {error} Without a keyring, set SIPERB_PAT or SIPERB_PAT_FILE.") from None


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
    with keyring_told("The token may be in the keyring, which does not answer."):
        keys = [pat_key(base_url), *(Key(owner, "pat") for owner in cache.within().accounts(base_url))]
        texts = [stored_text(cache.within().load(key)) for key in keys]
    found: dict[str, Account] = {}
    for number, text in enumerate(texts):
        if "PAT" in text and "UserId" in text:
            account = Account(text["UserId"], text.get("Email", ""), text["PAT"], number == 0)
            found.setdefault(account.user_id, account)
    return [*found.values()]


def choose_account(accounts: list[Account], wanted: str) -> Account:
    """The one account of that e-mail address, user id or beginning of it; `CommandError` for none, and for several."""
    folded = wanted.strip().casefold()
    meant = [one for one in accounts if folded and folded in (one.email.casefold(), one.user_id.casefold())]
    meant = meant or [one for one in accounts if len(folded) > 3 and one.user_id.casefold().startswith(folded)]
    if len(meant) == 1:
        return meant[0]
    names = [one.name for one in meant or accounts]
    if meant:
        raise CommandError(f"More than one account fits: {', '.join(names)}.", CREDENTIALS)
    near = did_you_mean(wanted, names) or f"; there is {', '.join(names) or 'none'}."
    raise CommandError(f"The keyring has no such account at this address{near}", CREDENTIALS)


def keep(base_url: str, cache: KeyringCache, pat: str, user_id: str, email: str = "", *, parked: bool = False) -> None:
    """Put the token to use at the address, and park that of another user; `CommandError` if it is not stored."""
    payload = json.dumps({"PAT": pat, "UserId": user_id, **({"Email": email} if email else {})})
    record = Record.new(payload, now=time.time, random=random.SystemRandom().random)
    owner, key = Key.scope_of(base_url, user_id), Key.of(base_url, user_id, "pat")
    with keyring_told("The token is not stored."):
        before = None if parked else cache.within().load(pat_key(base_url))
        other = stored_text(before).get("UserId", user_id)
        is_stored = before is None or other == user_id
        if before and not is_stored:
            is_stored = cache.save(Key.of(base_url, other, "pat"), before, owner=Key.scope_of(base_url, other))
        is_stored = is_stored and cache.save(key if parked else pat_key(base_url), record, owner=owner)
    if not is_stored:
        raise CommandError("The token is good, but the keyring did not store it: run `siperb doctor`.")
    if not parked:
        cache.evict(key)


def forget(options: Options, base_url: str, cache: KeyringCache) -> int:
    """Remove the records of every user at the address, or of --account; how many. `CommandError` when some are left."""
    known = stored_accounts(base_url, cache)
    in_use = next((one for one in known if one.is_in_use), None)
    chosen = known if options.account is None else [choose_account(known, options.account)]
    owners = {Key.scope_of(base_url, one.user_id) for one in chosen}
    if options.account is None:
        owners |= {*cache.within().accounts(base_url)}
    removed = {key for owner in owners for key in cache.stored(owner)} | {pat_key(base_url)}
    removed = {key for key in removed if cache.load(key)}
    for owner in owners:
        cache.forget(owner)
    if options.account is None:
        cache.forget_older(base_url)
    if in_use and in_use not in chosen:  # the index of another may have named its token too
        removed -= {pat_key(base_url)}
        keep(base_url, cache, in_use.pat, in_use.user_id, in_use.email)
    elif in_use or options.account is None:
        cache.evict(pat_key(base_url))
    fresh = KeyringCache()  # the other one takes for gone what it could not remove
    if left := [key for key in removed if fresh.load(key)]:
        raise CommandError(f"{len(left)} of {len(removed)} records could not be removed: run `siperb logout` again.")
    return len(removed)
