"""Writes what `siperb … --help` says to build/help, a file for each command that a page under docs/command-line names.

The pages include these files, so they cannot drift from the parsers: `python tests/write_help.py` before a build.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "command-line"
HELP = ROOT / "build" / "help"


def main() -> None:
    HELP.mkdir(parents=True, exist_ok=True)
    for page in PAGES.glob("*.md"):
        for name in re.findall(r'"build/help/(.+)\.txt"', page.read_text(encoding="utf-8")):
            words = [] if name == "siperb" else name.split("-")
            command = [sys.executable, "-m", "siperb", *words, "--help"]
            env = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
            run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            (HELP / f"{name}.txt").write_text(run.stdout or run.stderr, encoding="utf-8")


if __name__ == "__main__":
    main()
