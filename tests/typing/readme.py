"""What a reader's type checker says of README.md's Python: pyright, as it is without any configuration, finds nothing.

`python tests/typing/readme.py` runs it on every block, each in a file named after its line.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

README = Path(__file__).parents[2] / "README.md"


def main() -> int:
    text = README.read_text(encoding="utf-8")
    with TemporaryDirectory() as directory:
        for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: block.start()].count("\n") + 1
            Path(directory, f"readme_line_{line}.py").write_text(block[1], encoding="utf-8")
        command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--warnings", directory]
        return subprocess.run(command, cwd=directory, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
