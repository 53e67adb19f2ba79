"""``siperb status`` and ``whoami``: whose token it is, where it comes from, and what the keyring holds."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from siperb.cli.failures import CREDENTIALS, ERROR
from siperb.cli.masking import mask
from siperb.cli.parser import Parser
from siperb.cli.table import show_fields
from siperb.cli.terminal import write_json

if TYPE_CHECKING:
    from siperb.cache import Key
    from siperb.cli.credentials import Account


def add_to(parser: Parser) -> None:
    parser.add(
        "status",
        status,
        "tell where the token comes from and what the keyring holds",
        "Nothing is sent, and no secret is shown. Exits with 4 when there is no token, with 1 when the keyring that\n"
        "may hold it does not answer.",
        options="account base-url json",
    )
    parser.add(
        "whoami",
        whoami,
        "ask the API who the token belongs to",
        options="connection json",
    )


def status(arguments: argparse.Namespace) -> int:
    from siperb.cache import KeyringCache
    from siperb.cli.credentials import address, count, find, keyring_name

    base_url, said_by = address(arguments)
    cache = KeyringCache()
    found, keyring = find(arguments, cache), keyring_name(cache)
    unanswered = found.unanswered and str(found.unanswered)
    if arguments.json:
        write_json(
            {
                "base_url": base_url,
                "base_url_source": said_by,
                "token": found.pat and mask(found.pat),
                "token_source": found.source,
                "keyring": keyring,
                "keyring_problem": unanswered,
                "stored": None if unanswered else count(found.keys()),
                "users": [
                    {
                        "user_id": account.user_id,
                        "email": account.email or None,
                        "in_use": account is found.in_use,
                        "stored": count(account.keys),
                    }
                    for account in found.accounts
                ],
            }
        )
    else:
        none = f"unknown: {unanswered}" if unanswered else "none: run `siperb login`, or set SIPERB_PAT"
        fields = [
            ("address", f"{base_url} ({said_by})"),
            ("token", f"{mask(found.pat)} ({found.source})" if found.pat else none),
            ("keyring", keyring or ("none" if found.pat else "none that can be used: `siperb doctor` says why")),
            ("stored", f"unknown: {unanswered}" if unanswered else sum_of(found.keys()) or "nothing"),
        ]
        if len(found.accounts) > 1:
            for account in found.accounts:
                in_use = " (in use)" if account is found.in_use else ""
                fields.append(("account", f"{name_of(account)}{in_use}: {sum_of(account.keys)}"))
        show_fields(fields)
    return 0 if found.pat else ERROR if unanswered else CREDENTIALS


def whoami(arguments: argparse.Namespace) -> int:
    from siperb.cache import KeyringCache
    from siperb.cli.client import client
    from siperb.cli.credentials import address, given

    base_url, _ = address(arguments)
    cache = KeyringCache()
    pat, source = given(arguments, cache)
    with client(arguments, cache, pat=pat) as siperb:
        user = siperb.get_user()
    said = {
        "user_id": user.user_id,
        "name": text(user.raw.get("Name")),
        "email": text(user.raw.get("Email")),
        "base_url": base_url,
        "token_source": source or "keyring",
    }
    if arguments.json:
        write_json(said)
    else:
        names = {"user_id": "user", "base_url": "address", "token_source": "token from"}
        show_fields([(names.get(name, name), value) for name, value in said.items() if value])
    return 0


def text(value: object) -> str | None:
    """What the API said, if it is any text."""
    return value if isinstance(value, str) and value else None


def name_of(account: Account) -> str:
    return account.email or account.user_id or "not known"


def sum_of(keys: Iterable[Key]) -> str:
    from siperb.cli.credentials import KINDS, count

    numbers = {KINDS[kind]: number for kind, number in count(keys).items() if number}
    return ", ".join(f"{number} {what}{'s' if number > 1 else ''}" for what, number in numbers.items())
