"""One process at a time: gnome-keyring-daemon aborts when several processes call it at once.

The lock also keeps two processes that update one index from losing each other's names. It is a file without content.
Where there is no `fcntl` (Windows) there is no lock; the Windows store does not need one.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]


@contextmanager
def exclusive() -> Generator[bool, None, None]:
    """Wait, for as long as it takes, until no other process of this user is in here; whether a lock is held.

    Where no private directory can be had nothing is locked: a cache that may lose a name is better than none.
    """
    lock = _locked()
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def _locked() -> int | None:
    """A descriptor that holds the lock until it is closed, or until the process ends, however it ends."""
    if fcntl is None:
        return None
    try:
        file = private_directory() / "siperb-keyring.lock"
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # unlike with flock, a child forked meanwhile holds no lock
    except OSError:
        os.close(lock)
        return None
    return lock


def private_directory() -> Path:
    """A directory that is this user's alone and the same for all of the user's processes; OSError without one."""
    for runtime in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}"):
        if runtime and _is_private(Path(runtime)):
            return Path(runtime)
    directory = Path(tempfile.gettempdir()) / f"siperb-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(directory):
        raise PermissionError(f"{directory} belongs to another user")
    return directory


def _is_private(directory: Path) -> bool:
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
