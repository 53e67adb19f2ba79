"""``siperb pat``: personal access tokens (PATs). No token is ever good and nobody's."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from siperb.cache import KeyringCache
from siperb.cli import private_file
from siperb.cli.devices import as_user
from siperb.cli.failures import USAGE, CommandError, sentence
from siperb.cli.options import Options, did_you_mean
from siperb.cli.session import CommandClient, address, client, keep, stored_accounts
from siperb.cli.terminal import ask, can_ask, is_terminal, json_text, say, show_list, warn, write
from siperb.errors import APIError, AuthenticationError, NotFoundError, SiperbError

if TYPE_CHECKING:
    from siperb.models import AccessToken


def pat_list(options: Options) -> None:
    """List personal access tokens (PATs) by name. Nobody can read their values."""
    with client(options) as own:
        pats = as_user(own, options).get_pats()
    header = {"pat_id": "ID", "name": "NAME", "created_at": "CREATED", "expires_at": "EXPIRES"}
    empty = "There is no personal access token."
    show_list([_document(pat) for pat in pats], header, empty, as_json=options.json)


def pat_create(options: Options) -> None:
    """Create a personal access token (PAT), into a pipe or -o FILE.

    A terminal gets it only with --reveal: it is shown once.

    example:
      siperb pat create ci --days 30 | gh secret set SIPERB_PAT
    """
    file = _place(options)
    with client(options) as own:
        pat = _hand_over(as_user(own, options), options, options.name, file)
    say(f"Created {_named(pat)}{f', written to {file}, which only you can read' if file else ''}.")


def pat_revoke(options: Options) -> None:
    """Revoke a token: no login with it is possible any more.

    A session that it opened may live on. It asks first; scripts give --yes.
    """
    asks = can_ask(options, "Revoke the token?")
    with client(options) as own:
        siperb = as_user(own, options)
        pat = _choose(siperb, options.name)
        if asks:
            ask(f"Revoke {_named(pat)}?")
        siperb.delete_pat(pat.pat_id)
    if options.json:
        write(json_text({"revoked": pat.pat_id}))
    say(f"Revoked {_named(pat)}. A session that it opened may live on.")


def pat_rotate(options: Options) -> None:
    """Create a new token of the same name, hand it over, then revoke the old one.

    It goes into a pipe or -o FILE, to a terminal only with --reveal. If the keyring
    holds the old one, it gets the new one too.

    example:
      siperb pat rotate ci | gh secret set SIPERB_PAT
    """
    file, (base_url, _), cache = _place(options), address(options), KeyringCache()
    with client(options) as own:
        siperb = as_user(own, options)
        old = _choose(siperb, options.name)
        try:
            known = stored_accounts(base_url, cache)
        except CommandError as error:
            known = []
            warn(str(error))
        held = [one for one in known if _logs_in(options, one.pat)]  # the API does not tell whose value
        new = _hand_over(siperb, options, old.name or "", file)
        said = f"Created {_named(new)}"
        try:
            with contextlib.suppress(NotFoundError):  # somebody else was faster
                siperb.delete_pat(old.pat_id)
        except SiperbError as error:
            text = f"{said}, but the old one lives on: {sentence(error)} Run `siperb pat revoke {old.pat_id}`."
            raise CommandError(text) from None
    said += f", revoked {old.pat_id}."
    gone = [one for one in held if not _logs_in(options, one.pat)]
    for one in gone:
        keep(base_url, cache, str(new.token), one.user_id, one.email, parked=not one.is_in_use)
    keyring = "held the old one, and now holds the new one" if gone else "did not hold the old one, and is unchanged"
    say(f"{said} The keyring {keyring}.")


def _logs_in(options: Options, pat: str) -> bool:
    try:
        with client(options, pat) as siperb:
            siperb.login()
    except AuthenticationError:
        return False
    return True


def _place(options: Options) -> str | None:
    file = private_file.checked(options)
    if not file and is_terminal(sys.stdout) and not options.reveal:
        raise CommandError("The token is shown once, and not on a screen: pipe it, or give -o FILE or --reveal.", USAGE)
    return file


def _hand_over(siperb: CommandClient, options: Options, name: str, file: str | None) -> AccessToken:
    """A new token, written to its place. It is revoked again when that fails: nobody would have it."""
    known = {pat.pat_id for pat in siperb.get_pats()}
    try:
        pat = siperb.create_pat(name, days=options.days)
    except APIError as error:
        if not error.maybe_done:
            raise
        made = [one.pat_id for one in siperb.get_pats() if one.name == name and one.pat_id not in known]
        commands = ", ".join(f"`siperb pat revoke {pat_id}`" for pat_id in made)
        outcome = f"The token was made, but its value is lost: run {commands}." if made else "No token was made."
        raise CommandError(f"{error} {outcome}") from None
    try:
        with private_file.opened(file) as out:
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
    pats = siperb.get_pats()
    for meant in ([pat for pat in pats if pat.pat_id == wanted], [pat for pat in pats if pat.name == wanted]):
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise CommandError(f"Several tokens have this name. Give an id: {', '.join(pat.pat_id for pat in meant)}.")
    near = did_you_mean(wanted, filter(None, (pat.name for pat in pats)))
    raise CommandError("There is no token of that name" + (near or ": `siperb pat list` shows them."))


def _document(pat: AccessToken) -> dict[str, object]:
    dates = {"created_at": pat.raw.get("CreatedAt"), "expires_at": pat.raw.get("ExpiresAt")}
    return {"pat_id": pat.pat_id, "name": pat.name, **dates}


def _named(pat: AccessToken) -> str:
    return f'"{pat.name or ""}" ({pat.pat_id})'
