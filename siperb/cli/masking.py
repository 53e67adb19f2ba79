"""Secrets as a screen may show them. Everything that hides a secret uses these functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

LONG = 32  # characters
MASKED = "Secrets are masked on a terminal. --reveal shows them; a pipe gets them."

# Anywhere in a name, its words joined ("X-Api-Key" is "xapikey"); and the last word of one.
_ANYWHERE = re.compile("passw|passphrase|passcode|jwt|token|secret|credential|apikey|privatekey|accesskey|cookie")
_LAST = {"auth", "authorization", "bearer", "ha1", "pass", "pin", "pwd", "sid", "signature"}
_SECRET_TEXT = re.compile(
    r"\bt[0-9a-f]{64}\b|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=siperb-sid: )\S+|(?<=siperb-sid=)[^\s&]+", re.IGNORECASE
)
_DATES = {"at", "on", "date", "time", "ts", "issued", "created", "updated", "changed", "used", "seen"}  # last words
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z|[+-]\d\d:?\d\d)?)?")


def mask(secret: str) -> str:
    """Four characters of either end of a long secret, which tell it from another; nothing of a short one."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= LONG else "•••"


def is_secret_name(name: object) -> bool:
    words = _words(name)
    return bool(words) and (words[-1] in _LAST or bool(_ANYWHERE.search("".join(words))))


def _words(name: object) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*", str(name)[:200])]


def mask_all(document: Any, secrets: Iterable[str | None]) -> Any:
    """Return a JSON document with these secrets masked wherever they stand, and every value that its name calls one."""
    known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def masked(value: Any, named: bool) -> Any:
        if isinstance(value, Mapping):
            value = cast(Mapping[str, Any], value)
            is_secret = any(is_secret_name(value.get(key)) for key in ("Key", "Name"))  # of a setting, or of a header
            return {
                name: masked(inner, _is_hidden(name, inner, named or (is_secret and name in ("Value", "Default"))))
                for name, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [masked(inner, named) for inner in cast(list[Any], value)]
        if isinstance(value, str) and value:
            hidden = _SECRET_TEXT.sub(lambda found: mask(found[0]), value)
            for secret in known:
                hidden = hidden.replace(secret, mask(secret))
            return mask(value) if named and hidden == value else hidden
        return "•••" if named and isinstance(value, (int, float)) and not isinstance(value, bool) else value

    return masked(document, False)


def _is_hidden(name: object, value: Any, named: bool) -> bool:
    """Whether the name calls it a secret. A date, and called one, is none: a password may look like a date."""
    words = _words(name)
    is_date = bool(words) and (words[-1] in _DATES or any(word.startswith("exp") for word in words))
    is_date = is_date and (
        1e9 <= value < 1e13 if isinstance(value, (int, float)) else bool(_DATE.fullmatch(str(value)))
    )
    return (named or is_secret_name(name)) and not is_date
