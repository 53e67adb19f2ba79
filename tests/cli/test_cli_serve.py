"""``siperb serve``: a loopback API for other programs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cli_helpers import Run, start

from siperb import Siperb

pytest_plugins = ("cli_fixtures",)


@contextmanager
def serving(*argv: str) -> Iterator[subprocess.Popen[str]]:
    process = start("serve", *argv)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without a signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    with serving("--devices", "3") as process:
        assert process.stdout
        environment = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(2))
        assert set(environment) == {"SIPERB_BASE_URL", "SIPERB_PAT"}
        with Siperb(environment["SIPERB_PAT"], base_url=environment["SIPERB_BASE_URL"], strict=True) as client:
            assert len(client.get_devices() or []) == 5
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err == f"Serving at {environment['SIPERB_BASE_URL']}; Ctrl-C ends it.\n"


@pytest.mark.skipif(not shutil.which("sh"), reason="there is no shell")
def test_a_shell_can_source_the_lines() -> None:
    with serving() as process:
        assert process.stdout
        lines = process.stdout.readline() + process.stdout.readline()
        said = subprocess.run(
            ["sh", "-c", f'{lines} env | grep -cE "^SIPERB_(PAT|BASE_URL)=.*[0-9]"'], capture_output=True, text=True
        )
    assert said.stdout == "2\n"


def test_json() -> None:
    with serving("--json") as process:
        assert process.stdout
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        assert json.loads(text)["SIPERB_PAT"].startswith("pat-")


def test_a_taken_port_is_an_error(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"siperb: cannot listen on port {port}")
    assert "choose another" in result.err


@pytest.mark.parametrize("port", ["65536", "-1", "http", "1.5", ""])
def test_a_port_is_a_number(run: Run, port: str) -> None:
    assert run("serve", f"--port={port}").code == 2
