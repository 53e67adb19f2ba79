"""``siperb login``, ``logout``, ``status``, ``switch``: the personal access token in the OS keyring."""

from __future__ import annotations

import os
from typing import Any

from attrs import evolve

from siperb.cache import KeyringCache
from siperb.cli import session
from siperb.cli.devices import text
from siperb.cli.failures import CommandError, exit_code_of, sentence
from siperb.cli.parser import Options
from siperb.cli.secrets import mask
from siperb.cli.terminal import json_text, read_secret, say, show_table, write
from siperb.errors import AuthenticationError, CacheError, SiperbError

PROMPT = "Personal access token (PAT), not shown: "
TIMEOUT = 10.0  # seconds, for the question of `status`, where --timeout says nothing


def login(options: Options) -> None:
    """The token is typed without echo, or read from a pipe. It is stored when the API
    has accepted it. Tokens of other accounts stay: `siperb switch` uses one again.

    example: pass show siperb | siperb login
    """
    cache, (base_url, _) = KeyringCache(), session.address(options)
    cache.check()  # before anybody types
    pat = read_secret(PROMPT)
    with session.client(options, pat) as siperb:
        account = session.Account(siperb.login().user_id, text(siperb.get_user().raw.get("Email")) or "", pat, True)
    session.keep(base_url, cache, account)
    said = {"base_url": base_url, **_document(account), "keyring": cache.backend()}
    _end(options, said, f"Logged in at {base_url} as {account.name}. The token {mask(pat)} is in {cache.backend()}.")


def switch(options: Options) -> None:
    cache, (base_url, _) = KeyringCache(), session.address(options)
    account = session.choose_account(session.stored_accounts(base_url, cache), options.account)
    session.keep(base_url, cache, evolve(account, is_in_use=True))
    said = {"base_url": base_url, **_document(account)}
    _end(options, said, f"Commands at {base_url} now use the account {account.name}.")


def logout(options: Options) -> None:
    """It removes those of every account, or of --account."""
    cache, (base_url, _) = KeyringCache(), session.address(options)
    cache.check()  # an empty keyring and one that does not answer look alike
    removed = session.forget(options, base_url, cache)
    _end(options, {"base_url": base_url, "removed": removed}, f"Records removed from the keyring: {removed}.")


def _end(options: Options, said: dict[str, Any], sentence: str) -> None:
    if options.json:
        write(json_text(said))
    else:
        say(sentence)
    for name in ("SIPERB_PAT", "SIPERB_PAT_FILE"):
        if os.environ.get(name):
            say(f"{name} is set, and comes before the keyring: unset it to use the stored token.")


def status(options: Options) -> int:
    """It asks the API. Exits with 4 when there is no token, or the API refuses it."""
    (base_url, said_by), cache = session.address(options), KeyringCache()
    pat = source = problem = keyring_problem = user = None
    known: list[session.Account] = []
    code = 0
    try:
        known = session.stored_accounts(base_url, cache)
    except CacheError as error:
        keyring_problem = str(error)
    try:
        pat, source = session.find_token(options)
        options.timeout = options.timeout or TIMEOUT
        with session.client(options, pat, max_retries=0) as siperb:
            user = siperb.get_user()
    except (SiperbError, CommandError) as error:
        code = 0 if pat and not isinstance(error, AuthenticationError) else exit_code_of(error)
        problem = sentence(error) if code else f"The token was not checked. {sentence(error)}"
    keyring = None if cache.backend() == "keyring.backends.fail.Keyring" else cache.backend()
    said: dict[str, Any] = {"base_url": base_url, "base_url_source": said_by, "token": pat and mask(pat)}
    said |= {"token_source": source, "user_id": user and user.user_id}
    said |= {name.lower(): text(user.raw.get(name)) if user else None for name in ("Name", "Email")}
    said |= {"problem": problem, "keyring": keyring, "keyring_problem": keyring_problem}
    if options.json:
        write(json_text({**said, "accounts": [{**_document(one), "in_use": one.is_in_use} for one in known]}))
        return code
    rows = [(name.replace("_", " "), str(value)) for name, value in said.items() if value]
    show_table((), rows + [("account", f"{one.name}{' (in use)' if one.is_in_use else ''}") for one in known])
    return code


def _document(account: session.Account) -> dict[str, object]:
    return {"user_id": account.user_id, "email": account.email or None}
