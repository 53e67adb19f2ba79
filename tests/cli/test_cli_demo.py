"""``siperb demo``: what it shows is what it runs, on this machine alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading

import pytest
from cli_helpers import Run, environment, secrets_of

from siperb.cli import demo
from siperb.cli.terminal import Paint
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)


def test_it_shows_every_line_that_it_runs_and_no_secret(run: Run, server: SiperbServer) -> None:
    result = run("demo")
    assert (result.code, result.err) == (0, "")
    shown = [line[6:] for line in result.out.splitlines() if line.startswith(("  >>> ", "  ... "))]
    assert shown == [line for step in demo.STEPS for line in step.code.splitlines()]
    assert not [secret for secret in secrets_of(server) if secret in result.out]  # of the demo's own seed
    assert not re.search(r"eyJ[\w.-]{40}", result.out)
    print(result.out.splitlines()[-7])  # how long it took


def test_a_program_gets_the_same(run: Run, server: SiperbServer) -> None:
    result = run("demo", "--json")
    assert (result.code, result.err) == (0, "")
    steps = json.loads(result.out)
    assert [(step["title"], step["code"]) for step in steps] == [(step.title, step.code) for step in demo.STEPS]
    assert all(step["came_back"] for step in steps)
    assert not [secret for secret in secrets_of(server) if secret in result.out]


def test_the_source_of_a_step_is_what_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    step = demo.Step("Sums", "import asyncio\nawait asyncio.sleep(0)\nx = 40 + 2", lambda names: [f"is {names['x']}"])
    server = demo.Step("", "class server: stop = print; requests = []", lambda names: ["there"])
    demo._run([server, step], Paint(None))
    out = capsys.readouterr().out
    assert "  >>> x = 40 + 2\n  is 42 (" in out


def test_it_needs_no_account_no_network_and_no_keyring(
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


def test_it_leaves_no_server_behind_when_a_step_fails(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError):
        demo._run([demo.STEPS[0], demo.Step("Oh", "1 / 0", lambda names: [])], Paint(None))
    assert not {thread for thread in threading.enumerate() if thread.name.startswith("siperb-server")} - before
