"""`keyring` as it really is: which backend may be used, how long an entry may be, what went wrong and what to do.

Everything here runs in the keyring's own thread. No exception of keyring, of a backend or of D-Bus leaves this module:
each becomes a `Trouble`, raised outside the handler, so that no context holds what was being stored.
"""

from __future__ import annotations

import os
from typing import Any

from attrs import field, frozen

from siperb.core.entries import Answer, Delete, Deleted, Get, Operation, Set
from siperb.errors import CacheError

USERNAME = "siperb"

# The longest entry in characters. Windows takes 1280, and so may a backend that we don't know.
CAUTIOUS_LIMIT = 1000
LIMITS = {
    "keyring.backends.SecretService": 64_000,
    "keyring.backends.libsecret": 64_000,
    "keyring.backends.kwallet": 64_000,
    "keyring.backends.macOS": 64_000,
}


@frozen
class Cause:
    """One way to fail: what to tell the user, once, and for how many seconds the keyring is then left alone."""

    text: str
    pause: float = 0.0


NONE_INSTALLED = Cause(
    "there is no keyring here: install one (on Linux gnome-keyring or KWallet, and a D-Bus session), or pass "
    "cache=MemoryCache(), or set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring to do without"
)
NULL = Cause("the null keyring is configured, which stores nothing: configure another, or pass cache=MemoryCache()")
PLAINTEXT = Cause(
    "the only keyring here stores plaintext, so it is not used: install a real one (on Linux gnome-keyring or "
    "KWallet), or accept plaintext with cache=KeyringCache(allow_plaintext=True)"
)
MISCONFIGURED = Cause("the keyring cannot be set up: correct or remove {setting}")
NOT_IMPORTABLE = Cause("the keyring package cannot be imported: run pip install --force-reinstall keyring")
LOCKED = Cause("the keyring is locked: unlock it, or log in to the desktop; next try in 5 minutes", pause=300)
NOT_READY = Cause(
    "the keyring has no collection to store in: make one with the desktop's password manager; next try in 5 minutes",
    pause=300,
)
SILENT = Cause(
    "the keyring did not answer in time: look for an open password dialog, or restart the keyring's daemon; next try "
    "in 60 seconds",
    pause=60,
)
STRANGE_ANSWER = Cause("the keyring answered something that is no text: use another backend, see `keyring diagnose`")
FAILED = Cause("the keyring failed: see what `keyring diagnose` and `siperb doctor` say")

# By the names of the exception's classes, for SecretStorage and the rest must not be imported to compare.
CAUSES = {
    "KeyringLocked": LOCKED,
    "LockedException": LOCKED,
    "PromptDismissedException": LOCKED,
    "InitError": NOT_READY,
    "NoKeyringError": NONE_INSTALLED,
}


class Trouble(CacheError):
    """The keyring cannot be used. Its text is the cause and the names of classes, never what an exception says."""

    def __init__(self, cause: Cause, detail: str = "", **values: str) -> None:
        super().__init__(cause.text.format(**values) + (f" ({detail})" if detail else ""))
        self.cause = cause


@frozen
class Backend:
    """A backend that may be used.

    name: its class, as PYTHON_KEYRING_BACKEND would have it. limit: the longest entry in characters.
    chosen: what `keyring` has chosen; the backend itself, or a chain of which it is a link.
    """

    name: str
    limit: int
    chosen: Any = field(repr=False)
    _keyring: Any = field(repr=False)

    def perform(self, operation: Operation) -> Answer:
        """Do one operation on one entry. `Trouble` when the keyring does not."""
        match operation:
            case Get(service):
                return self._get(service)
            case Set(service, text):
                _guarded(self._keyring.set_password, service, USERNAME, text)
                return None
            case Delete(service):
                return self._delete(service)

    def _get(self, service: str) -> str | None:
        answer = _guarded(self._keyring.get_password, service, USERNAME)
        if answer is not None and not isinstance(answer, str):
            raise Trouble(STRANGE_ANSWER, type(answer).__name__)
        return answer

    def _delete(self, service: str) -> Deleted:
        """Backends say in the same way that there was no such entry and that they could not remove it: so look."""
        from keyring.errors import PasswordDeleteError

        try:
            _guarded(self._keyring.delete_password, service, USERNAME, passing=PasswordDeleteError)
        except PasswordDeleteError:
            pass
        else:
            return Deleted.GONE
        return Deleted.NONE if self._get(service) is None else Deleted.KEPT


def choose(*, allow_plaintext: bool, known: Backend | None = None) -> Backend:
    """The backend that `keyring` has chosen, if it may be used, else `Trouble`; `known` again if that still holds.

    Of a chain its first usable link alone: each call of a chain looks for all its links again.
    """
    chosen = _configured()
    if known and known.chosen is chosen:
        return known
    links = list(_guarded(lambda: chosen.backends)) if _is_a(chosen, "ChainerBackend") else [chosen]
    usable = [link for link in links if _name(link) != "keyring.backends.null.Keyring"]
    for link in usable:
        if allow_plaintext or not _is_a(link, "PlaintextKeyring"):
            return Backend(_name(link), _limit(link), chosen, link)
    raise Trouble(PLAINTEXT if usable else NULL)


def _configured() -> Any:
    try:
        import keyring
    except BaseException as error:
        trouble = Trouble(NOT_IMPORTABLE, _kind(error))
    else:
        try:
            return keyring.get_keyring()
        except BaseException as error:
            setting = _setting()
            trouble = Trouble(MISCONFIGURED, _kind(error), setting=setting) if setting else _trouble(error)
    raise trouble


def _setting() -> str | None:
    """What names the backend, if anything does."""
    from keyring.util.platform_ import config_root

    named = os.environ.get("PYTHON_KEYRING_BACKEND")
    if named is not None:
        return f"the environment variable PYTHON_KEYRING_BACKEND ({named!r})"
    file = config_root() / "keyringrc.cfg"
    return str(file) if file.exists() else None


def _guarded(call: Any, *args: Any, passing: Any = ()) -> Any:
    try:
        return call(*args)
    except passing:
        raise
    except BaseException as error:  # pyo3's panics and SystemExit are no Exception
        trouble = _trouble(error)
    raise trouble


def _trouble(error: BaseException) -> Trouble:
    names = [kind.__name__ for kind in type(error).__mro__]
    return Trouble(next((CAUSES[name] for name in names if name in CAUSES), FAILED), _kind(error))


def _kind(error: BaseException) -> str:
    number = getattr(error, "winerror", None) or getattr(error, "errno", None)
    return type(error).__qualname__ + (f" {number}" if isinstance(number, int) else "")


def _limit(keyring: Any) -> int:
    modules = [kind.__module__ for kind in type(keyring).__mro__]
    return next((LIMITS[module] for module in modules if module in LIMITS), CAUTIOUS_LIMIT)


def _name(keyring: Any) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"


def _is_a(keyring: Any, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(keyring).__mro__)
