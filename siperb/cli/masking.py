"""Secrets as they may be seen on a screen. Whatever hides one hides it with these two functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from siperb.models import Provisioning, Session

HIDDEN = "•••"
LONG = 32  # characters

_SECRET_NAME = re.compile(
    r"password|passwd|jwt|token|secret|credential|^authorization$|api_?key|siperb-sid|(?:^|_)pin$|(?-i:[a-z]P(?:in|IN)$)",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"\bt[0-9a-f]{64}\b|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=siperb-sid: )\S+|(?<=siperb-sid=)[^\s&]+", re.IGNORECASE
)
KEYS, VALUES = ("Key", "Name"), ("Value", "Default")  # of a setting, or of a header
_DATE_NAME = re.compile(r"(_at|At|_on|On|[Dd]ate|[Ee]xp\w*|[Ii]ssued)$")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z|[+-]\d\d:?\d\d)?)?")

MASKED = "Secrets are masked on a terminal: --reveal shows them, -o FILE and a pipe get them."


def mask(secret: str) -> str:
    """Four characters of either end of a long secret, which tell it from another; nothing of a short one."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= LONG else HIDDEN


def is_secret_name(name: object) -> bool:
    return isinstance(name, str) and bool(_SECRET_NAME.search(name))


def secrets_in(provisioning: Provisioning, session: Session | None) -> list[str | None]:
    """What `mask_all` has to look for in a document that was made of these."""
    return [provisioning.sip_password, provisioning.sip_jwt, session.session_token if session else None]


def mask_all(document: Any, secrets: Iterable[str | None]) -> Any:
    """A JSON document with the secrets masked wherever they stand, and what a secret's name says is one."""
    known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def masked(value: Any, named: bool) -> Any:
        if isinstance(value, Mapping):
            items = cast(Mapping[str, Any], value).items()
            of_secret = VALUES if any(name in KEYS and is_secret_name(inner) for name, inner in items) else ()
            return {
                name: masked(inner, (named or name in of_secret or is_secret_name(name)) and not _is_date(name, inner))
                for name, inner in items
            }
        if isinstance(value, (list, tuple)):
            return [masked(inner, named) for inner in cast("list[Any]", value)]
        if isinstance(value, str) and value:
            hidden = _SECRET_TEXT.sub(lambda found: mask(found[0]), value)
            for secret in known:
                hidden = hidden.replace(secret, mask(secret))
            return mask(value) if named and hidden == value else hidden
        return HIDDEN if named and isinstance(value, (int, float)) and not isinstance(value, bool) else value

    return masked(document, False)


def _is_date(name: str, value: Any) -> bool:
    """A date, and called one: a password may look like a date."""
    return bool(_DATE_NAME.search(name)) and isinstance(value, str) and bool(_DATE.fullmatch(value))
