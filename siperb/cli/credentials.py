"""Where the token comes from, what a keyring holds, and the client that a command uses. No request is made here."""

from __future__ import annotations

import argparse
import os
from typing import Any

from attrs import field, frozen

from siperb.cache import KeyringCache
from siperb.core.flows import LOGIN_KEY, pat_key, session_key, stored_text
from siperb.core.records import Key
from siperb.facade.client import DEFAULT_BASE_URL
from siperb.facade.network import check_base_url
from siperb.state import SiperbState
from siperb.sync.client import Siperb

KINDS = {"pat": "token", "session": "session", "devices": "device list", "prov": "provisioning document"}


@frozen
class Account:
    """Whose the commands are: the PAT, where it comes from, and all that the keyring holds for its user.

    source: "SIPERB_PAT", "keyring" or None. stored: the keys of the records, maybe with some that were evicted.
    """

    base_url: str
    pat: str | None = field(repr=False)
    source: str | None
    stored: list[Key]

    def counts(self) -> dict[str, int]:
        """How many records of each kind: "pat", "session", "devices", "prov"."""
        kinds = [key.kind.partition("-")[0] for key in self.stored]
        return {kind: kinds.count(kind) for kind in KINDS}


def client(arguments: argparse.Namespace, cache: KeyringCache | None = None, **options: Any) -> Siperb:
    """A client that raises, and publishes nowhere."""
    options = {"app_info": "cli", "strict": True, "state": SiperbState(), **options}
    return Siperb(base_url=arguments.base_url, cache=cache or KeyringCache(), **options)


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


def find_account(base_url: str, cache: KeyringCache) -> Account:
    """What there is without asking the API; a keyring that does not answer holds nothing."""
    record = cache.load(pat_key(base_url))
    stored = stored_text(record)
    variable = os.environ.get("SIPERB_PAT")
    pat = variable or stored.get("PAT")
    users = {stored.get("UserId")}
    for known in {variable, stored.get("PAT")} - {None, ""}:
        users.add(stored_text(cache.load(session_key(base_url, str(known), LOGIN_KEY))).get("UserId"))
    keys = [pat_key(base_url)] if record else []
    for user in sorted(user for user in users if user):
        keys += [key for key in cache.stored(Key.scope_of(base_url, user)) if key not in keys and key.kind != "pat"]
    return Account(base_url, pat, "SIPERB_PAT" if variable else "keyring" if pat else None, keys)
