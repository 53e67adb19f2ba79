"""``siperb provision --all``: every device, a line each, and which of them count."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from cli_helpers import Run, in_terminal, secrets_of, start

from siperb.testing import MISSING, Hold, SiperbServer, Status

pytest_plugins = ("cli_fixtures",)

FORMS = ("json", "env", "sipjs", "jssip")
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX files and terminals")


def test_all_devices_are_lines_of_json(run: Run, siperb_server: SiperbServer, tmp_path: Path) -> None:
    siperb_server.add_devices(20)
    secrets = secrets_of(siperb_server)
    siperb_server.set_settings(siperb_server.user.devices[2], {"sip_domain": MISSING})
    file = tmp_path / "phones.jsonl"
    result = run("provision", "--all", "--format", "sipjs", "--concurrency", "4", "-o", str(file))
    assert (result.code, result.out) == (1, "")
    assert result.err == f"21 of 22 devices provisioned, written to {file}, readable for you alone.\n"
    lines = sorted((json.loads(line) for line in file.read_text().splitlines()), key=lambda line: line["number"])
    assert [line["number"] for line in lines] == list(range(1, 23))
    assert lines[1]["description"] == "Door bell"
    assert lines[1]["error"] == "IncompleteProvisioningError"
    assert all(line["provisioning"]["authorizationPassword"] in secrets for line in lines if line["number"] != 2)


def test_a_device_that_no_phone_can_register_with_is_not_provisioned(run: Run, siperb_server: SiperbServer) -> None:
    siperb_server.set_settings(siperb_server.user.devices[0], {"sip_password": MISSING})
    siperb_server.set_settings(siperb_server.user.devices[2], None)
    result = run("provision", "--all")
    assert result.code == 1
    assert result.err == "0 of 2 devices provisioned.\n"
    lines = sorted((json.loads(line) for line in result.out.splitlines()), key=lambda line: line["number"])
    assert "SipPassword" in lines[0]["message"]
    assert lines[0]["provisioning"]["sip_username"]  # what there is
    assert "error" in lines[1]


@posix
def test_all_devices_on_a_terminal_are_masked(siperb_server: SiperbServer) -> None:
    secrets = secrets_of(siperb_server)
    result = in_terminal("provision", "--all")
    assert result.code == 0
    assert "2 of 2 devices provisioned" in result.out
    assert not [secret for secret in secrets if secret in result.out]


def test_a_run_that_fails_as_a_whole_leaves_what_was_there(
    run: Run, siperb_server: SiperbServer, tmp_path: Path
) -> None:
    file = tmp_path / "phones.jsonl"
    file.write_text("old")
    siperb_server.fail("devices", Status(403))
    assert run("provision", "--all", "-o", str(file)).code == 1
    assert file.read_text() == "old"


@pytest.mark.parametrize("argv", [[], ["1", "--all"], ["--all", "--format", "env"], ["--all", "--cache"]])
def test_one_device_or_all(run: Run, siperb_server: SiperbServer, argv: list[str]) -> None:
    assert run("provision", *argv).code == 2
    assert siperb_server.requests == []


@posix
def test_an_interrupt_does_not_wait_for_what_is_under_way(siperb_server: SiperbServer) -> None:
    siperb_server.add_devices(20)
    siperb_server.fail("provisioning", Hold(), times=None)
    with start("provision", "--all") as process:
        siperb_server.wait_for_requests(16, timeout=30, route="provisioning")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
