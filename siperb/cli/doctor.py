"""``siperb doctor``: what works, what does not, and what to do. The library's own errors say what is wrong."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from siperb import sip
from siperb.cache import KeyringCache
from siperb.cli import session
from siperb.cli.devices import NO_DEVICE, as_user, choose_device
from siperb.cli.failures import CREDENTIALS, ERROR, KNOWN, CommandError, exit_code_of, sentence
from siperb.cli.parser import Options
from siperb.cli.secrets import mask
from siperb.cli.terminal import is_terminal, json_text, say, show_table, write
from siperb.errors import CacheError

TIMEOUT = 10.0  # seconds for one call, where --timeout says nothing
NAMES = ("address", "keyring", "token", "login", "devices", "provisioning", "registration")
COLOURS = {"ok": "green", "failed": "red", "skipped": "dim"}


def doctor(options: Options) -> int:
    """It checks the address and its proxy, the keyring, the token, a login, the
    devices, the provisioning of the first one or of --device, and whether the SIP
    registrar accepts it. It disturbs no phone and shows no secret.

    Exits with 4 when only the credentials are to blame, else with 1.
    """
    options.timeout = options.timeout or TIMEOUT
    findings: list[dict[str, Any]] = []
    code, cause = 0, ""
    with contextlib.ExitStack() as stack:
        checks = _checks(options, stack)
        for name in NAMES:
            try:
                status, detail = ("skipped", f"because of the {cause}") if cause else next(checks)
            except Exception as error:
                status, cause, code = "failed", name, CREDENTIALS if exit_code_of(error) == CREDENTIALS else ERROR
                # The text of an unknown error may hold a secret.
                detail = sentence(error) if isinstance(error, KNOWN) else f"{type(error).__name__}: please report it."
            findings.append({"name": name, "status": status, "detail": detail})
            if not options.json and is_terminal(sys.stdout):
                say(f"{name:14}{detail}", mark=f"{status:9}", style=COLOURS[status], stream=sys.stdout)
            elif not options.json:
                show_table((), [(status, name, detail)])
    if options.json:
        write(json_text({"ok": not code, "checks": findings}))
    elif not code:
        say("All is well.")
    return code


def _checks(options: Options, stack: contextlib.ExitStack) -> Iterator[tuple[str, str]]:
    """Status and detail of each of `NAMES`; an exception for one that fails, with which all ends."""
    base_url, source = session.address(options)
    proxy = urlsplit(session.environment_proxy(base_url) or "")  # user and password are not shown
    through = f" through the proxy {proxy.hostname}:{proxy.port or 80}" if proxy.hostname else ""
    yield "ok", f"{base_url} ({source}){through}"

    cache, found = KeyringCache(), None if options.account is not None else session.environment_token()
    try:
        cache.check()
    except CacheError as error:
        if not found:
            raise
        yield "skipped", f"not needed, as the token comes from {found[1]}. {error}"
    else:
        yield "ok", f"{cache.backend()} stores and reads"

    pat, source = session.find_token(options)
    own = stack.enter_context(session.client(options, pat, max_retries=0))
    yield "ok", f"{mask(pat)} from {source}"

    yield "ok", f"user {own.login().user_id}"

    siperb = as_user(own, options)
    devices = siperb.get_devices()
    if not devices:
        raise CommandError(NO_DEVICE)
    device = choose_device(devices, options.device or "#1")
    yield "ok", f"{len(devices)} script device{'s' if len(devices) > 1 else ''}"

    phone = siperb.get_provisioning(device.device_token)
    sip.check(phone)  # names what is missing
    expires = phone.jwt_expires_at
    if expires and expires <= datetime.now(timezone.utc):
        raise CommandError(f"The JWT ended at {expires:%Y-%m-%d %H:%M} UTC: check this computer's clock.")
    jwt = f"JWT good until {expires:%Y-%m-%d %H:%M} UTC" if expires else "no JWT"
    yield "ok", f'"{device.description or "no description"}" is complete, {jwt}'

    host, is_plain = phone.sip_wss_server or "", base_url.startswith("http://")
    if is_plain and host.endswith(".example"):  # a domain that never resolves (RFC 2606)
        yield "skipped", f"{host} is made up: the API is a loopback one"
        return
    said = siperb.check_registration(phone, insecure=is_plain and session.is_loopback(host))
    if not said.accepted:
        raise CommandError(f"{said.meaning}: {said.advice}.")
    phones = [f"{one.uri} ({one.user_agent or 'unknown phone'})" for one in said.contacts]
    yield "ok", f"accepted; registered: {', '.join(phones[:3]) or 'no phone'}{', …' if len(phones) > 3 else ''}"
