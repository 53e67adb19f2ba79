"""Keyring backends that behave as the real ones were seen to, where the real ones cannot be had."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Entries in a dict. `most_at_once`: how many calls were ever under way at the same time."""

    priority = -2  # type: ignore[assignment]  # never chosen by itself

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()

    def called(self, call: str) -> None:
        """What happens in every call before it does its work."""

    def get_password(self, service: str, username: str) -> str | None:
        with _Call(self, "get"):
            return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        with _Call(self, "set"):
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        with _Call(self, "delete"):
            if self.entries.pop((service, username), None) is None:
                raise PasswordDeleteError("No such password!")


class _Call:
    def __init__(self, keyring: MemoryKeyring, name: str) -> None:
        self._keyring, self._name = keyring, name

    def __enter__(self) -> None:
        keyring = self._keyring
        with keyring._counting:
            keyring._at_once += 1
            keyring.most_at_once = max(keyring.most_at_once, keyring._at_once)
            keyring.calls.append(self._name)
        try:
            keyring.called(self._name)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        with self._keyring._counting:
            self._keyring._at_once -= 1


class HangingKeyring(MemoryKeyring):
    """Hangs in the call named `hang_in` until `release` is set; `entered` is set when it does."""

    def __init__(self, hang_in: str = "get") -> None:
        super().__init__()
        self.hang_in = hang_in
        self.entered = threading.Event()
        self.release = threading.Event()

    def called(self, call: str) -> None:
        if call == self.hang_in and not self.release.is_set():
            self.entered.set()
            assert self.release.wait(60)


class FailingKeyring(MemoryKeyring):
    """Raises `error` in every call; None: works."""

    def __init__(self, error: BaseException | None) -> None:
        super().__init__()
        self.error = error

    def called(self, call: str) -> None:
        if self.error is not None:
            raise self.error


class PlaintextKeyring(MemoryKeyring):
    """Named as the one of keyrings.alt."""


class WindowsKeyring(MemoryKeyring):
    """The Windows Credential Manager as keyring drives it: 2560 bytes of UTF-16, names without case, and copies.

    A set over an existing entry first copies the old secret to ``user@service`` (keyring/backends/Windows.py).
    """

    def get_password(self, service: str, username: str) -> str | None:
        entry = self.entries.get((service.lower(), ""))
        if entry is None or entry.partition("\0")[0] != username:
            entry = self.entries.get((f"{username}@{service}".lower(), ""))
        return None if entry is None else entry.partition("\0")[2]

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le", "surrogatepass")) > 2560:
            error = OSError("The stub received bad data")
            error.winerror = 1783  # type: ignore[attr-defined]
            raise error
        old = self.entries.get((service.lower(), ""))
        if old is not None:
            self.entries[f"{old.partition(chr(0))[0]}@{service}".lower(), ""] = old
        self.entries[service.lower(), ""] = f"{username}\0{password}"

    def delete_password(self, service: str, username: str) -> None:
        found = [
            (name.lower(), "")
            for name in (service, f"{username}@{service}")
            if self.entries.get((name.lower(), ""), "").partition("\0")[0] == username
        ]
        if not found:
            raise PasswordDeleteError(service)
        for name in found:
            del self.entries[name]


class FileKeyring(KeyringBackend):
    """One file an entry in the directory SIPERB_TEST_KEYRING: for several processes beside each other."""

    priority = -2  # type: ignore[assignment]  # never chosen by itself

    def _file(self, service: str, username: str) -> Path:
        name = hashlib.sha256(json.dumps([service, username]).encode()).hexdigest()
        return Path(os.environ["SIPERB_TEST_KEYRING"]) / name

    def get_password(self, service: str, username: str) -> str | None:
        try:
            return self._file(service, username).read_text()
        except FileNotFoundError:
            return None

    def set_password(self, service: str, username: str, password: str) -> None:
        file = self._file(service, username)
        new = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
        new.write_text(password)
        new.replace(file)

    def delete_password(self, service: str, username: str) -> None:
        try:
            self._file(service, username).unlink()
        except FileNotFoundError:
            raise PasswordDeleteError("No such password!") from None
