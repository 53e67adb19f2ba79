"""What the facades accept as arguments: each check raises `ConfigurationError`, before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import NoneType

from siperb.core.wire import check_token, not_a_str, path_part
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
        raise not_a_str(name, value)
    return value if enable_cache else None


def pat_of_environment() -> str | None:
    """``SIPERB_PAT``, without the line break that a mounted secret ends in; None when it is empty or not set."""
    return os.environ.get("SIPERB_PAT", "").rstrip("\r\n") or None


def check_kind(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__}, not {_given(value)}.")


def check_cache(cache: object) -> None:
    methods = "load", "save", "evict", "forget"
    if isinstance(cache, type) or not all(callable(getattr(cache, name, None)) for name in methods):
        raise ConfigurationError(
            f"cache must be an object with the methods {', '.join(methods)}, as MemoryCache() is, not {_given(cache)}."
        )


def _given(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def check_bulk(device_tokens: object, concurrency: object) -> None:
    """Raise `ConfigurationError` for what `provision_all` cannot use."""
    if isinstance(device_tokens, (str, bytes)) or not isinstance(device_tokens, (Iterable, NoneType)):
        raise ConfigurationError("Pass the device tokens as a list, or None for every script device of the user.")
    count("concurrency", concurrency, 1, MOST_CALLS)


def count(name: str, value: object, least: int, most: int = 10**9) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most:,}.")
    return value
