"""What the commands of `siperb.cli.pats` have in common: making a token that is not lost, and telling of tokens."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING

from siperb.cli.failures import CommandError
from siperb.cli.parser import did_you_mean
from siperb.cli.terminal import printable, say
from siperb.errors import APIError, SiperbError

if TYPE_CHECKING:
    from siperb.cli.client import CommandClient
    from siperb.models import AccessToken

DAYS = 100


def make(siperb: CommandClient, before: Iterable[AccessToken], arguments: argparse.Namespace) -> AccessToken:
    """A new one; when the answer is lost, what was made all the same is named, as its value is nobody's."""
    try:
        return siperb.create_pat(arguments.name, days=DAYS if arguments.days is None else arguments.days)
    except APIError as error:
        if not error.maybe_done:
            raise
        known = {pat.pat_id for pat in before}
        try:
            after = siperb.get_pats()
        except SiperbError:
            raise error from None
        failure = str(error)
    made = [pat.pat_id for pat in after if pat.name == arguments.name and pat.pat_id not in known]
    user = f" --user {arguments.user}" if arguments.user else ""
    commands = ", ".join(f"`siperb pat revoke {pat_id}{user}`" for pat_id in made)
    outcome = f"The token was made, but its value is lost: {commands}." if made else "No token was made."
    raise CommandError(f"{failure} {outcome}")


@contextlib.contextmanager
def undone(siperb: CommandClient, pat: AccessToken) -> Generator[None, None, None]:
    """Revoke the token when the block fails, as then its value is nobody's."""
    try:
        yield
    except BaseException:
        if pat.pat_id:
            with contextlib.suppress(SiperbError, OSError):
                siperb.delete_pat(pat.pat_id)
                say(f"siperb: the new token {named(pat)} is revoked again.")
        raise


def choose(pats: Sequence[AccessToken], wanted: str) -> AccessToken:
    """By id, or by a name that only one has; `CommandError` when there is none or more than one."""
    for meant in ([pat for pat in pats if pat.pat_id == wanted], [pat for pat in pats if pat.name == wanted]):
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise CommandError(f"More than one token has this name: give the id, of {ids(meant)}.")
    raise CommandError(no_such(pats, wanted))


def no_such(pats: Sequence[AccessToken], wanted: str) -> str:
    near = did_you_mean(wanted, filter(None, (pat.name for pat in pats)))
    return "There is no token of that name" + (near or "; `siperb pat list` shows them.")


def document(pat: AccessToken) -> dict[str, object]:
    return {
        "pat_id": pat.pat_id,
        "name": pat.name,
        "created_at": said(pat, "CreatedAt") or None,
        "expires_at": said(pat, "ExpiresAt") or None,
    }


def said(pat: AccessToken, name: str) -> str:
    """A date as the API says it."""
    value = pat.raw.get(name)
    return value if isinstance(value, str) else ""


def named(pat: AccessToken) -> str:
    return f'"{printable(pat.name or "")}"' + (f" ({printable(pat.pat_id)})" if pat.pat_id else "")


def ids(pats: Iterable[AccessToken]) -> str:
    return ", ".join(pat.pat_id for pat in pats)
