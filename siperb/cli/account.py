"""``siperb login``, ``status``, ``logout``: the personal access token in the OS keyring."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from siperb.cli.failures import CREDENTIALS, USAGE, CommandError
from siperb.cli.masking import mask
from siperb.cli.parser import Parser
from siperb.cli.secret_input import read_secret
from siperb.cli.terminal import Paint, say, show, write_json
from siperb.errors import CacheError

if TYPE_CHECKING:
    from siperb.cache import KeyringCache

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
        "Nothing is sent, and no secret is shown. Exits with 4 when there is no token.",
        options="base-url json",
    )
    parser.add(
        "logout",
        logout,
        "remove the token, and all that was cached for its user, from the keyring",
        options="base-url json",
    )


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
    from siperb.cli.credentials import KINDS, address, find_account, keyring_name

    base_url, said_by = address(arguments)
    cache = KeyringCache()
    account = find_account(base_url, cache)
    counts, keyring = account.counts(), keyring_name(cache)
    if arguments.json:
        write_json(
            {
                "base_url": base_url,
                "base_url_source": said_by,
                "token": account.pat and mask(account.pat),
                "token_source": account.source,
                "keyring": keyring,
                "stored": counts,
            }
        )
    else:
        paint = Paint(sys.stdout)
        token = (
            f"{mask(account.pat)} ({account.source})" if account.pat else "none: run `siperb login` or set SIPERB_PAT"
        )
        stored = ", ".join(_count(number, KINDS[kind]) for kind, number in counts.items() if number)
        rows = {
            "address": f"{base_url} ({said_by})",
            "token": token,
            "keyring": keyring or "none that can be used: `siperb doctor` says why",
            "stored": stored or "nothing",
        }
        for name, text in rows.items():
            show(f"{paint(f'{name:8}', 'bold')} {text}")
    return 0 if account.pat else CREDENTIALS


def logout(arguments: argparse.Namespace) -> int:
    from siperb.cache import KeyringCache
    from siperb.cli.credentials import KINDS, address, client, find_account

    base_url, _ = address(arguments)
    cache = KeyringCache()
    _check(cache, "Nothing can be removed")  # a keyring that does not answer would seem to hold nothing
    before = find_account(base_url, cache)
    with client(arguments, cache) as siperb:
        siperb.logout()
    fresh = KeyringCache()  # the other one takes for gone what it could not remove
    left = [key for key in before.stored if fresh.load(key)]
    removed = {kind: number for kind, number in before.counts().items() if number}
    if left:
        count = "1 record is" if len(left) == 1 else f"{len(left)} records are"
        raise CommandError(f"{count} still in the keyring: log out again, or remove what begins with siperb/1/.")
    if arguments.json:
        write_json({"base_url": base_url, "removed": before.counts()})
    else:
        what = ", ".join(_count(number, KINDS[kind]) for kind, number in removed.items())
        say(f"Removed from the keyring: {what}." if what else f"The keyring held nothing for {base_url}.")
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


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _mention_variable() -> None:
    if os.environ.get("SIPERB_PAT"):
        say("SIPERB_PAT is set, and comes before what the keyring holds: unset it if that is not meant.")
