"""One process at a time: gnome-keyring-daemon aborts when several call it at once, and an index would lose names.

The lock is a file without content, held until it is closed, or until the process ends, however it ends.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def exclusive() -> Generator[bool, None, None]:
    """Wait, for as long as it takes, until no other process of this user is in here; whether a lock is held.

    Where there can be no lock, a cache that may lose a name is better than no cache.
    """
    lock = next((lock for lock in map(_opened, _directories()) if lock is not None), None)
    try:
        yield lock is not None and _is_locked(lock)
    finally:
        if lock is not None:
            os.close(lock)


def _directories() -> list[str]:
    """Where all processes of this user look. The last is the user's own on Windows, and everybody's elsewhere."""
    if sys.platform == "win32":
        return [tempfile.gettempdir()]
    own = f"/run/user/{os.getuid()}"
    return [os.environ.get("XDG_RUNTIME_DIR") or own, own, tempfile.gettempdir()]


def _opened(directory: str) -> int | None:
    """This user's lock file; None where there can be none, or where another user has put one in its place."""
    user = 0 if sys.platform == "win32" else os.getuid()
    file = os.path.join(directory, f"siperb-keyring-{user}.lock")
    with suppress(OSError):
        lock = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if os.fstat(lock).st_uid == user:
            return lock
        os.close(lock)
    return None


def _is_locked(lock: int) -> bool:
    with suppress(OSError):  # a file system without locks; on Windows 10 seconds have passed
        if sys.platform == "win32":
            msvcrt.locking(lock, msvcrt.LK_LOCK, 1)
        else:
            fcntl.lockf(lock, fcntl.LOCK_EX)  # unlike with flock, a child forked meanwhile holds no lock
        return True
    return False
