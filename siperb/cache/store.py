"""The entries of a keyring: which backend is used, one connection to it, and get, set and delete.

All of it runs in the keyring's own thread. No exception of keyring, of a backend or of D-Bus leaves this module:
each becomes a `KeyringUnavailableError`, raised outside the handler, so that no context holds what was being stored.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from functools import partial
from typing import Any

from siperb.cache import reasons
from siperb.cache.reasons import FAILED, KeyringUnavailableError, is_a, kind_of
from siperb.threads import importing, renewed_after_fork

USERNAME = "siperb"
TRIES = 3  # where another process may be at the same entry

# The longest entry in characters. Windows takes 1280, and so may a backend that we don't know.
CAUTIOUS_LIMIT = 1000
LIMITS = {f"keyring.backends.{name}": 64_000 for name in ("SecretService", "libsecret", "kwallet", "macOS")}


class KeyringStore:
    """The entries of a backend, or of the usable links of a chain.

    Some links (pip's feed authenticators) store nothing. The chain itself is not called: it would look for its links
    again in each call. proceed: called before each call of the keyring. is_alone: see `Store`.
    """

    is_alone: bool
    proceed: Callable[[], None]

    def __init__(self, chosen: Any, links: list[Any]) -> None:
        self.chosen = chosen
        first = next((number for number, link in enumerate(links) if _is_of_keyring(link)), len(links))
        self._links = [CONNECTION.on(link) for link in links[: first + 1]]

    @property
    def name(self) -> str:
        """The class of the backend that stores, as PYTHON_KEYRING_BACKEND would have it."""
        return _name(self._links[-1])

    @property
    def limit(self) -> int:
        """The longest entry in characters."""
        return min(map(_limit, self._links))

    def get(self, name: str) -> str | None:
        for link in self._links:
            text = self._call(link, "get_password", name)
            if text is not None and not isinstance(text, str):
                raise KeyringUnavailableError.of(reasons.STRANGE_ANSWER, type(text).__name__)
            if text is not None:
                return text
        return None

    def set(self, name: str, text: str) -> None:
        """Store the entry in the first link that takes it. The links before it store nothing, and are dropped."""
        for link in self._links:
            passing = () if link is self._links[-1] else NotImplementedError
            if self._call(link, "set_password", name, text, passing=passing) is not FAILED:
                self._links = [link]
                return

    def delete(self, name: str) -> bool:
        """Remove the entry; whether it is gone. Backends raise anything for one that is not there, so this looks."""
        for _ in range(TRIES):
            for link in self._links:
                self._call(link, "delete_password", name, passing=Exception)
            if self.get(name) is None:
                return True
        return False

    def _call(self, link: Any, method: str, *args: str, passing: Any = ()) -> Any:
        """The backend's answer; `FAILED` for an error of no known kind that is `passing`."""
        name, *text = args
        vanished = 0
        while True:
            self.proceed()
            was_kept = bool(CONNECTION.kept)
            try:
                return getattr(link, method)(name, USERNAME, *text)
            except BaseException as error:  # pyo3's panics and SystemExit are no Exception
                failure, passes = reasons.unavailable(error, type(link).__module__), isinstance(error, passing)
                may_retry = failure.cause in (FAILED, reasons.UNREACHABLE) or is_a(error, "LockedException")
                vanished += is_a(error, "ItemNotFoundException")
            if passes and failure.cause is FAILED:
                return FAILED
            if 0 < vanished < TRIES:  # without a lock another process removed it between two steps of the backend
                continue
            CONNECTION.close()  # a new one finds the daemon of now, and asks for a locked keyring to be unlocked
            if not (was_kept and may_retry):
                raise failure


class OneConnection:
    """The default collection of the Secret Service, on one connection while the keyring's thread has work.

    keyring opens a connection for each call and negotiates a key on it; under many gnome-keyring-daemon aborts.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[Any, Callable[[], None]]] = []
        renewed_after_fork(self)

    def on(self, link: Any) -> Any:
        """A copy of the backend that uses the connection, if it is that of the Secret Service."""
        if _name(link) != "keyring.backends.SecretService.Keyring":
            return link
        copied = copy(link)
        copied.get_preferred_collection = partial(self._collection, link)
        return copied

    def close(self) -> None:
        while self.kept:
            _, close = self.kept.pop()
            with suppress(Exception):
                close()

    def _renew_after_fork(self) -> None:
        self.close()  # the child's copies of the descriptors: the parent's connection stays open

    def _collection(self, link: Any) -> Any:
        if self.kept:
            return self.kept[0][0]
        collection = link.get_preferred_collection()
        with suppress(AttributeError, ImportError, TypeError):  # else SecretStorage is not as we know it
            from secretstorage.util import open_session

            close = collection.connection.close
            collection.session = open_session(collection.connection)  # else each item negotiates its own
            collection.connection.close = _ignore  # called by keyring after each operation
            self.kept.append((collection, close))
        return collection


def _ignore() -> None: ...


CONNECTION = OneConnection()


def choose(*, allow_plaintext: bool, known: KeyringStore | None = None) -> KeyringStore:
    """The entries of the backend that `keyring` has chosen, if it may be used; `known` again if that still holds."""
    with importing:
        chosen = _configured()
    if known and known.chosen is chosen:
        return known
    if _name(chosen) == "keyring.backends.fail.Keyring":
        problem = _problem_of_bus()
        raise KeyringUnavailableError.of(reasons.UNREACHABLE if problem else reasons.NONE_INSTALLED, problem or "")
    links = list(chosen.backends) if is_a(chosen, "ChainerBackend") else [chosen]
    stores = [link for link in links if _name(link) != "keyring.backends.null.Keyring"]
    usable = [link for link in stores if allow_plaintext or not is_a(link, "PlaintextKeyring")]
    if not usable:
        raise KeyringUnavailableError.of(reasons.PLAINTEXT if stores else reasons.NULL)
    return KeyringStore(chosen, usable)


def _configured() -> Any:
    try:
        import keyring
    except BaseException as error:
        failure = KeyringUnavailableError.of(reasons.NOT_IMPORTABLE, kind_of(error))
    else:
        try:
            return keyring.get_keyring()
        except BaseException as error:
            failure, setting = reasons.unavailable(error), _setting()
            if isinstance(error, (OSError, RuntimeError)) and (problem := _problem_of_bus(error)):
                failure = KeyringUnavailableError.of(reasons.UNREACHABLE, problem)
            elif setting:
                failure = KeyringUnavailableError.of(reasons.MISCONFIGURED, kind_of(error), setting=setting)
    raise failure


def _setting() -> str | None:
    """What names the backend, if anything does."""
    from keyring.util.platform_ import config_root

    named = os.environ.get("PYTHON_KEYRING_BACKEND")
    if named is not None:
        return f"the environment variable PYTHON_KEYRING_BACKEND ({named!r})"
    file = config_root() / "keyringrc.cfg"
    return str(file) if file.exists() else None


def _problem_of_bus(found: BaseException | None = None) -> str | None:
    """How connecting to the session bus fails that the environment names; None when it does not, or none is named."""
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    try:
        if isinstance(found, OSError):  # a mute bus is not waited for twice
            raise found
        from secretstorage import dbus_init

        dbus_init().close()
    except ImportError:
        return None
    except BaseException as error:
        return kind_of(error)
    return None


def _limit(keyring: Any) -> int:
    modules = [kind.__module__ for kind in type(keyring).__mro__]
    return next((LIMITS[module] for module in modules if module in LIMITS), CAUTIOUS_LIMIT)


def _name(keyring: Any) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"


def _is_of_keyring(link: Any) -> bool:
    return any(kind.__module__.startswith("keyring.backends.") for kind in type(link).__mro__)
