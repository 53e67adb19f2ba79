"""How tests run the command line in a process and in a terminal, and what must not be seen there."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from patience import patient_python

import siperb
from siperb import Siperb
from siperb.testing import SiperbServer

HELPERS = Path(__file__).parent
PACKAGE = Path(siperb.__file__).parents[1]

# Makes the terminal on stdin the controlling one, as a shell does, so that there is a /dev/tty.
IN_TERMINAL = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("siperb", run_name="__main__", alter_sys=True)
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str = ""


Run = Callable[..., Result]

posix_terminal = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")
posix_signals = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")


def secrets_of(server: SiperbServer) -> set[str]:
    """All that nobody may see. The clock of the API is stopped: a JWT says when it was made."""
    now = time.time()
    server.now = lambda: now
    secrets = {server.pat, server.user.session_token, *(device.token for device in server.user.devices)}
    with Siperb(server.pat, base_url=server.base_url, strict=True, state=None) as client:
        for device in client.get_devices():
            phone = client.get_provisioning(device.device_token)
            secrets |= {phone.sip_password or "", phone.sip_jwt or ""}
    assert "" not in secrets
    server.clear()
    return secrets


def environment(**more: str) -> dict[str, str]:
    """For a process: this one's, with the package and the backends that this one has.

    Without the development mode, in which asyncio tells stderr of what it thinks slow.
    """
    path = os.pathsep.join((str(PACKAGE), str(HELPERS)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDEVMODE": "", **more}


def start(*argv: str, ignoring: Iterable[int] = (), **options: Any) -> subprocess.Popen[str]:
    """A process that ignores these signals and no other, whatever this one was started to ignore."""

    def dispose() -> None:
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN if number in ignoring else signal.SIG_DFL)

    if os.name != "nt":
        options["preexec_fn"] = dispose
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "siperb", *argv]
    return subprocess.Popen(command, text=True, env=environment(), **{**pipes, **options})


def spawn(*argv: str, stdin: str = "", **more: str) -> Result:
    command = patient_python("-m", "siperb", *argv)
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment(**more), timeout=60)
    return Result(done.returncode, done.stdout, done.stderr)


def in_terminal(
    *argv: str,
    prompt: str = "",
    typed: str = "",
    interrupted: bool = False,
    columns: int = 200,
    then: Callable[[], object] | None = None,
    **more: str,
) -> Result:
    """In a terminal of that width, which shows both outputs.

    Once `prompt` is there, `typed` is entered, or Ctrl-C pressed, and `then` is called.
    """
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    command = [sys.executable, "-c", IN_TERMINAL, *argv]
    env = environment(**{"TERM": "xterm", "PYTHONUTF8": "1", **more})
    env.pop("COLUMNS", None)
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    keys = b"\x03" if interrupted else typed.encode() + b"\n" if typed else b""
    seen, silence = b"", 0
    try:
        while silence < 60:
            if not select.select([master], [], [], 5)[0]:
                silence += 5
                if interrupted and not keys:  # once more: Python misses a signal that comes just before it reads
                    os.write(master, b"\x03")
                continue
            try:
                chunk = os.read(master, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not chunk:
                break
            seen += chunk
            if prompt.encode() in seen:
                os.write(master, keys)
                if then:
                    then()
                keys, then = b"", None
        code = process.wait(60)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return Result(code, seen.decode().replace("\r\n", "\n"))
