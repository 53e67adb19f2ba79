"""What the facades accept as arguments: each check raises `ConfigurationError`, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType

from siperb.core.wire import check_token, path_part
from siperb.errors import ConfigurationError
from siperb.models import Session

MOST_CALLS = 1000  # at a time


def given_session(user_id: str | None, session_token: str | None) -> Session | None:
    if user_id is None and session_token is None:
        return None
    if user_id is None or session_token is None:
        raise ConfigurationError("Pass user_id and session_token together, or neither to use the client's own session.")
    path_part("user_id", user_id)
    return Session(user_id, check_token("session_token", session_token))


def cache_key_of(name: str, value: object, enable_cache: bool) -> str | None:
    if not isinstance(value, str):
        raise ConfigurationError(f"The {name} must be a str, not {type(value).__name__}.")
    return value if enable_cache else None


def check_bulk(device_tokens: object, concurrency: object) -> None:
    """Raise `ConfigurationError` for what `provision_all` cannot use."""
    if isinstance(device_tokens, (str, bytes)) or not isinstance(device_tokens, (Iterable, NoneType)):
        raise ConfigurationError("Pass the device tokens as a list, or None for every script device of the user.")
    count("concurrency", concurrency, 1, MOST_CALLS)


def count(name: str, value: object, least: int, most: int = 10**9) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most:,}.")
    return value
