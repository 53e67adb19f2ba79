"""``siperb login``, ``logout``, ``status``, ``switch``: the personal access token in the OS keyring."""

from __future__ import annotations

import os
from typing import Any

from siperb.cache import KeyringCache
from siperb.cli.failures import CREDENTIALS, ERROR, CommandError, sentence
from siperb.cli.masking import mask
from siperb.cli.options import Options
from siperb.cli.session import (
    NO_TOKEN_STORED,
    CommandClient,
    address,
    choose_account,
    client,
    find_token,
    forget,
    keep,
    keyring_told,
    stored_accounts,
)
from siperb.cli.terminal import json_text, read_secret, say, show_table, write
from siperb.errors import APIError, AuthenticationError, SiperbError

PROMPT = "Personal access token (PAT), not shown: "
TIMEOUT = 10.0  # seconds, for the question of `status`, where --timeout says nothing


def login(options: Options) -> int:
    """Keep a personal access token (PAT) in the OS keyring.

    The token is typed without echo, or read from a pipe. It is stored when the API
    has accepted it. Tokens of other accounts stay: `siperb switch` uses one again.

    examples:
      siperb login
      pass show siperb | siperb login
    """
    cache, (base_url, _) = KeyringCache(), address(options)
    with keyring_told("Nothing can be stored:"):
        cache.check()  # before anybody types
    pat = read_secret(PROMPT)
    with client(options, pat) as siperb:
        user_id, email = siperb.login().user_id, _email_of(siperb)
    keep(base_url, cache, pat, user_id, email)
    said = {"base_url": base_url, "user_id": user_id, "email": email or None, "keyring": cache.backend()}
    who = email or f"user {user_id}"
    return _end(options, said, f"Logged in at {base_url} as {who}. The token {mask(pat)} is in {cache.backend()}.")


def switch(options: Options) -> int:
    """Use the stored token of another account, from now on."""
    cache, (base_url, _) = KeyringCache(), address(options)
    account = choose_account(stored_accounts(base_url, cache), options.account)
    if account.pat is None:
        raise CommandError(NO_TOKEN_STORED, CREDENTIALS)
    keep(base_url, cache, account.pat, str(account.user_id), account.email)
    said = {"base_url": base_url, "user_id": account.user_id, "email": account.email or None}
    return _end(options, said, f"Commands at {base_url} now use the account {account.name}.")


def logout(options: Options) -> int:
    """Remove the tokens of every account, and everything cached, from the keyring.

    --account removes those of one account.
    """
    cache, (base_url, _) = KeyringCache(), address(options)
    with keyring_told("Nothing can be removed:"):
        cache.check()  # an empty keyring and one that does not answer look alike
    removed = forget(options, base_url, cache)
    said = {"base_url": base_url, "removed": len(removed)}
    return _end(options, said, f"Removed from the keyring: {_records(removed)}.")


def _end(options: Options, said: dict[str, Any], text: str) -> int:
    if options.json:
        write(json_text(said))
    else:
        say(text)
    for name in ("SIPERB_PAT", "SIPERB_PAT_FILE"):
        if os.environ.get(name):
            say(f"{name} is set, and comes before the keyring: unset it to use the stored token.")
    return 0


def status(options: Options) -> int:
    """Show whose token is used, and where it comes from. It asks the API.

    Exits with 4 when there is no token, or the API refuses it.
    """
    (base_url, said_by), cache = address(options), KeyringCache()
    pat = source = known = problem = keyring_problem = None
    user: dict[str, Any] = {"user_id": None, "name": None, "email": None}
    code = 0
    try:
        known = stored_accounts(base_url, cache)
    except CommandError as error:
        keyring_problem = str(error)
    try:
        pat, source = find_token(options)
        options.timeout = options.timeout or TIMEOUT
        with client(options, pat, max_retries=0) as siperb:
            found = siperb.get_user()
        texts = [value if isinstance(value := found.raw.get(name), str) else None for name in ("Name", "Email")]
        user = dict(zip(user, (found.user_id, *texts), strict=True))
    except (APIError, CommandError) as error:
        problem = sentence(error)
        refused = CREDENTIALS if isinstance(error, AuthenticationError) else 0
        code = refused if pat else ERROR if keyring_problem else CREDENTIALS
    keyring = None if cache.backend() == "keyring.backends.fail.Keyring" else cache.backend()
    said: dict[str, Any] = {"base_url": base_url, "base_url_source": said_by, "token": pat and mask(pat)}
    said |= {"token_source": source, **user, "problem": problem}
    said |= {"keyring": keyring, "keyring_problem": keyring_problem}
    said["accounts"] = known and [
        {"user_id": one.user_id, "email": one.email or None, "in_use": one.is_in_use, "records": len(one.keys)}
        for one in known
    ]
    name = " ".join(filter(None, (user["name"], user["email"] and f"<{user['email']}>"))) or user["user_id"]
    stored = "unknown: run `siperb doctor`" if known is None else _records({key for one in known for key in one.keys})
    fields = [
        ("address", f"{base_url} ({said_by})"),
        ("token", f"{said['token']} ({source})" if pat else problem),
        ("user", name or (pat and f"not checked: {problem}")),
        ("user id", user["user_id"]),
        ("keyring", keyring or "none"),
        ("stored", stored),
        *(("account", one.name + " (in use)" * one.is_in_use) for one in known or () if len(known or ()) > 1),
    ]
    if options.json:
        write(json_text(said))
    else:
        show_table((), [(name, value) for name, value in fields if value])
    return code


def _records(keys: set[Any]) -> str:
    return "nothing" if not keys else "1 record" if len(keys) == 1 else f"{len(keys)} records"


def _email_of(siperb: CommandClient) -> str:
    """The user's, to name the account by; the token is good without it."""
    try:
        email: object = siperb.get_user().raw.get("Email")
    except SiperbError:
        return ""
    return email if isinstance(email, str) and email.isascii() and email.isprintable() and " " not in email else ""
