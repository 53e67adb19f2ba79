"""Where the token comes from, what a keyring holds, and whose it is. No request is made here.

A keyring has one PAT in use at an address, where the library looks for it. Those of other accounts that were logged in
there are parked under their own users, from where `--account` takes them and `siperb switch` brings them back.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import random
import time
from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen

from siperb.cache import KeyringCache
from siperb.cache.records import Key, Record
from siperb.cli.failures import CREDENTIALS, CommandError
from siperb.cli.wait import Wait
from siperb.client.arguments import pat_of_environment
from siperb.client.caching import pat_key, stored_text
from siperb.client.client import DEFAULT_BASE_URL
from siperb.client.network import check_base_url
from siperb.errors import CacheError

KINDS = {"pat": "token", "session": "session", "devices": "device list", "prov": "provisioning document"}
LARGEST_FILE = 65536  # bytes


def count(keys: Iterable[Key]) -> dict[str, int]:
    """How many records of each kind: "pat", "session", "devices", "prov"."""
    kinds = [key.kind.partition("-")[0] for key in keys]
    return {kind: kinds.count(kind) for kind in KINDS}


@frozen
class Account:
    """What the keyring holds for one user, maybe with some that was evicted.

    user_id: None when nothing says it. email: "" when it is not known. pat: None when only other things are stored.
    """

    owner: str
    user_id: str | None
    email: str
    pat: str | None = field(repr=False)
    keys: list[Key]

    def is_meant(self, name: str) -> bool:
        """Whether this is the account of that e-mail address, or user id, or beginning of a user id."""
        folded = name.strip().casefold()
        by_email = hashlib.md5(folded.encode(), usedforsecurity=False).hexdigest()
        return bool(folded) and (
            folded == self.email.casefold()
            or self.user_id == by_email
            or (len(folded) >= 4 and (self.user_id or "").casefold().startswith(folded))
        )


@frozen
class Found:
    """What there is without asking the API.

    source: of the PAT: "--account", "SIPERB_PAT", "SIPERB_PAT_FILE", "keyring" or None.
    in_use: the account whose PAT the keyring gives when nobody says another. accounts: all that was ever stored at the
    address. unanswered: what the keyring did instead of an answer.
    """

    pat: str | None = field(repr=False)
    source: str | None
    in_use: Account | None
    accounts: list[Account]
    unanswered: CacheError | None = None

    def keys(self) -> set[Key]:
        return {key for account in self.accounts for key in account.keys}


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


def given(arguments: argparse.Namespace, cache: KeyringCache) -> tuple[str | None, str | None]:
    """The PAT that is not the keyring's, unless --account names another of the keyring's; and what says so."""
    if arguments.account is not None:
        return _of_account(address(arguments)[0], cache, arguments.account), "--account"
    if variable := pat_of_environment():
        return variable, "SIPERB_PAT"
    if name := os.environ.get("SIPERB_PAT_FILE"):
        return _read(name), "SIPERB_PAT_FILE"
    return None, None


def find(arguments: argparse.Namespace, cache: KeyringCache) -> Found:
    """The PAT, and every account that was ever stored at the address."""
    base_url, _ = address(arguments)
    try:
        accounts = stored_accounts(base_url, cache)
        in_use = next((one for one in accounts if pat_key(base_url) in one.keys), None)
    except CacheError as error:
        if arguments.account is not None:
            raise
        pat, source = given(arguments, cache)
        return Found(pat, source, None, [], error)
    pat, source = given(arguments, cache)
    if pat is None and in_use:
        pat, source = in_use.pat, "keyring"
    return Found(pat, source, in_use, accounts)


def stored_accounts(base_url: str, cache: KeyringCache) -> list[Account]:
    """Every account that was ever stored at the address; `CacheError` when the keyring does not answer."""
    with Wait("Waiting for the keyring"):
        in_use = stored_text(cache.within().load(pat_key(base_url)))
        owners = dict.fromkeys(cache.within().accounts(base_url))
        if user_id := in_use.get("UserId"):
            owners[Key.scope_of(base_url, user_id)] = None
        return [_account(base_url, owner, in_use, cache) for owner in owners]


def choose_account(accounts: Iterable[Account], name: str) -> Account:
    """The one account of that e-mail address or user id; `CommandError` when there is none or more than one."""
    known = [account for account in accounts if account.user_id]
    meant = [account for account in known if account.is_meant(name)]
    if len(meant) == 1:
        return meant[0]
    names = [account.email or str(account.user_id) for account in meant or known]
    if meant:
        raise CommandError(f"More than one account fits: {', '.join(names)}.", CREDENTIALS)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(names) or 'none'}."
    raise CommandError(f"The keyring has no such account at this address; {hint}", CREDENTIALS)


def keep(base_url: str, cache: KeyringCache, pat: str, user_id: str, email: str = "") -> bool:
    """Have the PAT in use at the address, and park that of another user; whether the keyring stored it."""
    before = cache.within().load(pat_key(base_url))
    other = stored_text(before).get("UserId", user_id)
    is_parked = not before or other == user_id
    if before and not is_parked:
        is_parked = cache.save(parked_key(base_url, other), before, owner=Key.scope_of(base_url, other))
    if not is_parked:
        return False
    payload = json.dumps({"PAT": pat, "UserId": user_id, **({"Email": email} if email else {})})
    record = Record.new(payload, now=time.time, random=random.SystemRandom().random)
    if not cache.save(pat_key(base_url), record, owner=Key.scope_of(base_url, user_id)):
        return False
    cache.evict(parked_key(base_url, user_id))
    return True


def parked_key(base_url: str, user_id: str) -> Key:
    """Where the PAT of an account is kept while another's is in use."""
    return Key.of(base_url, user_id, "pat")


def _of_account(base_url: str, cache: KeyringCache, name: str) -> str:
    account = choose_account(stored_accounts(base_url, cache), name)
    if account.pat is None:
        raise CommandError("The keyring has no token of this account: run `siperb login` with one.", CREDENTIALS)
    return account.pat


def _read(name: str) -> str:
    """The PAT in a file, as secrets are mounted into a container; whatever is wrong is said without its text."""
    try:
        with Path(name).open("rb") as file:
            text = file.read(LARGEST_FILE).decode().strip()
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        problem = "this is no text in UTF-8"
    else:
        if text and len(text.split()) == 1:
            return text
        problem = "this holds more than a token" if text else "this is empty"
    raise CommandError(f"SIPERB_PAT_FILE names {name}: {problem}. Name a file that holds the token.", CREDENTIALS)


def _account(base_url: str, owner: str, in_use: dict[str, str], cache: KeyringCache) -> Account:
    user_id = in_use.get("UserId", "")
    is_in_use = bool(user_id) and Key.scope_of(base_url, user_id) == owner
    stored = cache.within().stored(owner)
    keys = [key for key in stored if key.kind != "pat"]
    if is_in_use:
        return Account(owner, user_id, in_use.get("Email", ""), in_use.get("PAT"), [pat_key(base_url), *keys])
    texts = {key: stored_text(cache.within().load(key)) for key in stored if key != pat_key(base_url)}  # another's
    parked = next(((key, text) for key, text in texts.items() if key.kind == "pat" and text), None)
    known = next((text["UserId"] for text in texts.values() if "UserId" in text), None)
    if parked is None:
        return Account(owner, known, "", None, keys)
    key, text = parked
    return Account(owner, known, text.get("Email", ""), text.get("PAT"), [key, *keys])
