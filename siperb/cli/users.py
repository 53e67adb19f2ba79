"""``siperb users``: the users of the domain; and how a command is made one of theirs with ``--user``."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from siperb.cli.failures import CommandError
from siperb.cli.parser import Parser, did_you_mean
from siperb.cli.table import show_table
from siperb.cli.terminal import say, write_json

if TYPE_CHECKING:
    from siperb.cli.client import CommandClient
    from siperb.models import DomainUser


def add_to(parser: Parser) -> None:
    command = parser.add(
        "users",
        run,
        "list the users of your domain",
        "`devices`, `provision`, `log`, `pat` and `api` take one of them with --user.",
        examples="  siperb users --search anna\n  siperb devices --user anna@example.com\n  siperb users | cut -f1",
        options="connection json",
    )
    command.add_argument("--search", metavar="TEXT", help="only those with this in their e-mail address or description")


def run(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client

    with client(arguments) as siperb:
        users = siperb.get_domain_users(search=arguments.search)
    if arguments.json:
        write_json(
            [{"email": user.email, "user_id": user.user_id, "description": description_of(user)} for user in users]
        )
    elif users:
        rows = [(user.email or "", description_of(user) or "", user.user_id) for user in users]
        show_table(("E-MAIL", "DESCRIPTION", "USER ID"), rows)
    else:
        say("No user of the domain fits." if arguments.search else "The domain has no users besides you.")
    return 0


def description_of(user: DomainUser) -> str | None:
    said = user.raw.get("UserDescription")
    return said if isinstance(said, str) and said else None


def of_user(siperb: CommandClient, arguments: argparse.Namespace) -> CommandClient:
    """The client, or a view on it for the user that --user names."""
    return siperb if arguments.user is None else siperb.for_user(_find(siperb, arguments.user))


def _find(siperb: CommandClient, wanted: str) -> DomainUser | str:
    """By e-mail address or id; `CommandError` when there is none."""
    folded = wanted.strip().casefold()
    if re.fullmatch("[0-9a-f]{32}", folded):
        return folded
    users: list[DomainUser] = []
    for search in (folded, None):  # the API's own search first: a domain may be large
        users = siperb.get_domain_users(search=search)
        for user in users:
            if folded and folded in ((user.email or "").strip().casefold(), user.user_id.casefold()):
                return user
    near = did_you_mean(wanted, filter(None, (user.email for user in users)))
    raise CommandError("The domain has no user with that e-mail address" + (near or "; `siperb users` lists them."))
