"""Every code block of README.md is run, with a good token and with a refused one: Python in a process of its own, shell
lines one by one, tests by pytest.

The JavaScript ones register at a real registrar, see test_sip_registrar.py; tests/typing/readme.py checks types.
The commands that install something are run by the gate, which takes them from README.md word for word.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import certificate
from patience import patient_python
from sip_registrars import running_registrar

from siperb.testing import SiperbServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python" and "def test_" not in code]
TESTS = [code for language, code in BLOCKS if language == "python" and "def test_" in code]
SHELL = [line.split("#")[0].strip() for language, code in BLOCKS if language == "sh" for line in code.splitlines()]
SILENT = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
REPOSITORY = "https://github.com/siperb/siperb-python"
RAW = "https://raw.githubusercontent.com/siperb/siperb-python/main/"


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        patient_python(*arguments),
        env={**os.environ, **SILENT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def registrar(siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the first device is provisioned with, of a certificate that is trusted."""
    bundle, context = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with running_registrar(ssl_context=context) as running:
        settings = {"registration_mode": "WebSocket", "sip_wss_server": "127.0.0.1"}
        settings["sip_websocket_port"] = str(running.port)
        siperb_server.set_settings(siperb_server.user.devices[0], settings)
        yield


def first_line(code: object) -> str:
    return str(code).split("\n")[0]


@pytest.mark.parametrize("code", PYTHON, ids=first_line)
@pytest.mark.usefixtures("registrar")
def test_python_block_runs(siperb_server: SiperbServer, code: str) -> None:
    run = run_python("-c", code)
    assert (run.returncode, run.stderr) == (0, "")
    assert siperb_server.requests


@pytest.mark.parametrize("code", PYTHON, ids=first_line)
def test_python_block_says_that_the_token_is_refused(siperb_server: SiperbServer, code: str) -> None:
    siperb_server.revoke_pat()
    last = run_python("-c", code).stderr.splitlines()[-1]
    assert re.match(r"No phones: |siperb\.errors\.AuthenticationError: ", last)
    assert "the token is wrong or has expired" in last


def test_the_full_example_keeps_phones_of_one_name_and_names_the_unusable(siperb_server: SiperbServer) -> None:
    siperb_server.add_device(description="Front Desk")
    siperb_server.add_device(description="Lobby", settings={"sip_password": None})
    [code] = [code for code in PYTHON if "phone-export" in code]
    run = run_python("-c", code)
    assert run.returncode == 1
    assert [phone["name"] for phone in json.loads(run.stdout)] == ["Front Desk", "Door bell", "Front Desk"]
    assert re.fullmatch(r"Device 4, Lobby: .*missing: SipPassword.*\n", run.stderr)


@pytest.mark.parametrize("code", TESTS, ids=first_line)
def test_test_block_passes(pytester: pytest.Pytester, code: str) -> None:
    pytester.makepyfile(code)
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize("command", [line for line in SHELL if line.startswith("siperb ") and "serve" not in line])
def test_shell_line_runs(
    siperb_server: SiperbServer, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = run_python("-m", *shlex.split(command))
    assert (run.returncode, "siperb:" in run.stderr) == (0, False)


def test_the_lines_to_paste_are_what_serve_says() -> None:
    [serve] = [line for line in SHELL if line.startswith("siperb serve")]
    pasted = [line for line in SHELL if line.startswith("export ")]
    port = re.search(r"127\.0\.0\.1:(\d+)$", pasted[0])
    assert port
    assert serve == f"siperb serve --port {port[1]}"
    with SiperbServer() as server:
        here = server.base_url.replace(f":{server.port}", f":{port[1]}")
        assert pasted == [f"export SIPERB_BASE_URL={here}", f"export SIPERB_PAT={server.pat}"]
    [powershell] = [code for language, code in BLOCKS if language == "powershell"]
    assert powershell == "".join(re.sub(r"export (\w+)=(.*)", r'$env:\1 = "\2"', line) + "\n" for line in pasted)


def test_the_gate_runs_the_two_commands() -> None:
    first, second = (line for line in SHELL if line.startswith("pip install"))
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep --max-count=1 -E '([^']+)' README.md", gate)
    assert [bool(re.match(pattern, line)) for pattern, line in zip(patterns, (first, second), strict=True)] == [
        True
    ] * 2


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "sh", "powershell", "javascript", "text"}
    known = ("siperb ", "export ", "pip install ", f"git clone {REPOSITORY} ", "python3 -m venv ")
    assert [line for line in SHELL if line and not line.startswith(known)] == []


def test_links_lead_somewhere_from_any_page() -> None:
    """A package page shows this text too, so none of them is relative to the repository."""
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall("^#+ (.*)", README, re.M)
    }
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", README):
        [address] = filter(None, link)
        within = re.match(rf"{REPOSITORY}/(?:tree|blob)/main/(.*)|{RAW}(.*)", address)
        if within:
            assert (ROOT / (within[1] or within[2])).exists(), address
        elif address.startswith("#"):
            assert address[1:] in headings
        else:
            assert address.startswith("https://")


def test_pictures_are_described_and_light() -> None:
    pictures = re.findall(r"<img [^>]*>", README)
    assert len(pictures) == 2
    assert all(re.search(r' alt="[^"]{40,}"', picture) for picture in pictures)
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "pictures").glob("*.png")) < 300_000
