"""Why a keyring is not used, in words for whoever reads a log or an error."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from siperb.errors import CacheError


@frozen
class Reason:
    """Why a keyring is not used.

    text: what is wrong. advice: what to do about it. in_code: what the program may do instead, for its log.
    pause: the seconds for which the keyring is then left alone. is_none: no keyring is there that could hold anything.
    """

    text: str
    advice: str = ""
    in_code: str = ""
    pause: float = 0.0
    is_none: bool = False


ANOTHER = "Use another backend: `keyring --list-backends` names those that are installed."
IN_MEMORY = "To cache in memory alone, pass cache=MemoryCache()."

NONE_INSTALLED = Reason(
    "There is no keyring here.",
    "Install one: on Linux gnome-keyring or KWallet, in a D-Bus session.",
    f"{IN_MEMORY} To be silent, set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring.",
    is_none=True,
)
NULL = Reason("The null keyring is configured, which stores nothing.", "Configure another one.", is_none=True)
PLAINTEXT = Reason(
    "The only keyring here stores plaintext, so it is not used.",
    "Install another one: on Linux gnome-keyring or KWallet.",
    "To accept plaintext, pass cache=KeyringCache(allow_plaintext=True).",
    is_none=True,
)
MISCONFIGURED = Reason("The keyring cannot be set up ({detail}).", "Correct or remove {setting}.")
NOT_IMPORTABLE = Reason(
    "The keyring package cannot be imported ({detail}).", "Run `pip install --force-reinstall keyring`."
)
UNREACHABLE = Reason(
    "The keyring cannot be reached through the session bus in DBUS_SESSION_BUS_ADDRESS ({detail}).",
    "Run this in the current desktop session, without sudo, or restart the keyring's daemon.",
    pause=60,
)
LOCKED = Reason("The keyring is locked.", "Unlock it, or log in to the desktop.", pause=300)
NOT_READY = Reason(
    "The keyring has no collection to store in.", "Create one with the desktop's password manager.", pause=300
)
REFUSED = Reason(
    "KWallet did not open.", "Open the wallet in KWalletManager, and allow this program to use it.", pause=300
)
SILENT = Reason(
    "The keyring did not answer in time.",
    "Look for an open password dialog, or restart the keyring's daemon.",
    pause=60,
)
BUSY = Reason(
    "The keyring is busy, or too slow for the time that the call has.",
    "Try again, or ask for fewer at a time.",
    IN_MEMORY,
)
GIVEN_UP = Reason("The caller no longer waits for the keyring.")
NO_THREAD = Reason("No thread can be started for the keyring.", "Raise the limit of threads, or use fewer.")
STRANGE_ANSWER = Reason("The keyring answered with {detail} instead of text.", ANOTHER)
KEEPS_NOTHING = Reason("The keyring does not keep what is stored in it.", ANOTHER)
FAILED = Reason("The keyring failed with {detail}.", "Run `keyring get siperb test`: it shows the whole error.")

# By the status of the macOS Keychain, and by the error number of Windows.
BY_NUMBER = {
    -25244: Reason(
        "An entry in the Keychain belongs to another program, as after an upgrade of Python (status -25244).",
        "Delete the entries that begin with siperb/ in Keychain Access.",
    ),
    -25293: Reason(
        "The Keychain did not accept the password (status -25293).",
        "Unlock the login keychain in Keychain Access with the password that it had before the account's was changed.",
    ),
    -25308: Reason(
        "The Keychain cannot ask for its password here, as over ssh (status -25308).",
        "Run `security unlock-keychain` in the same shell first.",
    ),
    -34018: Reason(
        "This program lacks the entitlement for the Keychain, as in a sandbox (status -34018).",
        "Run it outside of the sandbox, or sign it with a keychain access group.",
    ),
    1312: Reason(
        "The Credential Manager needs a logon session, which services and ssh do not have (Windows error 1312).",
        "Run this as a user who is logged on to the desktop.",
    ),
    1783: Reason(
        "The Credential Manager takes no entry of this length (Windows error 1783).",
        "Please report it: siperb writes entries of at most 1,000 characters.",
        IN_MEMORY,
    ),
}

# By the names of the exceptions' classes: SecretStorage and the rest must not be imported to compare.
BY_NAME = {
    "SecretServiceNotAvailableException": UNREACHABLE,
    "KeyringLocked": LOCKED,
    "LockedException": LOCKED,
    "PromptDismissedException": LOCKED,
    "NoKeyringError": NONE_INSTALLED,
    "InitError": NOT_READY,
}
BY_NAME_IN_KWALLET = BY_NAME | {"InitError": REFUSED, "PasswordSetError": LOCKED}  # the user cancelled


class KeyringUnavailableError(CacheError):
    """The keyring did not do its work. It tells a reason and names of classes, never the text of an exception."""

    cause: Reason = FAILED

    @classmethod
    def of(cls, cause: Reason, detail: str = "", setting: str = "") -> KeyringUnavailableError:
        error = cls(cause.text.format(detail=detail), cause.advice.format(setting=setting))
        error.cause = cause
        return error


def unavailable(error: BaseException, module: str = "") -> KeyringUnavailableError:
    """What to say of an exception of the backend in this module."""
    chain, by_name = list(_chain(error)), BY_NAME_IN_KWALLET if module == "keyring.backends.kwallet" else BY_NAME
    found = [BY_NUMBER[number] for number in map(_number, chain) if number in BY_NUMBER]
    if module == "keyring.backends.SecretService" and isinstance(error, OSError):
        found.append(UNREACHABLE)
    found += [reason for name, reason in by_name.items() if any(is_a(each, name) for each in chain)]
    return KeyringUnavailableError.of(found[0] if found else FAILED, kind_of(error))


def is_a(thing: object, name: str) -> bool:
    """`isinstance` by the name of the class, of which the module need not be imported."""
    return any(kind.__name__ == name for kind in type(thing).__mro__)


def kind_of(error: BaseException) -> str:
    number = next(filter(None, map(_number, _chain(error))), None)
    return type(error).__qualname__ + (f" {number}" if number is not None else "")


def _number(error: BaseException) -> int | None:
    first = error.args[0] if error.args else None
    number = getattr(error, "winerror", None) or getattr(error, "errno", first)
    return number if isinstance(number, int) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and what caused it; a backend of somebody's own may have made a circle."""
    for _ in range(5):
        if error is None:
            return
        yield error
        error = error.__cause__
