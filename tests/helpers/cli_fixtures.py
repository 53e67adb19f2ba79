"""A pytest plugin for the tests of the command line: run it in this process; a keyring in files, or none."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import backends
import keyring.core
import pytest
from cli_helpers import Result, Run
from doctor_helpers import StartRegistrar, point_at
from patience import PATIENCE
from sip_registrars import Registrar, Say, running_registrar

from siperb.cache import KeyringCache
from siperb.cli import main
from siperb.testing import SiperbServer


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command in this process; `stdin` is what is piped in."""

    def run(*argv: str, stdin: str | bytes = b"") -> Result:
        capsys.readouterr()
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        code = main(argv)
        return Result(code, *capsys.readouterr())

    yield run
    logger = logging.getLogger("siperb")
    logger.handlers = []
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def file_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that is the keyring, of this process and of those that it starts."""
    directory = tmp_path / "keyring"
    directory.mkdir()
    monkeypatch.setitem(cast(Any, KeyringCache.__init__).__kwdefaults__, "timeout", PATIENCE)
    monkeypatch.setenv("SIPERB_TEST_KEYRING", str(directory))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "backends.FileKeyring")
    monkeypatch.setattr(keyring.core, "_keyring_backend", backends.FileKeyring())
    return directory


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends.fail import Keyring

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr(keyring.core, "_keyring_backend", Keyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def pat(siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of an API that the environment names, without it."""
    monkeypatch.delenv("SIPERB_PAT")
    return siperb_server.pat


@pytest.fixture
def registrar(siperb_server: SiperbServer) -> Iterator[StartRegistrar]:
    """Start what the first device is provisioned with; the arguments are those of `running_registrar`."""
    with ExitStack() as stack:

        def start(*args: Say, **options: Any) -> Registrar:
            running = stack.enter_context(running_registrar(*args, **options))
            point_at(siperb_server, running.port)
            return running

        yield start
