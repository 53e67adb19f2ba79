"""Writing a file that holds secrets: whole or not at all, and nobody else's to read for an instant."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import stat
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from siperb.cli.failures import USAGE, CommandError, Interrupted
from siperb.cli.terminal import say

_DO_NOT_END = {"SIGCHLD", "SIGCONT", "SIGINFO", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGWINCH"}
_FAULTS = {"SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"}  # to go on after one means to have it again


class PrivateFile:
    """A file to be written with mode 0600; made early, it says early what stands in the way.

    A symlink is refused: to follow it may hand the secrets to somebody else, to replace it is seldom meant.
    is_written: whether the text is in its place.
    """

    def __init__(self, name: str) -> None:
        if not name:
            raise CommandError("-o needs the name of a file.", USAGE)
        self.path: Path = Path(name)
        self.is_written: bool = False
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
        new = self.path.with_name(f".siperb-{secrets.token_hex(8)}")
        with _removed_by_signals(new):
            try:
                with open(new, "x", encoding="utf-8", newline="\n", opener=_private) as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(new, self.path)
                self.is_written = True
            except BaseException:
                _remove(new)
                raise


@contextlib.contextmanager
def told_when_interrupted(file: PrivateFile | None, after: Callable[[], str] = str) -> Generator[None, None, None]:
    """Say what has become of the file, and after how much, when a signal ends the block."""
    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be what has gone
            outcome = "" if not file else f": {'' if file.is_written else 'nothing is '}written to {file.path}"
            say(f"siperb: interrupted{after()}{outcome}.")
        raise


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(file)


@contextlib.contextmanager
def _removed_by_signals(file: Path) -> Generator[None, None, None]:
    """Meanwhile a signal that would end the process removes the file first, then raises `Interrupted`.

    The handler removes it, as a second signal may cut short whatever the first one has begun to unwind. What the
    process was started to ignore (`nohup`) stays ignored.
    """

    def end(number: int, frame: FrameType | None) -> None:
        _remove(file)
        raise Interrupted(number)

    before: dict[int, Any] = {}
    try:
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if handler in (signal.SIG_DFL, signal.default_int_handler) and _ends_the_process(number):
                with contextlib.suppress(OSError, ValueError):  # not for us to handle, or not in this thread
                    before[number] = signal.signal(number, end)
        yield
    finally:
        for handled, handler in before.items():
            signal.signal(handled, handler)


def _ends_the_process(number: int) -> bool:
    with contextlib.suppress(ValueError):  # a real-time signal has no name
        return signal.Signals(number).name not in _DO_NOT_END | _FAULTS
    return True
