"""What the facades accept as arguments: each check raises `ConfigurationError`, before anything is sent."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import TypeVar, cast

from siperb.core.wire import check_token, not_a_str, path_part
from siperb.errors import ConfigurationError, MissingCredentialsError
from siperb.models import Session

MOST_CALLS = 1000  # at a time
LARGEST_PAT_FILE = 65536  # bytes

Item = TypeVar("Item")
T = TypeVar("T")


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
    """Return the PAT of ``SIPERB_PAT``, else of the file that ``SIPERB_PAT_FILE`` names; None without either.

    Raises:
        MissingCredentialsError: The file holds no token. Its content is not in the message.
    """
    if pat := os.environ.get("SIPERB_PAT", "").rstrip("\r\n"):  # a mounted secret ends in a line break
        return check_token("PAT in SIPERB_PAT", pat)
    name = os.environ.get("SIPERB_PAT_FILE")
    return _pat_in(name) if name else None


def _pat_in(name: str) -> str:
    try:
        with open(name, "rb") as file:
            pat = decode_secret(file.read(LARGEST_PAT_FILE))
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        problem = "it is not a text file"
    else:
        if len(pat.split()) == 1:
            return check_token("PAT in the file of SIPERB_PAT_FILE", pat)
        problem = "it holds more than a token" if pat else "it is empty"
    raise MissingCredentialsError(f"SIPERB_PAT_FILE names {name}: {problem}. Write the token alone into that file.")


def decode_secret(data: bytes) -> str:
    """Return a secret without blanks around it. A byte order mark, as PowerShell and Notepad write, names the encoding.

    Raises:
        UnicodeDecodeError: The bytes are not text.
    """
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_utf16 else "utf-8-sig").strip()


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


def iterable(name: str, value: Iterable[T]) -> Iterable[T]:
    if isinstance(value, (str, bytes)) or not isinstance(cast(object, value), Iterable):
        raise ConfigurationError(f"{name} must be a list or another iterable, not {_given(value)}.")
    return value


def check_concurrency(value: object) -> int:
    return count("concurrency", value, 1, MOST_CALLS)


def check_work(work: Callable[[Item], T], *, is_async: bool) -> Callable[[Item], T]:
    if not callable(cast(object, work)):
        raise ConfigurationError(f"work must be a function that takes an item, not {_given(work)}.")
    if is_async != any(map(iscoroutinefunction, (work, type(work).__call__))):
        wanted, other = ("an async", "Siperb") if is_async else ("a plain", "AsyncSiperb")
        raise ConfigurationError(f"work must be {wanted} function here; the other kind is for {other}.bulk().")
    return work


def count(name: str, value: object, least: int, most: int = 10**9) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most:,}.")
    return value
