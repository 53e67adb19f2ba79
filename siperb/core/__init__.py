"""The pure core: no socket, no file, no thread, no event loop, no clock, no environment.

What few scripts call is loaded when it is first used, as an attribute of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siperb.core import admin, ensure, operations

__all__ = ["admin", "ensure", "operations"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.{name}")
