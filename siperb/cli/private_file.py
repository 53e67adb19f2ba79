"""Writing a file that holds secrets: whole or not at all, and nobody else's to read for an instant."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

from siperb.cli.failures import USAGE, CommandError


class PrivateFile:
    """A file to be written with mode 0600; made early, it says early what stands in the way.

    A symlink is refused: to follow it may hand the secrets to somebody else, to replace it is seldom meant.
    """

    def __init__(self, name: str) -> None:
        if not name:
            raise CommandError("-o needs the name of a file.", USAGE)
        self.path: Path = Path(name)
        with contextlib.suppress(FileNotFoundError):
            mode = self.path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise CommandError(f"{name} is a symbolic link: name the file itself, or remove the link.")
            if not stat.S_ISREG(mode):
                raise CommandError(f"{name} is no regular file: name another, or leave -o out and redirect.")
        if not self.path.parent.is_dir():
            raise CommandError(f"{self.path.parent} is no directory: make it first.")

    def write(self, text: str) -> None:
        """Put the text in its place; what was there before stays when that fails."""
        with self.opened() as file:
            file.write(text)

    @contextlib.contextmanager
    def opened(self) -> Generator[TextIO, None, None]:
        """A file to write to, which takes its place when the block ends well."""
        descriptor, new = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise
