"""Where the token comes from, what a keyring holds, and the client that a command uses. No request is made here."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from siperb.cache import KeyringCache
from siperb.core.flows import pat_key, stored_text
from siperb.core.records import Key, Record
from siperb.errors import CacheError
from siperb.facade.arguments import pat_of_environment
from siperb.facade.client import DEFAULT_BASE_URL
from siperb.facade.network import check_base_url
from siperb.state import SiperbState
from siperb.sync.client import Siperb

if TYPE_CHECKING:
    from typing_extensions import Never

KINDS = {"pat": "token", "session": "session", "devices": "device list", "prov": "provisioning document"}


def count(keys: Iterable[Key]) -> dict[str, int]:
    """How many records of each kind: "pat", "session", "devices", "prov"."""
    kinds = [key.kind.partition("-")[0] for key in keys]
    return {kind: kinds.count(kind) for kind in KINDS}


@frozen
class Account:
    """What the keyring holds for one user, maybe with some that was evicted. user_id: None when nothing says it."""

    owner: str
    user_id: str | None
    keys: list[Key]


@frozen
class Found:
    """What there is without asking the API.

    source: of the PAT: "SIPERB_PAT", "keyring" or None. pat_user: whose PAT the keyring holds.
    accounts: all that was ever stored at the address. unanswered: what the keyring did instead of an answer.
    """

    pat: str | None = field(repr=False)
    source: str | None
    pat_user: str | None
    accounts: list[Account]
    unanswered: CacheError | None = None

    def keys(self) -> set[Key]:
        return {key for account in self.accounts for key in account.keys}


def client(arguments: argparse.Namespace, cache: KeyringCache | None = None, **options: Any) -> Siperb[Never]:
    """A client that raises, and publishes nowhere."""
    options = {"app_info": "cli", "state": SiperbState(), **options}
    return Siperb(base_url=arguments.base_url, cache=cache or KeyringCache(), strict=True, **options)


def address(arguments: argparse.Namespace) -> tuple[str, str]:
    """The API's address, and what says so; `ConfigurationError` for one that cannot be used."""
    if arguments.base_url is not None:
        return check_base_url(arguments.base_url), "--base-url"
    if variable := os.environ.get("SIPERB_BASE_URL"):
        return check_base_url(variable), "SIPERB_BASE_URL"
    return DEFAULT_BASE_URL, "default"


def keyring_name(cache: KeyringCache) -> str | None:
    """The class of the keyring's backend; None when there is none that stores anything."""
    name = cache.backend()
    return None if name == "keyring.backends.fail.Keyring" else name


def find(base_url: str, cache: KeyringCache) -> Found:
    """The PAT, and every account that was ever stored at the address."""
    variable = pat_of_environment()
    try:
        stored = stored_text(cache.within().load(pat_key(base_url)))
        pat_user = stored.get("UserId")
        accounts = [_account(base_url, owner, pat_user, cache) for owner in cache.within().accounts(base_url)]
    except CacheError as error:
        return Found(variable, variable and "SIPERB_PAT", None, [], error)
    pat = variable or stored.get("PAT")
    return Found(pat, "SIPERB_PAT" if variable else pat and "keyring", pat_user, accounts)


def _account(base_url: str, owner: str, pat_user: str | None, cache: KeyringCache) -> Account:
    has_pat = pat_user is not None and Key.scope_of(base_url, pat_user) == owner
    stored = cache.within().stored(owner)
    keys = [key for key in stored if has_pat or key != pat_key(base_url)]  # which may be another's by now
    if has_pat:
        return Account(owner, pat_user, keys)
    sessions = (cache.within().load(key) for key in keys if key.kind.startswith("session-"))
    return Account(owner, next((user for record in sessions if (user := _user_of(record))), None), keys)


def _user_of(session: Record | None) -> str | None:
    return stored_text(session).get("UserId")
