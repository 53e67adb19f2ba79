"""A D-Bus session that does not answer (cron, ssh, sudo, tmux after a logout) is not a keyring that is absent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux is the keyring behind D-Bus")

PROGRAM = """
import asyncio
from siperb import AsyncSiperb, KeyringCache, Siperb, SiperbError
options = {"base_url": "http://127.0.0.1:9", "strict": True, "cache": KeyringCache(timeout=60), "timeout": 120}
def said(error):
    print(type(error).__name__, error)
try:
    with Siperb(**options) as client: client.login()
except SiperbError as error: said(error)
async def main():
    async with AsyncSiperb(**options) as client: await client.login()
try: asyncio.run(main())
except SiperbError as error: said(error)
"""


def listen(path: Path, answer: bytes) -> socket.socket:
    """A bus that answers whoever greets it, if there is an answer, and hangs up; else it is mute."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        callers: list[socket.socket] = []
        with suppress(OSError):
            while True:
                callers.append(listener.accept()[0])
                if answer:
                    callers[-1].recv(1000)
                    callers[-1].sendall(answer)
                    callers.pop().close()

    threading.Thread(target=serve, daemon=True).start()
    return listener


def refused(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(path))


BUSES: dict[str, Callable[[Path], socket.socket | None]] = {
    "gone": lambda path: None,
    "dead": refused,
    "foreign": lambda path: listen(path, b"REJECTED EXTERNAL\r\n"),
    "hung up": lambda path: listen(path, b"OK 1234deadbeef\r\n"),
    "mute": lambda path: listen(path, b""),
}


@pytest.fixture(params=BUSES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    listener = BUSES[request.param](tmp_path / "bus")
    yield f"unix:path={tmp_path / 'bus'}"
    if listener:
        listener.close()


def run(**environment: str) -> str:
    taken = ("SIPERB", "PYTHON_KEYRING", "DBUS", "XDG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
    answer = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::ResourceWarning",
            "-c",
            PROGRAM,
        ],  # jeepney leaves its socket open
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == "", "nobody asked for caching"
    return answer.stdout


@pytest.mark.parametrize("backend", [None, "keyring.backends.SecretService.Keyring"])
def test_a_session_bus_that_does_not_answer_is_named(address: str, backend: str | None, tmp_path: Path) -> None:
    named = {"PYTHON_KEYRING_BACKEND": backend} if backend else {}
    sync, asynchronous = run(DBUS_SESSION_BUS_ADDRESS=address, HOME=str(tmp_path), **named).splitlines()
    assert sync == asynchronous
    assert sync.startswith("CredentialsUnavailableError")
    assert "The keyring cannot be reached" in sync
    assert "DBUS_SESSION_BUS_ADDRESS" in sync
    assert "SIPERB_PAT" in sync


def test_where_no_session_bus_is_named_there_is_no_token_and_no_warning(tmp_path: Path) -> None:
    sync, asynchronous = run(HOME=str(tmp_path)).splitlines()
    assert sync == asynchronous
    assert sync.startswith("MissingCredentialsError There is no personal access token (PAT)")


def test_a_backend_that_cannot_be_imported_is_not_blamed_on_the_bus(address: str, tmp_path: Path) -> None:
    said = run(DBUS_SESSION_BUS_ADDRESS=address, HOME=str(tmp_path), PYTHON_KEYRING_BACKEND="no.such.Keyring")
    assert "Correct or remove the environment variable PYTHON_KEYRING_BACKEND" in said
    assert "cannot be reached" not in said
