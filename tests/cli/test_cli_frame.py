"""The frame of the command line: exit codes, where talk and data go, what may be seen, what is loaded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import Run, environment, in_terminal, start

import siperb
from siperb import cli
from siperb.testing import Hold, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)

COMMANDS = list(cli._parser().commands.choices)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_no_library(option: str) -> None:
    code = f"import sys; from siperb.cli import main; main(['{option}']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    modules = {name.strip("'[],") for name in done.stderr.split()}
    assert "siperb.cli" in modules
    assert not modules & {"aiohttp", "requests", "keyring", "cattrs"}


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"siperb {siperb.__version__}\n", "")


def test_without_a_command_there_is_help_on_stderr(run: Run) -> None:
    result = run()
    assert (result.code, result.out) == (2, "")
    assert "siperb demo" in result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"usage: siperb {command}")
    assert max(map(len, result.out.splitlines())) <= 120


def test_an_unknown_option_is_named_without_its_value(run: Run) -> None:
    result = run("status", "--token=short-secret")
    assert (result.code, result.err) == (2, "siperb: unknown option --token; see `siperb status --help`\n")


def test_what_looks_like_a_token_is_not_repeated(run: Run, siperb_server: SiperbServer) -> None:
    for argv in ([siperb_server.pat], ["provision", "1", "--format", siperb_server.pat], ["status", siperb_server.pat]):
        result = run(*argv)
        assert result.code == 2
        assert siperb_server.pat not in result.out + result.err


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(401, 4, "AuthenticationError"), (403, 1, "PermissionDeniedError"), (418, 1, "APIStatusError")],
)
def test_an_error_is_one_sentence_or_one_line_of_json(
    run: Run, siperb_server: SiperbServer, status: int, code: int, kind: str
) -> None:
    siperb_server.fail("login", Status(status, headers={"X-Request-Id": "r-1"}), times=None)
    text, told = run("devices"), run("devices", "--json")
    assert (text.code, text.out) == (told.code, told.out) == (code, "")
    assert text.err.startswith("siperb: ")
    assert text.err.count("\n") == 1
    said = json.loads(told.err)
    assert said == {
        "error": kind,
        "message": text.err[8:-1],
        "exit_code": code,
        "status_code": status,
        "retry_after": None,
        "request_id": "r-1",
    }


def test_missing_credentials(run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIPERB_PAT")
    result = run("devices")
    assert result.code == 4
    assert "siperb login" in result.err


def test_a_bad_address_is_misuse(run: Run, siperb_server: SiperbServer) -> None:
    result = run("devices", "--base-url", "http://api.siperb.com")
    assert result.code == 2
    assert "https" in result.err


@pytest.mark.parametrize("before", [True, False])
def test_the_address_may_stand_before_or_behind_the_command(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    monkeypatch.delenv("SIPERB_BASE_URL")
    option = ["--base-url", siperb_server.base_url]
    assert run(*(option if before else []), "devices", *([] if before else option)).code == 0


def test_verbose_tells_what_is_done(run: Run, siperb_server: SiperbServer) -> None:
    quiet, verbose = run("devices"), run("devices", "-v")
    assert quiet.err == ""
    assert "Logged in as user" in verbose.err
    assert verbose.out == quiet.out


def test_nobody_reads_the_output(siperb_server: SiperbServer) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start("devices", stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_is_an_error(siperb_server: SiperbServer) -> None:
    with open("/dev/full", "w") as full:
        process = start("devices", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == "siperb: No space left on device.\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_an_interrupt_is_quiet(siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Hold())
    process = start("devices")
    siperb_server.wait_for_requests(1, 30, route="devices")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo terminals on Windows")
def test_colour_is_for_terminals_that_want_it(run: Run, siperb_server: SiperbServer) -> None:
    assert "\x1b[1m" in in_terminal("devices").out
    assert "\x1b" not in in_terminal("devices", NO_COLOR="1").out
    assert "\x1b" not in run("devices").out
