"""coturn on a loopback port, with one account: the way of media where there is no other."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from siprig import rig


@contextlib.contextmanager
def run_turn(directory: Path) -> Iterator[dict[str, str]]:
    """The server as an entry of `ice_servers`, as a browser and `siperb.phone` take it."""
    [port] = rig.free_ports(1)
    options = {
        "listening-ip": "127.0.0.1",
        "listening-port": port,
        "relay-ip": "127.0.0.1",
        "realm": rig.DOMAIN,
        "user": "turn:s3cret",
        "userdb": directory / "turn.db",
        "pidfile": directory / "turn.pid",
        "log-file": directory / "turn.log",
    }
    flags = ("no-cli", "lt-cred-mech", "allow-loopback-peers", "no-tls", "no-dtls", "no-software-attribute")
    turnserver = shutil.which("turnserver")
    assert turnserver
    process = subprocess.Popen(
        [turnserver, "-n", *(f"--{flag}" for flag in flags), *(f"--{name}={value}" for name, value in options.items())],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(port)
        yield {"urls": f"turn:127.0.0.1:{port}?transport=udp", "username": "turn", "credential": "s3cret"}
    finally:
        process.terminate()
        rig.wait(process)


def _wait_until_it_answers(port: int) -> None:
    """A STUN binding request, which anybody may send."""
    ends = time.monotonic() + rig.START
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.1)
        asking.connect(("127.0.0.1", port))
        while True:
            try:
                asking.send(bytes.fromhex("000100002112a442") + b"siperb-probe")
                asking.recv(1500)
                return
            except OSError:  # refused, or silent
                assert time.monotonic() < ends, "coturn does not answer"
                time.sleep(0.02)
