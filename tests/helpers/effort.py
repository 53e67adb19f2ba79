"""How thorough the tests are: in CI, on one Python, far; elsewhere as far as two minutes go."""

from __future__ import annotations

import os
import sys

_IS_ALL = "CI" in os.environ and sys.version_info[:2] == (3, 11)

EACH = 3 if _IS_ALL else 7
"""Of so many instructions one is interrupted; a prime number, so that no loop hides the same ones again and again."""


def examples(count: int) -> int:
    """Of an input, made at random: a part of the `count` that is tried all the way."""
    return count if _IS_ALL else count // 5
