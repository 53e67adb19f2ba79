"""What a SIP registrar says, in words; and ``siperb provision --check``, which asks it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from siperb.cli.failures import ERROR
from siperb.cli.terminal import printable, say, show, write_json
from siperb.cli.wait import Wait

if TYPE_CHECKING:
    from siperb import Contact, Provisioning, Registration
    from siperb.sync.client import Siperb

SHOWN = 3  # phones


def check_registration(siperb: Siperb, provisioning: Provisioning, arguments: argparse.Namespace) -> int:
    """Show what the registrar says; 0 when it takes the account."""
    from siperb.cli.credentials import address

    base_url, _ = address(arguments)
    with Wait("Waiting for the SIP registrar"):
        registration = siperb.check_registration(provisioning, insecure=is_plain(provisioning, base_url))
    if arguments.json:
        import attrs

        write_json(attrs.asdict(registration))
    else:
        show(printable(outcome(registration)))
        if hint := registration.advice:
            say(printable(f"→ {hint}"))
    return 0 if registration.accepted else ERROR


def is_plain(provisioning: Provisioning, base_url: str) -> bool:
    """Whether the registrar takes ws: that beside a loopback API does, as the API takes http."""
    from siperb.client.network import is_loopback

    return base_url.startswith("http://") and is_loopback(provisioning.sip_wss_server or "")


def outcome(registration: Registration) -> str:
    """One line."""
    phones = registration.contacts
    if not 200 <= registration.status < 300:
        return registration.meaning
    if not phones:
        return "accepted; no phone is registered"
    count = "1 phone" if len(phones) == 1 else f"{len(phones)} phones"
    more = ", …" if len(phones) > SHOWN else ""
    return f"accepted; {count} registered: {', '.join(map(_phone, phones[:SHOWN]))}{more}"


def _phone(contact: Contact) -> str:
    known = [contact.user_agent, None if contact.expires is None else f"{contact.expires} s left"]
    more = ", ".join(text for text in known if text)
    return f"{contact.uri} ({more})" if more else contact.uri
