"""Whom to call: a number, or an address."""

from __future__ import annotations

import re
from typing import cast

from siperb.errors import ConfigurationError
from siperb.sip.fields import escape


def address_of(target: str, domain: str) -> str:
    """Return the SIP address of a user of the domain, or of whoever has another address.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(cast(object, target), str) or not re.fullmatch(r"[^\x00-\x20\x7f<>\"]{1,255}", target):
        raise ConfigurationError('The target is no address: give a number, a user, or "sip:user@domain".')
    if re.match(r"(?i)sips?:", target):
        if not re.fullmatch(r"(?i)sips?:([!-~]+@)?[\w.:\[\]-]+([;?][!-~]*)?", target, re.ASCII):
            raise ConfigurationError('The target is no SIP address: give it as "sip:user@domain".')
        return target
    user, _, host = target.partition("@")
    if "@" in target and not re.fullmatch(r"[\w.:\[\]-]+", host, re.ASCII):
        raise ConfigurationError('The target is no SIP address: give it as "sip:user@domain".')
    return f"sip:{escape(user)}@{host or domain}"
