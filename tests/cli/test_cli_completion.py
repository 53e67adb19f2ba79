"""``siperb completion``, in the shells themselves; and what is suggested for what is mistyped."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cli_helpers import Run, environment

from siperb import cli
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)

BASH = """
eval "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_siperb 2>&1
echo "${COMPREPLY[@]}"
"""


def completed(script: str, *words: str) -> list[str]:
    done = subprocess.run(["bash", "-c", BASH, "bash", script, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash(run: Run) -> None:
    script = run("completion", "bash").out
    assert completed(script, "siperb", "dev") == ["devices"]
    assert set(completed(script, "siperb", "")) > {*cli._parser().commands.choices, "--help", "--version"}
    assert completed(script, "siperb", "provision", "--rev") == ["--reveal"]
    assert completed(script, "siperb", "provision", "1", "--format", "") == ["json", "env", "sipjs", "jssip"]
    assert completed(script, "siperb", "--timeout", "3", "completion", "f") == ["fish"]
    assert completed(script, "siperb", "provision", "-o", "")[-1:] != ["--all"]  # files


@pytest.mark.skipif(not shutil.which("zsh"), reason="there is no zsh")
def test_zsh(run: Run) -> None:
    script = run("completion", "zsh").out
    code = f'autoload -U compinit && compinit -u -D\n{script}\nprint "$_comps[siperb]"'
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.strip() != ""


@pytest.mark.skipif(not shutil.which("fish"), reason="there is no fish")
def test_fish(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "siperb.fish"
    script.write_text(run("completion", "fish").out)

    def offered(line: str) -> list[str]:
        code = f"source {script}; complete -C '{line}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", code], capture_output=True, text=True, timeout=60, env=environment()
        )
        assert done.stderr == ""
        return [said.partition("\t")[0] for said in done.stdout.splitlines()]

    assert offered("siperb dev") == ["devices"]
    assert offered("siperb provision --rev") == ["--reveal"]
    assert sorted(offered("siperb provision 1 --format ")) == ["env", "json", "jssip", "sipjs"]
    assert offered("siperb completion f") == ["fish"]


def test_a_shell_that_is_not_known(run: Run) -> None:
    result = run("completion", "csh")
    assert (result.code, result.out) == (2, "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["devcies"], "there is no such command: did you mean devices?; see `siperb --help`"),
        (["devices", "--jsn"], "unknown option --jsn: did you mean --json?; see `siperb devices --help`"),
        (["provision", "1", "--format", "sipsj"], "did you mean sipjs?"),
        (["completion", "fsh"], "there is no such SHELL: did you mean fish?"),
        (["frobnicate"], "there is no such command; there are "),
    ],
)
def test_what_is_nearly_right_is_suggested(run: Run, siperb_server: SiperbServer, argv: list[str], said: str) -> None:
    result = run(*argv)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert argv[0] == "provision" or "frobnicate" not in result.err
