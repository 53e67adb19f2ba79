"""``siperb login``, ``logout``, ``status``, ``switch``: the personal access token in the OS keyring."""

from __future__ import annotations

import os
from typing import Any

from siperb.cache import KeyringCache
from siperb.cli import session
from siperb.cli.devices import text
from siperb.cli.failures import CREDENTIALS, ERROR, CommandError, sentence
from siperb.cli.masking import mask
from siperb.cli.options import Options
from siperb.cli.terminal import json_text, read_secret, say, show_table, write
from siperb.errors import APIError, AuthenticationError, SiperbError

PROMPT = "Personal access token (PAT), not shown: "
TIMEOUT = 10.0  # seconds, for the question of `status`, where --timeout says nothing


def login(options: Options) -> None:
    """Keep a personal access token (PAT) in the OS keyring.

    The token is typed without echo, or read from a pipe. It is stored when the API
    has accepted it. Tokens of other accounts stay: `siperb switch` uses one again.

    examples:
      siperb login
      pass show siperb | siperb login
    """
    cache, (base_url, _) = KeyringCache(), session.address(options)
    with session.keyring_told("Nothing can be stored."):
        cache.check()  # before anybody types
    pat = read_secret(PROMPT)
    with session.client(options, pat) as siperb:
        user_id, email = siperb.login().user_id, _email_of(siperb)
    session.keep(base_url, cache, pat, user_id, email)
    said = {"base_url": base_url, "user_id": user_id, "email": email or None, "keyring": cache.backend()}
    who = email or f"user {user_id}"
    _end(options, said, f"Logged in at {base_url} as {who}. The token {mask(pat)} is in {cache.backend()}.")


def switch(options: Options) -> None:
    """Use the stored token of another account, from now on."""
    cache, (base_url, _) = KeyringCache(), session.address(options)
    account = session.choose_account(session.stored_accounts(base_url, cache), options.account)
    session.keep(base_url, cache, account.pat, account.user_id, account.email)
    said = {"base_url": base_url, "user_id": account.user_id, "email": account.email or None}
    _end(options, said, f"Commands at {base_url} now use the account {account.name}.")


def logout(options: Options) -> None:
    """Remove the tokens of every account, and everything cached, from the keyring.

    --account removes those of one account.
    """
    cache, (base_url, _) = KeyringCache(), session.address(options)
    with session.keyring_told("Nothing can be removed."):
        cache.check()  # an empty keyring and one that does not answer look alike
    removed = session.forget(options, base_url, cache)
    text = f"{removed} record{'' if removed == 1 else 's'}" if removed else "nothing, as it held nothing"
    _end(options, {"base_url": base_url, "removed": removed}, f"Removed from the keyring: {text}.")


def _end(options: Options, said: dict[str, Any], text: str) -> None:
    if options.json:
        write(json_text(said))
    else:
        say(text)
    for name in ("SIPERB_PAT", "SIPERB_PAT_FILE"):
        if os.environ.get(name):
            say(f"{name} is set, and comes before the keyring: unset it to use the stored token.")


def status(options: Options) -> int:
    """Show whose token is used, and where it comes from. It asks the API.

    Exits with 4 when there is no token, or the API refuses it.
    """
    (base_url, said_by), cache = session.address(options), KeyringCache()
    pat = source = problem = keyring_problem = user = None
    known: list[session.Account] = []
    code = 0
    try:
        known = session.stored_accounts(base_url, cache)
    except CommandError as error:
        keyring_problem = str(error)
    try:
        pat, source = session.find_token(options)
        options.timeout = options.timeout or TIMEOUT
        with session.client(options, pat, max_retries=0) as siperb:
            user = siperb.get_user()
    except (APIError, CommandError) as error:
        problem = sentence(error)
        code = (
            CREDENTIALS
            if isinstance(error, AuthenticationError)
            else 0
            if pat
            else ERROR
            if keyring_problem
            else CREDENTIALS
        )
    keyring = None if cache.backend() == "keyring.backends.fail.Keyring" else cache.backend()
    texts = [text(user.raw.get(name)) if user else None for name in ("Name", "Email")]
    said: dict[str, Any] = {"base_url": base_url, "base_url_source": said_by, "token": pat and mask(pat)}
    said |= {"token_source": source, "user_id": user and user.user_id, "name": texts[0], "email": texts[1]}
    said |= {"problem": problem, "keyring": keyring, "keyring_problem": keyring_problem}
    said["accounts"] = [{"user_id": one.user_id, "email": one.email or None, "in_use": one.is_in_use} for one in known]
    fields = [
        ("address", f"{base_url} ({said_by})"),
        ("token", f"{said['token']} ({source})" if pat else problem),
        ("user", " ".join(filter(None, texts)) or (pat and problem and f"not checked: {problem}")),
        ("user id", said["user_id"]),
        ("keyring", f"{keyring or 'none'}{': run `siperb doctor`' if keyring_problem else ''}"),
        *(("account", f"{one.name}{' (in use)' if one.is_in_use else ''}") for one in known),
    ]
    if options.json:
        write(json_text(said))
    else:
        show_table((), [(name, value) for name, value in fields if value])
    return code


def _email_of(siperb: session.CommandClient) -> str:
    """The user's, to name the account by; the token is good without it."""
    try:
        email: object = siperb.get_user().raw.get("Email")
    except SiperbError:
        return ""
    return email if isinstance(email, str) and email.isascii() and email.isprintable() and " " not in email else ""
