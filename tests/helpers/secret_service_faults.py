"""What a real Secret Service does to a cache when it goes wrong. Each scenario ruins its session, so it has its own:

tests/secret_service.sh python tests/helpers/secret_service_faults.py stopped
"""

from __future__ import annotations

import logging
import os
import signal
import socket
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
from jeepney.io.blocking import DBusConnection, Proxy, open_dbus_connection
from secretstorage.defines import SS_PATH
from secretstorage.util import DBusAddressWrapper, format_secret, open_session

from siperb.cache import Key, KeyringCache
from siperb.cache.access import THREAD
from siperb.cache.store import CONNECTION

TIMEOUT = 0.5
AT_ONCE = TIMEOUT / 2  # what needs no answer takes far less than the deadline


def daemon_pid() -> int:
    with closing(open_dbus_connection()) as bus:
        answer = Proxy(DBus(), bus).GetConnectionUnixProcessID("org.freedesktop.secrets")
        return int(answer[0])


def lock() -> None:
    with closing(secretstorage.dbus_init()) as bus:
        secretstorage.get_collection_by_alias(bus, "default").lock()


opened: list[DBusConnection] = []  # every connection of this process to the bus


def count_connections() -> None:
    open_one = secretstorage.dbus_init

    def dbus_init() -> DBusConnection:
        opened.append(open_one())
        return opened[-1]

    secretstorage.dbus_init = dbus_init


class Scene:
    """A cache that holds two records, hasty and patient; a clock to turn, and the warnings so far."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda entry: self.warnings.append(entry.getMessage())  # type: ignore[method-assign]
        logging.getLogger("siperb").addHandler(handler)
        self.clock = Clock()
        self.old = record('"old"')
        self.patient = KeyringCache(timeout=30)
        assert self.patient.save(KEY, self.old, owner=OWNER)
        assert self.patient.save(SESSION, self.old, owner=OWNER)
        self.cache = KeyringCache(timeout=TIMEOUT, clock=self.clock)
        assert self.cache.load(KEY) == self.old

    @staticmethod
    def connections() -> int:
        """How many are open."""
        return sum(connection.sock.fileno() != -1 for connection in opened)


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


def locked_meanwhile(scene: Scene) -> None:
    """A keyring locked while its connection is open is asked for again, and serves when somebody unlocks it."""
    lock()
    asked: list[str] = []

    def unlock(collection: secretstorage.Collection) -> bool:
        asked.append("unlock")
        bus, path = collection.connection, collection.collection_path
        secret = format_secret(open_session(bus), b"ci", "text/plain")
        daemon = DBusAddressWrapper(SS_PATH, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", bus)
        daemon.call("UnlockWithMasterPassword", "o(oayays)", path, secret)
        return False

    secretstorage.Collection.unlock = unlock  # stands for a dialog that the user answers
    elsewhere = Key.of("https://other.example", "alice", "pat")  # where nothing is stored that keyring would unlock
    assert scene.patient.save(elsewhere, scene.old, owner=elsewhere.scope)
    assert asked == ["unlock"]
    assert scene.patient.load(elsewhere) == scene.patient.load(KEY) == scene.old
    assert scene.warnings == []


def one_connection(scene: Scene) -> None:
    """Any number of operations on one connection and one session, until nothing has been done for a while."""
    for number in range(3):
        key = Key(OWNER, f"prov-{number}")
        assert scene.patient.save(key, scene.old, owner=OWNER)
        assert scene.patient.load(key) == scene.old
    assert scene.patient.forget(OWNER)
    assert (scene.connections(), len(opened)) == (1, 2)  # and the one with which keyring sees that there is a keyring
    THREAD.submit(CONNECTION.close, lambda _: None)
    settle()
    assert scene.connections() == 0
    assert scene.patient.load(KEY) is None
    assert (scene.connections(), len(opened)) == (1, 3)


def idle(scene: Scene) -> None:
    """The thread that has nothing to do closes the connection; the next one opens another."""
    THREAD._linger = 0.0
    settle()
    for thread in [thread for thread in threading.enumerate() if thread.name == "siperb-keyring"]:
        thread.join(30)
    assert scene.connections() == 0
    assert scene.patient.load(KEY) == scene.old


def forked(scene: Scene) -> None:
    """A child opens a connection of its own, and closes its copy of the parent's, which goes on."""
    child = os.fork()
    if not child:
        is_closed = scene.connections() == 0
        os._exit(0 if is_closed and scene.patient.load(KEY) == scene.old and scene.connections() == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert scene.patient.load(KEY) == scene.old
    assert len(opened) == 2
    assert scene.warnings == []


def strange_insides(scene: Scene) -> None:
    """A SecretStorage without the function that negotiates: keyring's own way, and no word about it."""
    CONNECTION.close()
    del secretstorage.util.open_session
    for _ in range(2):
        assert scene.patient.load(KEY) == scene.old
        assert scene.connections() == 0
    assert len(opened) == 4
    assert scene.warnings == []


def lost_connection(scene: Scene) -> None:
    """A connection that the bus has closed, as after a restart: another one, and no word about it."""
    collection, _ = CONNECTION.kept[0]
    collection.connection.sock.shutdown(socket.SHUT_RDWR)
    assert scene.patient.load(KEY) == scene.old
    assert len(opened) == 3
    assert scene.warnings == []


def stale_session(scene: Scene) -> None:
    """A session that the daemon does not know, as after its restart: another one, and no word about it."""
    collection, _ = CONNECTION.kept[0]
    collection.session.object_path = "/org/freedesktop/secrets/session/s4242"
    assert scene.patient.load(KEY) == scene.old
    assert len(opened) == 3
    assert scene.warnings == []


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


FAULTS = [stopped, stopped_at_exit, killed, locked, prompt]
CONNECTIONS = [one_connection, idle, forked, lost_connection, stale_session, locked_meanwhile, strange_insides]
SCENARIOS = {scenario.__name__: scenario for scenario in [*FAULTS, *CONNECTIONS]}

if __name__ == "__main__":
    count_connections()
    SCENARIOS[sys.argv[1]](Scene())
