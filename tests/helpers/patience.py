"""Python in a process of its own, where a keyring has a minute: how fast a busy machine imports it is not tested."""

from __future__ import annotations

import sys

PATIENCE = 60.0  # seconds

_PRELUDE = f"""
from siperb.cache import KeyringCache as _Cache
_Cache.__init__.__kwdefaults__["timeout"] = {PATIENCE}
"""
_RUN = """
import runpy, sys
kind, what = sys.argv[1:3]
sys.argv[1:3] = []
if kind == "-m":
    runpy.run_module(what, run_name="__main__", alter_sys=True)
else:
    sys.argv[0] = what
    runpy.run_path(what, run_name="__main__")
"""


def patient_python(kind: str, what: str, *arguments: str) -> list[str]:
    """The command for ``-c`` and code, ``-m`` and a module, or ``script`` and a path; warnings are errors."""
    code, rest = (_PRELUDE + what, []) if kind == "-c" else (_PRELUDE + _RUN, [kind, what])
    return [sys.executable, "-W", "error", "-c", code, *rest, *arguments]
