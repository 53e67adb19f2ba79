"""Lists in pages: the header `X-Next-Token` of one page is the query's `nextToken` of the next."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import parse_qs

T = TypeVar("T")


def page(items: Sequence[T], query: str, size: int | None) -> tuple[Sequence[T], str | None]:
    """The items of the page that the query asks for, of `size` at most, and the token of the next page.

    None is the token behind the last page, and the `size` of a list in one. ValueError for a token that this list
    never gave out: the API answers 400.
    """
    tokens = parse_qs(query, keep_blank_values=True).get("nextToken", [])
    start = _start(tokens[0]) if tokens else 0
    if tokens and not 0 < start < len(items):
        raise ValueError("no page of this list begins there")
    end = len(items) if size is None else start + size
    return items[start:end], _token(end) if end < len(items) else None


def _token(start: int) -> str:
    """Opaque, and of no use unless it is quoted."""
    return f"{base64.b64encode(f'page {start}'.encode()).decode()}/+&=%2B"


def _start(token: str) -> int:
    head = token.removesuffix("/+&=%2B")
    if head == token:
        raise ValueError("no token of this API: it was not quoted, or is made up")
    _, _, start = base64.b64decode(head, validate=True).decode().partition(" ")
    return int(start)
