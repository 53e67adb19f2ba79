"""What a real Secret Service does to a cache when it goes wrong. Each scenario ruins its session, so it has its own:

tests/secret_service.sh python tests/helpers/secret_service_faults.py stopped
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import secretstorage
from cache_contract import KEY, OWNER, SESSION, record
from cache_helpers import Clock, settle
from jeepney import DBus
from jeepney.io.blocking import Proxy, open_dbus_connection

from siperb.cache import KeyringCache

TIMEOUT = 0.5
AT_ONCE = TIMEOUT / 2  # what needs no answer takes far less than the deadline


def daemon_pid() -> int:
    with closing(open_dbus_connection()) as bus:
        answer = Proxy(DBus(), bus).GetConnectionUnixProcessID("org.freedesktop.secrets")
        return int(answer[0])


def lock() -> None:
    with closing(secretstorage.dbus_init()) as bus:
        secretstorage.get_collection_by_alias(bus, "default").lock()


class Scene:
    """A cache that holds two records, a clock to turn, and the warnings so far."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda entry: self.warnings.append(entry.getMessage())  # type: ignore[method-assign]
        logging.getLogger("siperb").addHandler(handler)
        self.clock = Clock()
        self.old = record('"old"')
        patient = KeyringCache(timeout=30)
        assert patient.save(KEY, self.old, owner=OWNER)
        assert patient.save(SESSION, self.old, owner=OWNER)
        self.cache = KeyringCache(timeout=TIMEOUT, clock=self.clock)
        assert self.cache.load(KEY) == self.old


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"{took:.2f} s instead of {seconds} s"


def stopped(scene: Scene) -> None:
    """A daemon that hangs: one deadline, then nothing is waited for; what was removed does not come back."""
    cache, pid = scene.cache, daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        with at_most(TIMEOUT * 2):
            assert cache.save(KEY, record('"late"'), owner=OWNER) is False
        with at_most(AT_ONCE):
            assert cache.load(SESSION) is None
            assert cache.evict(KEY) is False
    finally:
        os.kill(pid, signal.SIGCONT)
    settle()
    assert KeyringCache(timeout=30).load(SESSION) == scene.old
    scene.clock.now += 61
    assert cache.load(KEY) is None
    assert KeyringCache(timeout=30).load(KEY) is None
    assert cache.load(SESSION) == scene.old
    assert len(scene.warnings) == 1
    assert "did not answer in time" in scene.warnings[0]


def stopped_at_exit(scene: Scene) -> None:
    """A daemon that hangs while a process ends: the process ends."""
    code = "import siperb.cache as c; print(c.KeyringCache(timeout=0.2).load(c.Key('0' * 20, 'pat')))"
    pid = daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=30) == "None\n"
    finally:
        os.kill(pid, signal.SIGCONT)


def killed(scene: Scene) -> None:
    """A daemon that is gone, and for which D-Bus may start another, locked one."""
    os.kill(daemon_pid(), signal.SIGKILL)
    with at_most(TIMEOUT * 3):
        assert scene.cache.load(KEY) is None
        assert scene.cache.save(KEY, record(), owner=OWNER) is False
    assert scene.warnings


def locked(scene: Scene) -> None:
    """A locked keyring and nobody to ask: one answer for many threads, then five minutes of peace."""
    lock()
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(scene.cache.load(KEY))) for _ in range(4)]
    with at_most(TIMEOUT * 2):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [None] * 4
    assert len(scene.warnings) == 1
    assert "locked" in scene.warnings[0]
    scene.clock.now += 299
    with at_most(AT_ONCE):
        assert scene.cache.load(KEY) is None


def prompt(scene: Scene) -> None:
    """A password dialog that nobody answers."""
    with closing(open_dbus_connection()) as bus:
        Proxy(DBus(), bus).RequestName("org.gnome.keyring.SystemPrompter")
        lock()
        with at_most(TIMEOUT * 2):
            assert scene.cache.load(KEY) is None
        with at_most(AT_ONCE):
            assert scene.cache.load(KEY) is None
    assert len(scene.warnings) == 1
    assert "password dialog" in scene.warnings[0]


SCENARIOS = {scenario.__name__: scenario for scenario in (stopped, stopped_at_exit, killed, locked, prompt)}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](Scene())
