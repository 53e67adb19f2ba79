"""What keyrings do instead of their work: each is a miss and one warning that says what to do, and no secret."""

from __future__ import annotations

import pickle
import sys
import traceback
from typing import Any

import keyring.backends.fail
import keyring.backends.null
import keyring.core
import keyring.errors
import pytest
from backends import FailingKeyring, MemoryKeyring, PlaintextKeyring
from cache_contract import KEY, OWNER, record
from cache_helpers import Use, try_all, warnings
from keyring.backends.chainer import ChainerBackend

from siperb.cache import KeyringCache, reasons
from siperb.errors import CacheError, ConfigurationError

pytest_plugins = ["cache_fixtures"]

# No keyring, or none that may be used


def test_without_a_backend_one_warning_says_how_to_get_one(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    cache = use(keyring.backends.fail.Keyring())
    try_all(cache)
    [warning] = warnings(caplog)
    assert "Install one" in warning
    assert "MemoryCache()" in warning
    with pytest.raises(CacheError, match="Install one"):
        cache.check()


def test_the_null_backend_is_the_users_choice_and_no_warning(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    cache = use(keyring.backends.null.Keyring())
    try_all(cache, holds_nothing=True)
    assert warnings(caplog) == []
    assert cache.backend() is None
    with pytest.raises(CacheError, match="null keyring"):
        cache.check()


@pytest.mark.parametrize("named", ["", "nonsense", "no.such.module", "keyring.no_such_name", "keyring.backends.fail."])
def test_a_wrong_environment_variable_is_named(
    named: str, use: Use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = use(None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", named)
    try_all(cache)
    [warning] = warnings(caplog)
    assert "PYTHON_KEYRING_BACKEND" in warning
    with pytest.raises(CacheError, match="PYTHON_KEYRING_BACKEND"):
        cache.check()


@pytest.mark.parametrize("text", ["no section", "[backend]\ndefault-keyring=no.such.module"])
def test_a_wrong_configuration_file_is_named(
    text: str, use: Use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    cache = use(None)
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setattr(keyring.core.platform, "config_root", lambda: tmp_path)
    (tmp_path / "keyringrc.cfg").write_text(text)
    try_all(cache)
    [warning] = warnings(caplog)
    assert str(tmp_path / "keyringrc.cfg") in warning


def test_a_keyring_package_that_cannot_be_imported_is_a_miss(
    use: Use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = use(None)
    monkeypatch.setitem(sys.modules, "keyring", None)
    try_all(cache)
    [warning] = warnings(caplog)
    assert "cannot be imported" in warning


def test_plaintext_is_refused_and_untouched(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    backend = PlaintextKeyring()
    try_all(use(backend))
    assert backend.calls == []
    [warning] = warnings(caplog)
    assert "allow_plaintext=True" in warning


def test_plaintext_is_used_when_it_is_allowed(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    cache, saved = use(PlaintextKeyring(), allow_plaintext=True), record()
    assert cache.save(KEY, saved, owner=OWNER)
    assert cache.load(KEY) == saved
    assert warnings(caplog) == []


def chain(*links: Any) -> ChainerBackend:
    return type("Chain", (ChainerBackend,), {"backends": list(links), "priority": -2})()


def test_an_empty_chain_is_no_cache_and_no_warning(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    try_all(use(chain()), holds_nothing=True)
    assert warnings(caplog) == []


def test_of_a_chain_the_first_link_that_is_not_plaintext_is_used(use: Use) -> None:
    plain, good, saved = PlaintextKeyring(), MemoryKeyring(), record()
    cache = use(chain(plain, good))
    assert cache.save(KEY, saved, owner=OWNER)
    assert cache.load(KEY) == saved
    assert plain.calls == []
    assert cache.backend() == "backends.MemoryKeyring"


def test_a_chain_of_plaintext_is_refused(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    plain = PlaintextKeyring()
    try_all(use(chain(plain)))
    assert plain.calls == []
    assert "plaintext" in warnings(caplog)[0]


def test_a_backend_that_is_exchanged_is_noticed(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = use(MemoryKeyring())
    cache.save(KEY, record(), owner=OWNER)
    monkeypatch.setattr(keyring.core, "_keyring_backend", MemoryKeyring())
    assert cache.load(KEY) is None


# Errors


ERRORS = [
    RuntimeError("a secret"),
    ConnectionResetError("a secret"),
    UnicodeEncodeError("utf-8", "a secret", 0, 1, "a secret"),
    TypeError("a secret"),
    EOFError(),
    keyring.errors.PasswordSetError("a secret"),
    SystemExit("a secret"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_any_other_error_is_a_miss_and_one_warning(
    error: BaseException, use: Use, caplog: pytest.LogCaptureFixture
) -> None:
    try_all(use(FailingKeyring(error)))
    [warning] = warnings(caplog)
    assert type(error).__name__ in warning
    assert "keyring get" in warning


class PyWinTypesError(Exception):
    """As pywintypes.error: the number is an attribute."""

    def __init__(self, winerror: int) -> None:
        super().__init__(winerror, "CredWrite", "a secret")
        self.winerror = winerror


def of_macos(status: int) -> Exception:
    """As keyring tells a status of the Keychain: the number is in the cause."""
    error = keyring.errors.PasswordSetError("a secret")
    error.__cause__ = Exception(status, "a secret")
    return error


NUMBERS = {
    -25244: (of_macos, "Delete the entries that begin with siperb/"),
    -25293: (of_macos, "Unlock the login keychain"),
    -25308: (of_macos, "security unlock-keychain"),
    -34018: (of_macos, "outside of the sandbox"),
    1312: (PyWinTypesError, "logged on to the desktop"),
    1783: (PyWinTypesError, "report it"),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_status_of_macos_or_windows_is_told_with_its_number_and_advice(
    number: int, use: Use, caplog: pytest.LogCaptureFixture
) -> None:
    make, advice = NUMBERS[number]
    cache = use(FailingKeyring(make(number)))
    try_all(cache)
    [warning] = warnings(caplog)
    assert f" {number})" in warning
    assert advice in warning
    with pytest.raises(CacheError) as caught:
        cache.check()
    assert str(number) in caught.value.reason
    assert advice in caught.value.advice


def test_an_unknown_status_is_told_with_its_number(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    try_all(use(FailingKeyring(of_macos(-25299))))
    assert "PasswordSetError -25299" in warnings(caplog)[0]


class _KWallet(MemoryKeyring):
    """Refused by the user, or by KWallet; as keyring/backends/kwallet.py."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


_KWallet.__module__ = "keyring.backends.kwallet"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (keyring.errors.InitError("Failed to open keyring: a secret."), "KWalletManager"),
        (keyring.errors.PasswordSetError("Cancelled by user"), "is locked"),
    ],
)
def test_a_refusal_of_kwallet_is_not_a_missing_collection(
    error: Exception, said: str, use: Use, caplog: pytest.LogCaptureFixture
) -> None:
    assert use(_KWallet(error)).save(KEY, record("a secret"), owner=OWNER) is False
    [warning] = warnings(caplog)
    assert said in warning
    assert "collection" not in warning


def test_every_sentence_stands_alone() -> None:
    """A capital letter, a full stop, at most 25 words; the reason and the advice are apart."""
    found = [value for value in vars(reasons).values() if isinstance(value, reasons.Reason)]
    assert len(found) > 15
    for reason in [*found, *reasons.BY_NUMBER.values()]:
        for text in filter(None, (reason.text, reason.advice, reason.in_code)):
            assert text[0].isupper()
            assert text.endswith(".")
            assert all(len(sentence.split()) <= 25 for sentence in text.split(". "))


def test_each_cause_is_warned_of_once(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    backend = FailingKeyring(RuntimeError())
    cache = use(backend)
    try_all(cache)
    backend.error = keyring.errors.NoKeyringError()
    try_all(cache)
    assert len(warnings(caplog)) == 2


def test_an_error_of_check_holds_nothing_of_the_keyrings_own(use: Use) -> None:
    cache = use(FailingKeyring(RuntimeError("a secret")))
    with pytest.raises(CacheError) as caught:
        cache.check()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "a secret" not in "".join(traceback.format_exception(caught.value))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.args) == (type(caught.value), (caught.value.reason, caught.value.advice))
    assert str(type(again)(*again.args)) == str(caught.value)


def test_the_cache_recovers_as_soon_as_the_keyring_does(use: Use) -> None:
    backend = FailingKeyring(RuntimeError())
    cache, saved = use(backend), record()
    assert cache.save(KEY, saved, owner=OWNER) is False
    backend.error = None
    assert cache.save(KEY, saved, owner=OWNER) is True
    assert cache.load(KEY) == saved


@pytest.mark.parametrize("answer", [b"bytes", 7, object(), ["list"]])
def test_an_answer_that_is_no_text_is_a_miss(answer: object, use: Use, caplog: pytest.LogCaptureFixture) -> None:
    backend = MemoryKeyring()
    backend.get_password = lambda service, username: answer  # type: ignore[method-assign,assignment,return-value]
    try_all(use(backend))
    assert "instead of text" in warnings(caplog)[0]


def test_a_keyring_that_forgets_does_not_pass_the_check(use: Use) -> None:
    backend = MemoryKeyring()
    backend.set_password = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(CacheError, match="does not keep"):
        use(backend).check()


def test_the_check_of_a_keyring_that_works_leaves_nothing(use: Use) -> None:
    backend = MemoryKeyring()
    use(backend).check()
    assert backend.entries == {}


def test_a_record_too_large_is_refused_with_a_warning(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    backend = MemoryKeyring()
    assert use(backend, timeout=30).save(KEY, record("x" * 200_000), owner=OWNER) is False
    [warning] = warnings(caplog)
    assert "200,002 characters" in warning


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "3", None, 86400])
def test_a_timeout_is_a_time_to_wait(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="number of seconds"):
        KeyringCache(timeout=timeout)
