"""How thorough the tests are: in CI all the way, elsewhere as far as two minutes for all of them go."""

from __future__ import annotations

import os
import sys

_IN_CI = "CI" in os.environ

EACH = 1 if _IN_CI and sys.version_info[:2] == (3, 11) else 7
"""Of so many instructions one is interrupted; a prime number, so that no loop hides the same ones again and again."""


def examples(count: int) -> int:
    """Of an input, made at random: a part of the `count` that CI tries."""
    return count if _IN_CI else count // 5
