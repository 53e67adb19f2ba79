"""``siperb demo``: what it shows is what it runs, on this machine alone; ``siperb serve`` and ``completion``."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_helpers import Run, environment, secrets_of, start

from siperb import Siperb
from siperb.cli import local
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)


def test_it_shows_every_line_that_it_runs_and_no_secret(run: Run, server: SiperbServer) -> None:
    result = run("demo")
    assert (result.code, result.err) == (0, "")
    shown = [line[4:] for line in result.out.splitlines() if line.startswith((">>> ", "... "))]
    assert shown == [line for step in local.STEPS.strip().split("\n\n") for line in step.split("\n")[1:]]
    assert not [secret for secret in secrets_of(server) if secret in result.out]  # of the demo's own seed
    assert not re.search(r"eyJ[\w.-]{40}", result.out)
    for said in ("['Front Desk', 'Door bell']", "the token is wrong"):
        assert said in result.out


def test_the_demo_in_json_is_a_line_for_each_step(run: Run) -> None:
    steps = [json.loads(line) for line in run("demo", "--json").out.splitlines()]
    assert [step["code"] for step in steps] == [step.partition("\n")[2] for step in local.STEPS.strip().split("\n\n")]
    assert steps[2]["shown"] == "['Front Desk', 'Door bell']"


def test_the_demo_needs_no_account_no_network_and_no_keyring(
    other_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPERB_PAT", other_server.pat)
    monkeypatch.setenv("SIPERB_BASE_URL", other_server.base_url)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    code = "import sys; from siperb.cli import main; sys.exit(main(['demo']) or 'keyring' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert other_server.requests == []


def test_the_demo_leaves_no_server_behind_when_a_step_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    monkeypatch.setattr(local, "STEPS", local.STEPS.replace("session.user_id", "1 / 0"))
    with pytest.raises(ZeroDivisionError):
        run("demo")
    assert not {thread for thread in threading.enumerate() if thread.name.startswith("siperb-server")} - before


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
    assert err == f"Serving at {environment['SIPERB_BASE_URL']}. Ctrl-C ends it.\n"


def test_what_serve_prints_in_json() -> None:
    with serving("--json") as process:
        assert process.stdout
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        assert json.loads(text)["SIPERB_PAT"].startswith("pat-")


def test_a_taken_port_is_an_error_and_a_port_is_a_number(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert (result.code, result.out, "choose another" in result.err) == (1, "", True)
    for port in ("65536", "-1", "http", "1.5", ""):
        assert run("serve", f"--port={port}").code == 2


BASH = """
eval "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_shtab_siperb siperb "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}" 2>&1
echo "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["dev"], {"devices"}),
        (["fleet", ""], {"plan", "apply"}),
        (["provision", "--rev"], {"--reveal"}),
        (["provision", "--format", "si"], {"sipjs"}),
        (["log", "front", "tr"], {"trace"}),
        (["completion", "f"], {"fish"}),
    ],
)
def test_bash_completes(run: Run, words: list[str], offered: set[str]) -> None:
    script = run("completion", "bash").out
    command = ["bash", "-c", BASH, "bash", script, "siperb", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert offered <= set(done.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh"])
def test_other_shells_take_the_script(run: Run, tmp_path: Path, shell: str) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", shell).out)
    assert "provision" in script.read_text()
    assert json.loads(run("completion", shell, "--json").out) == {"shell": shell, "script": script.read_text()}
    if shutil.which(shell) and shell != "tcsh":
        assert subprocess.run([shell, "-n", script], capture_output=True).returncode == 0


def test_without_shtab_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    result = run("completion", "bash")
    assert (result.code, result.out) == (1, "")
    assert 'pip install "siperb[completion]"' in result.err
