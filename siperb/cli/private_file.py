"""Files that hold secrets: whole or not there at all, and never for others to read. Signals remove the unfinished."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from collections.abc import Generator
from types import FrameType
from typing import Any, TextIO

from siperb.cli.failures import USAGE, CommandError, Interrupted
from siperb.cli.options import Options

_GO_ON = {"SIGCHLD", "SIGCONT", "SIGINFO", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGWINCH"}  # they end nothing
_FAULTS = {"SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"}  # to go on after one is to get it again
_unfinished: set[str] = set()


def checked(options: Options) -> str | None:
    """The file of -o, before anything is sent; None for stdout. A symbolic link is refused: others may have made it."""
    name: str | None = options.output
    if name is None or name == "-":
        return None
    if not name:
        raise CommandError("-o needs the name of a file.", USAGE)
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(name).st_mode
        if not stat.S_ISREG(mode):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
            raise CommandError(f"{name} is {kind}: name another, or leave -o out and redirect.")
    if not os.path.isdir(folder := os.path.dirname(name) or "."):
        raise CommandError(f"{folder} is no directory: make it first.")
    return name


@contextlib.contextmanager
def opened(name: str | None) -> Generator[TextIO, None, None]:
    """A file in UTF-8 with mode 0600, which takes its place when the block ends well; stdout for None."""
    if name is None:
        yield sys.stdout
        return
    new = os.path.join(os.path.dirname(name), f".siperb-{os.urandom(8).hex()}")
    _unfinished.add(new)
    try:
        with open(new, "x", encoding="utf-8", newline="\n", opener=lambda n, flags: os.open(n, flags, 0o600)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, name)
    except Interrupted as interrupted:
        interrupted.detail += f": nothing was written to {name}"
        raise
    finally:
        _remove(new)
        _unfinished.discard(new)


def _remove(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


def _end(number: int, frame: FrameType | None) -> None:
    """Remove the files here: a second signal may cut short whatever the first one has begun to unwind."""
    for name in tuple(_unfinished):
        _remove(name)
    raise Interrupted(number)


@contextlib.contextmanager
def ended_by_signals() -> Generator[None, None, None]:
    """Have each signal that would end the process raise `Interrupted`. Ignored ones stay ignored, as with `nohup`."""
    before: dict[int, Any] = {}
    try:
        for number in signal.valid_signals():
            name: str = getattr(number, "name", "")  # a real-time signal has none
            if (
                signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
                and name not in _GO_ON | _FAULTS
            ):
                with contextlib.suppress(OSError, ValueError):  # not ours to handle, or not in this thread
                    before[number] = signal.signal(number, _end)
        yield
    finally:
        for handled, handler in before.items():
            signal.signal(handled, handler)
