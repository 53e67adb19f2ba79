"""``siperb pat``: personal access tokens (PATs): list, create, revoke, rotate."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from siperb.cli.failures import USAGE, CommandError, sentence
from siperb.cli.masking import mask
from siperb.cli.parser import Parser, count
from siperb.cli.pat_making import DAYS, choose, document, ids, make, named, no_such, said, undone
from siperb.cli.private_file import PrivateFile
from siperb.cli.table import show_table
from siperb.cli.terminal import is_terminal, say, warn, write, write_json
from siperb.cli.users import of_user
from siperb.errors import NotFoundError, SiperbError

if TYPE_CHECKING:
    from siperb.cache import KeyringCache
    from siperb.cli.client import CommandClient
    from siperb.models import AccessToken

ABOUT = """\
  list    the tokens by their names and ids; their values are not to be had
  create  a new one, printed into a pipe or written to -o FILE, and on a terminal only with --reveal
  revoke  no login with it any more; a session that it opened may live on
  rotate  create, prove by a login, keep in the keyring, then revoke the others of that name
"""

EXAMPLES = """\
  siperb pat create ci --days 30 | gh secret set SIPERB_PAT
  siperb pat create phone --user anna@example.com -o token
  siperb pat rotate laptop
"""


def add_to(parser: Parser) -> None:
    command = parser.add(
        "pat",
        run,
        "list, create, revoke or rotate personal access tokens",
        ABOUT,
        examples=EXAMPLES,
        options="user connection json reveal",
    )
    command.add_argument("action", metavar="ACTION", choices=ACTIONS, help=", ".join(ACTIONS))
    command.add_argument("name", metavar="NAME", nargs="?", help="of the token; revoke takes its id too")
    command.add_argument("--days", type=count, metavar="N", help=f"until a new one expires ({DAYS})")
    command.add_argument("-o", "--output", metavar="FILE", help="create: a file, readable for you alone (0600)")


def run(arguments: argparse.Namespace) -> int:
    action = arguments.action
    if (arguments.name is None) != (action == "list"):
        raise CommandError(f"`siperb pat {action}` takes {'no' if action == 'list' else 'a'} name.", USAGE)
    if arguments.days is not None and action not in ("create", "rotate"):
        raise CommandError("--days goes with create and rotate.", USAGE)
    if arguments.output is not None and action != "create":
        raise CommandError("-o goes with create.", USAGE)
    return ACTIONS[action](arguments)


def show_pats(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client

    with client(arguments) as own:
        pats = of_user(own, arguments).get_pats()
    if arguments.json:
        write_json([document(pat) for pat in pats])
    elif pats:
        rows = [(pat.pat_id, pat.name or "", said(pat, "CreatedAt"), said(pat, "ExpiresAt")) for pat in pats]
        show_table(("ID", "NAME", "CREATED", "EXPIRES"), rows)
    else:
        say("There is no personal access token.")
    return 0


def create(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client

    file = PrivateFile(arguments.output) if arguments.output not in (None, "-") else None
    if not file and is_terminal(sys.stdout) and not arguments.reveal:
        raise CommandError(
            "The token is shown once, and not to a screen: pipe it to where it belongs, give -o FILE, or --reveal.",
            USAGE,
        )
    with client(arguments) as own:
        siperb = of_user(own, arguments)
        pat = make(siperb, siperb.get_pats(), arguments)
        with undone(siperb, pat):
            if file:
                file.write(f"{pat.token}\n")
            elif arguments.json:
                write_json({**document(pat), "token": pat.token})
            else:
                write(f"{pat.token}\n")
    where = f", written to {file.path}, readable for you alone" if file else ""
    expires = said(pat, "ExpiresAt")
    say(f"Made {named(pat)}{f', good until {expires}' if expires else ''}{where}.")
    return 0


def revoke(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client

    with client(arguments) as own:
        siperb = of_user(own, arguments)
        pat = choose(siperb.get_pats(), arguments.name)
        siperb.delete_pat(pat.pat_id)
    say(f"Revoked {named(pat)}: no login with it any more; a session that it opened may live on.")
    return 0


def rotate(arguments: argparse.Namespace) -> int:
    if arguments.user is not None:
        raise CommandError("The keyring is for your own tokens: for a user of the domain, create and revoke.", USAGE)
    from siperb.cache import KeyringCache
    from siperb.cli.account import check_keyring, mention_variable
    from siperb.cli.client import client
    from siperb.cli.credentials import address, find, keep

    cache = KeyringCache()
    check_keyring(cache, "Nothing can be stored")  # before anything is made
    base_url, _ = address(arguments)
    in_use = find(arguments, cache).in_use
    with client(arguments, cache) as siperb:
        before = siperb.get_pats()
        old = [pat for pat in before if pat.name == arguments.name]
        if not old:
            raise CommandError(no_such(before, arguments.name))
        pat = make(siperb, before, arguments)
        with client(arguments, cache, pat=pat.token) as fresh:
            with undone(siperb, pat):
                user_id = _prove_and_keep(siperb, fresh, pat, base_url, cache)
            if in_use and in_use.pat and in_use.user_id != user_id:  # who was in use stays so
                keep(base_url, cache, in_use.pat, str(in_use.user_id), in_use.email)
            left = [one for one in old if not _is_revoked(fresh, one)]
    if left:
        raise CommandError(f"The new token is in the keyring, but of the others these are not revoked: {ids(left)}.")
    if arguments.json:
        write_json({**document(pat), "revoked": [one.pat_id for one in old]})
    else:
        say(f"The new token {mask(pat.token or '')} is in the keyring; {len(old)} of that name revoked.")
    mention_variable()
    return 0


ACTIONS = {"list": show_pats, "create": create, "revoke": revoke, "rotate": rotate}


def _prove_and_keep(
    siperb: CommandClient, fresh: CommandClient, pat: AccessToken, base_url: str, cache: KeyringCache
) -> str:
    from siperb.cli.account import email_of
    from siperb.cli.credentials import keep

    user_id = fresh.login().user_id
    if siperb.session is None or user_id != siperb.session.user_id:
        raise CommandError("The API takes the new token for another user's.")
    if not keep(base_url, cache, str(pat.token), user_id, email_of(fresh)):
        raise CommandError("The keyring did not store the new token: see what `siperb doctor` says.")
    return user_id


def _is_revoked(siperb: CommandClient, pat: AccessToken) -> bool:
    try:
        siperb.delete_pat(pat.pat_id)
    except NotFoundError:
        return True
    except SiperbError as error:
        warn(sentence(error))
        return False
    return True
