"""The frame of the command line: exit codes, usage errors, where talk and data go, what is loaded, encodings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import Run, environment, in_terminal, posix_terminal, spawn, start

import siperb
from siperb.cli.parser import COMMANDS
from siperb.testing import Body, Hold, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_no_library(option: str) -> None:
    code = f"import sys; from siperb.cli import main; main(['{option}']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    modules = {name.strip("'[],") for name in done.stderr.split()}
    assert "siperb.cli" in modules
    libraries = {"aiohttp", "requests", "keyring", "cattrs", "attrs", "http.client"}
    assert not modules & (libraries | {"json", "inspect", "shutil"})


def test_version(run: Run) -> None:
    assert run("--version") == run("--version", "devices") == (0, f"siperb {siperb.__version__}\n", "")


def test_without_a_command_there_is_help_on_stderr(run: Run) -> None:
    for argv, shown in ([], "siperb demo"), (["pat"], "pat rotate"), (["--timeout", "5"], "siperb demo"):
        result = run(*argv)
        assert (result.code, result.out) == (2, "")
        assert shown in result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 80 columns, without a break within a command line."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")  # argparse has colours since Python 3.14
    result = run(*command.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"usage: siperb {command}")
    assert max(map(len, result.out.splitlines())) <= 80
    assert not [line for line in result.out.splitlines() if line.count("`") % 2]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["devcies"], "There is no such command: did you mean devices? See `siperb --help`."),
        (["pat", "crate", "x"], "There is no such command: did you mean pat create? See `siperb pat --help`."),
        (["devices", "--jsn"], "There is no option --jsn: did you mean --json? See `siperb devices --help`."),
        (["status", "--token=hush"], "There is no option --token: see `siperb status --help`."),
        (["status", "hush"], "There are too many arguments: see `siperb status --help`."),
        (["devices", "--json=hush"], "this value"),
        (["provision", "1", "--format", "sipsj"], "did you mean sipjs?"),
        (["provision", "1", "--format", "hush"], "There is no such value: use json, env, sipjs, jssip".lower()),
        (["completion", "fsh"], "did you mean fish?"),
        (["hush"], "There is no such command: see `siperb --help`."),
        (["--user", "hush", "devices"], "There is no option --user"),
        (["demo", "--base-url", "hush"], "There is no option --base-url"),
        (["log", "1", "--date", "hush"], "a day as in 2026-11-25 is needed"),
        (["pat", "create", "x", "--days", "hush"], "a whole number is needed"),
        (["log"], "DEVICE"),
    ],
)
def test_a_usage_error_says_what_is_meant_and_repeats_no_value(run: Run, argv: list[str], said: str) -> None:
    result, as_json = run(*argv), run("--json", *argv)
    assert (result.code, result.out, as_json.code, as_json.out) == (2, "", 2, "")
    assert result.err.startswith("siperb: ")
    assert said.casefold() in result.err.casefold()
    assert "hush" not in result.err
    assert argv[-1] == "--json=hush" or argv[0] == "demo" or json.loads(as_json.err)["message"] in result.err


def test_what_looks_like_a_token_is_not_repeated(run: Run, siperb_server: SiperbServer) -> None:
    for argv in ([siperb_server.pat], ["provision", "1", "--format", siperb_server.pat], ["status", siperb_server.pat]):
        result = run(*argv)
        assert result.code == 2
        assert siperb_server.pat not in result.out + result.err


@pytest.mark.parametrize("place", [0, 1, 2])
def test_shared_options_stand_before_or_behind_a_command(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.delenv("SIPERB_BASE_URL")
    words = ["pat", "list"]
    words[place:place] = ["--base-url", siperb_server.base_url, "--json", "--timeout=9"]
    assert json.loads(run(*words).out)[0]["pat_id"]


def test_an_option_may_stand_between_arguments(run: Run, siperb_server: SiperbServer) -> None:
    assert "on 2001-01-01" in run("log", "1", "--date", "2001-01-01", "latency").err


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
    assert text.err.count("\n") == 1
    said = {"error": kind, "message": text.err.removeprefix("siperb: ")[:-1], "exit_code": code}
    assert json.loads(told.err) == {**said, "status_code": status, "retry_after": None, "request_id": "r-1"}


def test_missing_credentials_and_a_bad_address(
    run: Run, siperb_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("devices", "--base-url", "http://api.siperb.com")
    assert (result.code, "https" in result.err) == (2, True)
    assert "base_url" not in result.err
    monkeypatch.delenv("SIPERB_PAT")
    result = run("devices")
    assert (result.code, "siperb login" in result.err) == (4, True)


def test_verbose_tells_what_is_done(run: Run, siperb_server: SiperbServer) -> None:
    quiet, verbose = run("devices"), run("-v", "devices")
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
    assert (process.returncode, err) == (1, "siperb: No space left on device.\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_an_interrupt_is_said(siperb_server: SiperbServer) -> None:
    siperb_server.fail("devices", Hold())
    process = start("devices")
    siperb_server.wait_for_requests(1, 30, route="devices")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "siperb: Interrupted.\n")
    assert process.returncode == 130


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_an_encoding_cannot_hold_is_an_error_and_not_altered(
    siperb_server: SiperbServer, tmp_path: Path, encoding: str
) -> None:
    password = "Łódź-€"
    siperb_server.add_device(description="Łódź", settings={"SipPassword": password})
    for argv in (["provision", "3", "--format", "env"], ["devices"]):
        result = spawn(*argv, PYTHONIOENCODING=encoding)
        assert (result.code, result.out) == (1, "")
        assert f"The output's encoding, {encoding}, has no U+0141: use -o FILE or --json." in result.err
    assert spawn("provision", "3", "--format", "env", "-o", str(tmp_path / "env"), PYTHONIOENCODING=encoding).code == 0
    assert f"SIPERB_SIP_PASSWORD='{password}'\n" in (tmp_path / "env").read_text(encoding="utf-8")
    assert json.loads(spawn("provision", "3", PYTHONIOENCODING=encoding).out)["sip_password"] == password


@pytest.mark.parametrize("argv", [["api", "GET", "/Users/{user_id}"], ["provision", "1"]])
def test_json_that_goes_out_is_json(run: Run, siperb_server: SiperbServer, argv: list[str]) -> None:
    siperb_server.fail("user", Body('{"UserId": "u", "Limit": 1e999}'), times=None)
    siperb_server.fail("provisioning", Body('{"Platform": "script", "Settings_json": {"Limit": -1e999}}'), times=None)
    out = run(*argv).out
    assert '"Limit": null' in out
    json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@posix_terminal
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[" * 900 + "]" * 900, ""),  # some versions of Python show it, others say that it is nested too deeply
        ("[" * 100_000 + "]" * 100_000, "siperb: "),
        (json.dumps({"Description": "é" * 1_000_000}), "é" * 1000),
        (json.dumps({"Description": "\u202e" * 200_000}), "<U+202E>" * 1000),
    ],
    ids=["deep", "deeper", "long", "unseen"],
)
def test_no_answer_ends_in_a_traceback(siperb_server: SiperbServer, body: str, said: str) -> None:
    siperb_server.fail("user", Body(body), times=None)
    result = in_terminal("api", "GET", "/Users/{user_id}")
    assert said in result.out
    assert result.code == 0 or "siperb: " in result.out
    assert "Traceback" not in result.out


@posix_terminal
@pytest.mark.parametrize("variable", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_there_is_no_escape_where_none_is_wanted(siperb_server: SiperbServer, variable: dict[str, str]) -> None:
    """Neither in a table, an error, nor in what is said while the command waits."""
    siperb_server.fail("devices", Status(429, retry_after=1), times=None)
    assert "\x1b[31m" in in_terminal("devcies").out
    for argv in (["devices", "--timeout", "3"], ["status"], ["--help"], ["provision", "--all", "--timeout", "3"]):
        assert "\x1b" not in in_terminal(*argv, **variable).out
