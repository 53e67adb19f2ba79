"""``siperb pat``: personal access tokens (PATs). No token is ever good and nobody's."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from attrs import evolve

from siperb.cache import KeyringCache
from siperb.cli import secrets
from siperb.cli.devices import as_user
from siperb.cli.failures import USAGE, CommandError, choose, sentence
from siperb.cli.parser import Options
from siperb.cli.session import CommandClient, address, client, keep, stored_accounts
from siperb.cli.terminal import ask, is_terminal, json_text, say, show_list, write
from siperb.errors import AuthenticationError, NotFoundError, SiperbError

if TYPE_CHECKING:
    from siperb.models import AccessToken, NewAccessToken


def pat_list(options: Options) -> None:
    with client(options) as own:
        pats = as_user(own, options).get_pats()
    header = {"pat_id": "ID", "name": "NAME", "created_at": "CREATED", "expires_at": "EXPIRES"}
    empty = "There is no personal access token."
    show_list([_document(pat) for pat in pats], header, empty, as_json=options.json)


def pat_create(options: Options) -> None:
    """A terminal gets it only with --reveal: it is shown once.

    example: siperb pat create ci --days 30 | gh secret set SIPERB_PAT
    """
    file = _place(options)
    with client(options) as own:
        pat = _hand_over(as_user(own, options), options, options.name, file)
    say(f"Created {_named(pat)}{f', written to {file}, which only you can read' if file else ''}.")


def pat_revoke(options: Options) -> None:
    """Nobody can log in with it any more. A session that it opened may live on.
    It asks first; scripts give --yes.
    """
    with client(options) as own:
        siperb = as_user(own, options)
        pat = _choose(siperb, options.name)
        ask(f"Revoke {_named(pat)}?", options)
        siperb.delete_pat(pat.pat_id)
    if options.json:
        write(json_text({"revoked": pat.pat_id}))
    say(f"Revoked {_named(pat)}. A session that it opened may live on.")


def pat_rotate(options: Options) -> None:
    """The new one has the same name, and goes into a pipe or -o FILE, to a terminal
    only with --reveal. If the keyring holds the old one, it gets the new one too.

    example: siperb pat rotate ci | gh secret set SIPERB_PAT
    """
    file, (base_url, _), cache = _place(options), address(options), KeyringCache()
    with client(options) as own:
        siperb = as_user(own, options)
        old = _choose(siperb, options.name)
        held = [one for one in stored_accounts(base_url, cache) if _logs_in(options, one.pat)]
        new = _hand_over(siperb, options, old.name or "", file)
        try:
            with contextlib.suppress(NotFoundError):  # somebody else was faster
                siperb.delete_pat(old.pat_id)
        except SiperbError as error:
            text = f"Created {_named(new)}, but the old one lives on: {sentence(error)}"
            raise CommandError(f"{text} Run `siperb pat revoke {old.pat_id}`.") from None
    gone = [one for one in held if not _logs_in(options, one.pat)]
    for one in gone:
        keep(base_url, cache, evolve(one, pat=new.token))
    keyring = "held the old one, and now holds the new one" if gone else "did not hold the old one, and is unchanged"
    say(f"Created {_named(new)}, revoked {old.pat_id}. The keyring {keyring}.")


def _logs_in(options: Options, pat: str) -> bool:
    try:
        with client(options, pat) as siperb:
            siperb.login()
    except AuthenticationError:
        return False
    return True


def _place(options: Options) -> str | None:
    file = secrets.checked(options)
    if not file and is_terminal(sys.stdout) and not options.reveal:
        raise CommandError("The token is shown once, and not on a screen: pipe it, or give -o FILE or --reveal.", USAGE)
    return file


def _hand_over(siperb: CommandClient, options: Options, name: str, file: str | None) -> NewAccessToken:
    """A new token, written to its place. It is revoked again when that fails: nobody would have it."""
    pat = siperb.create_pat(name, days=options.days)
    try:
        with secrets.opened(file) as out:
            out.write(json_text({**_document(pat), "token": pat.token}) if options.json else f"{pat.token}\n")
            out.flush()
    except BaseException:
        with contextlib.suppress(SiperbError, OSError):
            siperb.delete_pat(pat.pat_id)
            say(f"The new token {_named(pat)} is revoked again.")
        raise
    return pat


def _choose(siperb: CommandClient, wanted: str) -> AccessToken:
    """By id, or by a name that only one has."""
    return choose("token", wanted, [(pat, _named(pat), (pat.name, pat.pat_id)) for pat in siperb.get_pats()])


def _document(pat: AccessToken) -> dict[str, object]:
    dates = {"created_at": pat.raw.get("CreatedAt"), "expires_at": pat.raw.get("ExpiresAt")}
    return {"pat_id": pat.pat_id, "name": pat.name, **dates}


def _named(pat: AccessToken) -> str:
    return f'"{pat.name or ""}" ({pat.pat_id})'
