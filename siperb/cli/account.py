"""``siperb login``, ``status``, ``logout``: the personal access token in the OS keyring."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from siperb.cli.failures import CREDENTIALS, ERROR, USAGE, CommandError
from siperb.cli.masking import mask
from siperb.cli.parser import Parser
from siperb.cli.secret_input import read_secret
from siperb.cli.terminal import Paint, printable, say, show, write_json
from siperb.errors import CacheError

if TYPE_CHECKING:
    from siperb.cache import Key, KeyringCache

PROMPT = "Personal access token (PAT), not shown: "


def add_to(parser: Parser) -> None:
    command = parser.add(
        "login",
        login,
        "keep a personal access token in the OS keyring",
        "The token is typed without echo, or read from stdin. It is stored when the API has taken it, for one address\n"
        "of the API. Only SIPERB_PAT comes before it.",
        examples="  siperb login\n  siperb login --stdin < token-file\n  pass show siperb | siperb login",
        options="base-url json",
    )
    command.add_argument("--stdin", action="store_true", help="read the token from stdin, even from a terminal")
    command.add_argument("misplaced", nargs="*", help=argparse.SUPPRESS)
    parser.add(
        "status",
        status,
        "tell where the token comes from and what the keyring holds",
        "Nothing is sent, and no secret is shown. Exits with 4 when there is no token, with 1 when the keyring that\n"
        "may hold it does not answer.",
        options="base-url json",
    )
    command = parser.add(
        "logout",
        logout,
        "remove the token, and all that was cached, from the keyring",
        "Of every user that was logged in at the address, or of one.",
        options="base-url json",
    )
    command.add_argument("--user", metavar="ID", help="the one user to log out; `siperb status` names them all")


def login(arguments: argparse.Namespace) -> int:
    if arguments.misplaced:
        raise CommandError(
            "A token does not belong on a command line, where `ps` and the shell's history show it: run `siperb login` "
            "and paste it at the prompt, or pipe it in.",
            USAGE,
        )
    from siperb.cache import KeyringCache
    from siperb.cli.credentials import address, client

    base_url, _ = address(arguments)
    cache = KeyringCache()
    _check(cache, "Nothing can be stored")  # before anybody types
    pat = read_secret(PROMPT, piped=arguments.stdin)
    with client(arguments, cache) as siperb:
        session = siperb.login(pat)
        if not siperb.save_pat(pat):
            raise CommandError("The token is good, but the keyring did not store it: see what `siperb doctor` says.")
    keyring = cache.backend()
    if arguments.json:
        write_json({"base_url": base_url, "user_id": session.user_id, "keyring": keyring})
    else:
        say(f"Logged in at {base_url} as user {session.user_id}.")
        say(f"The token {mask(pat)} is stored in the keyring ({keyring}).")
    _mention_variable()
    return 0


def status(arguments: argparse.Namespace) -> int:
    from siperb.cache import KeyringCache
    from siperb.cli.credentials import address, count, find, keyring_name

    base_url, said_by = address(arguments)
    cache = KeyringCache()
    found, keyring = find(base_url, cache), keyring_name(cache)
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
                "users": [{"user_id": user.user_id, "stored": count(user.keys)} for user in found.accounts],
            }
        )
    else:
        none = f"unknown: {unanswered}" if unanswered else "none: run `siperb login` or set SIPERB_PAT"
        rows = [
            ("address", f"{base_url} ({said_by})"),
            ("token", f"{mask(found.pat)} ({found.source})" if found.pat else none),
            ("keyring", keyring or "none that can be used: `siperb doctor` says why"),
            ("stored", f"unknown: {unanswered}" if unanswered else _sum(found.keys()) or "nothing"),
        ]
        if len(found.accounts) > 1:
            rows += [("user", f"{user.user_id or 'not known'}: {_sum(user.keys)}") for user in found.accounts]
        paint = Paint(sys.stdout)
        for name, text in rows:
            show(f"{paint(f'{name:8}', 'bold')} {printable(text)}")
    return 0 if found.pat else ERROR if unanswered else CREDENTIALS


def logout(arguments: argparse.Namespace) -> int:
    from siperb.cache import Key, KeyringCache
    from siperb.cli.credentials import address, count, find
    from siperb.core.flows import pat_key

    base_url, _ = address(arguments)
    cache = KeyringCache()
    _check(cache, "Nothing can be removed")  # before it looks as if nothing were there
    found = find(base_url, cache)
    if found.unanswered:
        raise found.unanswered
    chosen = arguments.user and Key.scope_of(base_url, arguments.user)
    accounts = [account for account in found.accounts if chosen in (None, account.owner)]
    pat = cache.load(pat_key(base_url))
    for account in accounts:
        cache.forget(account.owner)
    if chosen is None:
        cache.evict(pat_key(base_url))
    elif pat and found.pat_user != arguments.user:  # another's, which the user's index may name too
        cache.save(pat_key(base_url), pat, owner=Key.scope_of(base_url, str(found.pat_user)))
    removed = {key for account in accounts for key in account.keys}
    fresh = KeyringCache()  # the other one takes for gone what it could not remove
    left = [key for key in removed if fresh.load(key)]
    if left:
        records = "1 record is" if len(left) == 1 else f"{len(left)} records are"
        raise CommandError(f"{records} still in the keyring: log out again, or remove what begins with siperb/1/.")
    if arguments.json:
        write_json({"base_url": base_url, "removed": count(removed)})
    else:
        of_whom = f" of the user {arguments.user}" if chosen else ""
        nothing = f"The keyring held nothing{of_whom} for {base_url}."
        say(f"Removed from the keyring: {_sum(removed)}." if removed else nothing)
    _mention_variable()
    return 0


def _check(cache: KeyringCache, consequence: str) -> None:
    try:
        cache.check()
    except CacheError as error:
        reason = str(error).rstrip(".")
    else:
        return
    raise CommandError(f"{consequence}: {reason}. Commands take the token from SIPERB_PAT too, without a keyring.")


def _sum(keys: Iterable[Key]) -> str:
    from siperb.cli.credentials import KINDS, count

    numbers = {KINDS[kind]: number for kind, number in count(keys).items() if number}
    return ", ".join(f"{number} {what}{'s' if number > 1 else ''}" for what, number in numbers.items())


def _mention_variable() -> None:
    if os.environ.get("SIPERB_PAT"):
        say("SIPERB_PAT is set, and comes before what the keyring holds: unset it if that is not meant.")
