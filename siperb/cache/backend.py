"""`keyring` as it really is: which backend may be used, how long an entry may be, what went wrong and what to do.

Everything here runs in the keyring's own thread. No exception of keyring, of a backend or of D-Bus leaves this module:
each becomes a `KeyringUnavailableError`, raised outside the handler, so that no context holds what was being stored.
"""

from __future__ import annotations

import os
from typing import Any

from attrs import frozen

from siperb.cache.entries import Answer, Delete, Deleted, Get, Operation, Set
from siperb.errors import CacheError
from siperb.threads import importing

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
class Reason:
    """Why a keyring is not used: what to tell the user, once.

    pause: for how many seconds it is then left alone. is_none: there is no keyring that could hold anything.
    """

    text: str
    pause: float = 0.0
    is_none: bool = False


NONE_INSTALLED = Reason(
    "there is no keyring here: install one (on Linux gnome-keyring or KWallet, and a D-Bus session), or pass "
    "cache=MemoryCache(), or set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring to do without",
    is_none=True,
)
NULL = Reason(
    "the null keyring is configured, which stores nothing: configure another, or pass cache=MemoryCache()",
    is_none=True,
)
PLAINTEXT = Reason(
    "the only keyring here stores plaintext, so it is not used: install a real one (on Linux gnome-keyring or "
    "KWallet), or accept plaintext with cache=KeyringCache(allow_plaintext=True)",
    is_none=True,
)
MISCONFIGURED = Reason("the keyring cannot be set up: correct or remove {setting}")
NOT_IMPORTABLE = Reason("the keyring package cannot be imported: run pip install --force-reinstall keyring")
LOCKED = Reason("the keyring is locked: unlock it, or log in to the desktop; next try in 5 minutes", pause=300)
NOT_READY = Reason(
    "the keyring has no collection to store in: make one with the desktop's password manager; next try in 5 minutes",
    pause=300,
)
SILENT = Reason(
    "the keyring did not answer in time: look for an open password dialog, or restart the keyring's daemon; next try "
    "in 60 seconds",
    pause=60,
)
BUSY = Reason(
    "the keyring is busy, or too slow for the time that the call has: ask for fewer at a time, or pass "
    "cache=MemoryCache()"
)
STRANGE_ANSWER = Reason("the keyring answered something that is no text: use another backend, see `keyring diagnose`")
FAILED = Reason("the keyring failed: see what `keyring diagnose` and `siperb doctor` say")

# By the names of the exception's classes, for SecretStorage and the rest must not be imported to compare.
REASONS = {
    "KeyringLocked": LOCKED,
    "LockedException": LOCKED,
    "PromptDismissedException": LOCKED,
    "InitError": NOT_READY,
    "NoKeyringError": NONE_INSTALLED,
}


class KeyringUnavailableError(CacheError):
    """The keyring did not do its work. Its text is the reason and names of classes, never what an exception says."""

    def __init__(self, reason: Reason, detail: str = "", **values: str) -> None:
        super().__init__(reason.text.format(**values) + (f" ({detail})" if detail else ""))
        self.reason = reason


class Backend:
    """A backend that may be used.

    chosen: what `keyring` has chosen; the backend itself, or a chain. links: it alone, or those links of the chain
    that may be used: some (pip's feed authenticators) store nothing, and are dropped when they say so.
    """

    def __init__(self, chosen: Any, links: list[Any]) -> None:
        self.chosen = chosen
        certain = next((number for number, link in enumerate(links) if _is_of_keyring(link)), None)
        self._links = links if certain is None else links[: certain + 1]

    @property
    def name(self) -> str:
        """The class of the one that stores, as PYTHON_KEYRING_BACKEND would have it; the first until that is known."""
        return _name(next(filter(_is_of_keyring, self._links), self._links[0]))

    @property
    def limit(self) -> int:
        """The longest entry in characters."""
        return min(map(_limit, self._links))

    def perform(self, operation: Operation) -> Answer:
        """Do one operation on one entry; `KeyringUnavailableError` when the keyring does not."""
        match operation:
            case Get(service):
                return next((text for link in self._links if (text := _get(link, service)) is not None), None)
            case Set(service, text):
                self._set(service, text)
                return None
            case Delete(service):
                answers = {_delete(link, service) for link in self._links}
                return next(answer for answer in (Deleted.KEPT, Deleted.GONE, Deleted.NONE) if answer in answers)

    def _set(self, service: str, text: str) -> None:
        """Into the first link that takes it; those before it store nothing, those behind it are not needed."""
        for number, link in enumerate(self._links):
            is_last = number == len(self._links) - 1
            try:
                _guarded(link.set_password, service, USERNAME, text, passing=() if is_last else NotImplementedError)
            except NotImplementedError:
                continue
            self._links = [link]
            return


def _get(link: Any, service: str) -> str | None:
    answer = _guarded(link.get_password, service, USERNAME)
    if answer is not None and not isinstance(answer, str):
        raise KeyringUnavailableError(STRANGE_ANSWER, type(answer).__name__)
    return answer


def _delete(link: Any, service: str) -> Deleted:
    """Backends say in the same way that there was no such entry and that they could not remove it: so look."""
    from keyring.errors import PasswordDeleteError

    try:
        _guarded(link.delete_password, service, USERNAME, passing=(PasswordDeleteError, NotImplementedError))
    except (PasswordDeleteError, NotImplementedError):
        pass
    else:
        return Deleted.GONE
    return Deleted.NONE if _get(link, service) is None else Deleted.KEPT


def choose(*, allow_plaintext: bool, known: Backend | None = None) -> Backend:
    """The backend that `keyring` has chosen, if it may be used; `known` again if that still holds.

    A chain is not asked itself: each of its calls looks for all its links again.
    """
    with importing:
        chosen = _configured()
    if known and known.chosen is chosen:
        return known
    links = list(_guarded(lambda: chosen.backends)) if _is_a(chosen, "ChainerBackend") else [chosen]
    stores = [link for link in links if _name(link) != "keyring.backends.null.Keyring"]
    usable = [link for link in stores if allow_plaintext or not _is_a(link, "PlaintextKeyring")]
    if not usable:
        raise KeyringUnavailableError(PLAINTEXT if stores else NULL)
    return Backend(chosen, usable)


def _configured() -> Any:
    try:
        import keyring
    except BaseException as error:
        unavailable = KeyringUnavailableError(NOT_IMPORTABLE, _kind(error))
    else:
        try:
            return keyring.get_keyring()
        except BaseException as error:
            unavailable = _unavailable(error)
            if setting := _setting():
                unavailable = KeyringUnavailableError(MISCONFIGURED, _kind(error), setting=setting)
    raise unavailable


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
        unavailable = _unavailable(error)
    raise unavailable


def _unavailable(error: BaseException) -> KeyringUnavailableError:
    names = [kind.__name__ for kind in type(error).__mro__]
    return KeyringUnavailableError(next((REASONS[name] for name in names if name in REASONS), FAILED), _kind(error))


def _kind(error: BaseException) -> str:
    number = getattr(error, "winerror", None) or getattr(error, "errno", None)
    return type(error).__qualname__ + (f" {number}" if isinstance(number, int) else "")


def _limit(keyring: Any) -> int:
    modules = [kind.__module__ for kind in type(keyring).__mro__]
    return next((LIMITS[module] for module in modules if module in LIMITS), CAUTIOUS_LIMIT)


def _name(keyring: Any) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"


def _is_of_keyring(link: Any) -> bool:
    return any(kind.__module__.startswith("keyring.backends.") for kind in type(link).__mro__)


def _is_a(keyring: Any, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(keyring).__mro__)
