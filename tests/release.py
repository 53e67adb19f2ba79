"""What is released, looked at: `python tests/release.py DIRECTORY [pytest arguments]`, with wheel and sdist in there.

The wheel is used as a newcomer does, and the sdist's own tests are run from it, where there is no git.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

NEEDED = (
    "siperb",
    "tests",
    "examples",
    "docs",
    "mkdocs.yml",
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "pyproject.toml",
    "tox.ini",
)
UNWANTED = re.compile(r"(^|/)(node_modules|__pycache__|dist|\.tox|\.venv|[^/]*\.pyc)(/|$)")


def main(directory: str, *arguments: str) -> None:
    [wheel], [sdist] = Path(directory).glob("*.whl"), Path(directory).glob("*.tar.gz")
    with TemporaryDirectory() as temporary:
        root = unpack(sdist, Path(temporary))
        dated = re.search(r"^## \[(.*)\] - \d{4}-\d\d-\d\d$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
        assert dated, "no version is dated in CHANGELOG.md"
        assert sdist.name == f"siperb-{dated[1]}.tar.gz"
        newcomer = Path(temporary, "newcomer")
        venv.create(newcomer, with_pip=True)
        programs = newcomer / ("Scripts" if os.name == "nt" else "bin")
        run(programs / "python", "-m", "pip", "install", "--quiet", wheel)
        run(programs / "siperb", "demo")
        run(sys.executable, "-m", "pip", "install", "--quiet", "--force-reinstall", wheel)
        run(sys.executable, "-m", "pytest", *arguments, cwd=root)


def unpack(sdist: Path, into: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(into, filter="data")
        names = [name.partition("/")[2] for name in archive.getnames()]
    for needed in NEEDED:
        assert any(name == needed or name.startswith(f"{needed}/") for name in names), f"the sdist has no {needed}"
    assert [name for name in names if UNWANTED.search(name)] == []
    return into / sdist.name.removesuffix(".tar.gz")


def run(*command: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
