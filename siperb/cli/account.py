"""``siperb login``, ``switch``, ``logout``: the personal access token in the OS keyring."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from siperb.cli.failures import CREDENTIALS, USAGE, CommandError
from siperb.cli.masking import mask
from siperb.cli.parser import Parser
from siperb.cli.secret_input import read_secret
from siperb.cli.status import name_of, sum_of, text
from siperb.cli.terminal import say, write_json
from siperb.cli.wait import Wait
from siperb.errors import CacheError, SiperbError

if TYPE_CHECKING:
    from siperb.cache import KeyringCache
    from siperb.cli.client import CommandClient

PROMPT = "Personal access token (PAT), not shown: "


def add_to(parser: Parser) -> None:
    command = parser.add(
        "login",
        login,
        "keep a personal access token in the OS keyring",
        "The token is typed without echo, or read from stdin. It is stored when the API has taken it, for one address\n"
        "of the API, and is in use from then on. Those of other accounts stay: `siperb switch` brings one back, and\n"
        "--account takes one for a single command. SIPERB_PAT and SIPERB_PAT_FILE come before what is stored.",
        examples="  siperb login\n  siperb login --stdin < token-file\n  pass show siperb | siperb login",
        options="base-url timeout json",
    )
    command.add_argument("--stdin", action="store_true", help="read the token from stdin, even from a terminal")
    command.add_argument("misplaced", nargs="*", help=argparse.SUPPRESS)
    command = parser.add(
        "switch",
        switch,
        "put the stored token of another account to use",
        examples="  siperb switch jo@example.com",
        options="base-url json",
    )
    command.add_argument("who", metavar="WHO", help="e-mail address or user id; `siperb status` names them all")
    parser.add(
        "logout",
        logout,
        "remove the token, and all that was cached, from the keyring",
        "Of every account that was logged in at the address, or of one (--account).",
        options="account base-url json",
    )


def login(arguments: argparse.Namespace) -> int:
    if arguments.misplaced:
        raise CommandError(
            "A token does not belong on a command line, where `ps` and the shell's history show it: run `siperb login` "
            "and paste it at the prompt, or pipe it in.",
            USAGE,
        )
    from siperb.cache import KeyringCache
    from siperb.cli.client import client
    from siperb.cli.credentials import address, keep

    base_url, _ = address(arguments)
    cache = KeyringCache()
    check_keyring(cache, "Nothing can be stored")  # before anybody types
    pat = read_secret(PROMPT, piped=arguments.stdin)
    with client(arguments, cache, pat=pat) as siperb:
        user_id = siperb.login().user_id
        email = email_of(siperb)
    if not keep(base_url, cache, pat, user_id, email):
        raise CommandError("The token is good, but the keyring did not store it: see what `siperb doctor` says.")
    keyring = cache.backend()
    if arguments.json:
        write_json({"base_url": base_url, "user_id": user_id, "email": email or None, "keyring": keyring})
    else:
        say(f"Logged in at {base_url} as {email or 'user ' + user_id}.")
        say(f"The token {mask(pat)} is stored in the keyring ({keyring}).")
    mention_variable()
    return 0


def switch(arguments: argparse.Namespace) -> int:
    from siperb.cache import KeyringCache
    from siperb.cli.credentials import address, choose_account, keep, stored_accounts

    base_url, _ = address(arguments)
    cache = KeyringCache()
    account = choose_account(stored_accounts(base_url, cache), arguments.who)
    if account.pat is None:
        raise CommandError("The keyring has no token of this account: run `siperb login` with one.", CREDENTIALS)
    if not keep(base_url, cache, account.pat, str(account.user_id), account.email):
        raise CommandError("The keyring did not store it: see what `siperb doctor` says.")
    if arguments.json:
        write_json({"base_url": base_url, "user_id": account.user_id, "email": account.email or None})
    else:
        say(f"Commands at {base_url} are now for {name_of(account)}.")
    mention_variable()
    return 0


def logout(arguments: argparse.Namespace) -> int:
    from siperb.cache import KeyringCache
    from siperb.cli.credentials import address, choose_account, count, keep, stored_accounts
    from siperb.client.caching import pat_key

    base_url, _ = address(arguments)
    cache = KeyringCache()
    check_keyring(cache, "Nothing can be removed")  # before it looks as if nothing were there
    accounts = stored_accounts(base_url, cache)
    in_use = next((account for account in accounts if pat_key(base_url) in account.keys), None)
    if arguments.account is not None:
        accounts = [choose_account(accounts, arguments.account)]
    for account in accounts:
        cache.forget(account.owner)
    if in_use and in_use.pat and in_use not in accounts:  # the index of another may have named its token too
        keep(base_url, cache, in_use.pat, str(in_use.user_id), in_use.email)
    elif in_use or arguments.account is None:
        cache.evict(pat_key(base_url))
    if arguments.account is None:
        cache.forget_older(base_url)
    removed = {key for account in accounts for key in account.keys}
    fresh = KeyringCache()  # the other one takes for gone what it could not remove
    left = [key for key in removed if fresh.load(key)]
    if left:
        records = "1 record is" if len(left) == 1 else f"{len(left)} records are"
        raise CommandError(f"{records} still in the keyring: log out again, or remove what begins with siperb/2/.")
    if arguments.json:
        write_json({"base_url": base_url, "removed": count(removed)})
    elif removed:
        say(f"Removed from the keyring: {sum_of(removed)}.")
    else:
        say(f"The keyring held nothing for {base_url}.")
    mention_variable()
    return 0


def email_of(siperb: CommandClient) -> str:
    """The user's, to name the account by; the token is good without it."""
    try:
        user = siperb.get_user()
    except SiperbError:
        return ""
    email = text(user.raw.get("Email"))
    return email if email and email.isascii() and email.isprintable() and " " not in email else ""


def check_keyring(cache: KeyringCache, consequence: str) -> None:
    try:
        with Wait("Waiting for the keyring"):
            cache.check()
    except CacheError as error:
        reason = str(error)
    else:
        return
    raise CommandError(f"{consequence}. {reason} To do without, set SIPERB_PAT.")


def mention_variable() -> None:
    for name in ("SIPERB_PAT", "SIPERB_PAT_FILE"):
        if os.environ.get(name):
            say(f"{name} is set, and comes before what the keyring holds: unset it if that is not meant.")
