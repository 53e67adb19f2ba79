"""Signals: no file with passwords is left behind, what was done is said, and what is to be ignored is ignored."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cli_helpers import posix_signals, start
from effort import EACH

from siperb.cli import secrets
from siperb.cli.failures import Interrupted
from siperb.testing import Hold, SiperbServer

pytest_plugins = ("cli_fixtures",)
pytestmark = posix_signals

ENDING = [getattr(signal, name) for name in ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] if hasattr(signal, name)]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def waiting(siperb_server: SiperbServer, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A bulk run that has got one of five documents, and waits for the others."""
    siperb_server.add_devices(3)
    siperb_server.fail("provisioning", Hold(), times=4)
    with start("provision", "--all", "-o", str(tmp_path / "phones.jsonl")) as process:
        siperb_server.wait_for_requests(5, timeout=60, route="provisioning")
        yield process
        process.kill()


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_leaves_no_file(waiting: subprocess.Popen[str], tmp_path: Path, number: signal.Signals) -> None:
    assert len(left_in(tmp_path)) == 1  # else the test sees nothing
    waiting.send_signal(number)
    _, said = waiting.communicate(timeout=60)
    assert left_in(tmp_path) == []
    assert waiting.returncode == 128 + number
    assert said.startswith("siperb: Interrupted after ")
    assert said.endswith(f" of 5: nothing was written to {tmp_path / 'phones.jsonl'}.\n")


def test_two_signals_at_once_leave_no_file(waiting: subprocess.Popen[str], tmp_path: Path) -> None:
    waiting.send_signal(signal.SIGTERM)
    waiting.send_signal(signal.SIGHUP)
    waiting.communicate(timeout=60)
    assert left_in(tmp_path) == []


def test_what_does_not_end_a_process_does_not_end_it(waiting: subprocess.Popen[str], tmp_path: Path) -> None:
    for number in signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG, signal.SIGCONT:
        waiting.send_signal(number)
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 128 + signal.SIGTERM


def test_what_it_was_started_to_ignore_is_ignored(siperb_server: SiperbServer, tmp_path: Path) -> None:
    """As below `nohup`, and in the background of a script."""
    hold = Hold()
    siperb_server.fail("provisioning", hold)
    file = tmp_path / "phones.jsonl"
    with start("provision", "--all", "-o", str(file), ignoring=[signal.SIGHUP, signal.SIGINT]) as process:
        siperb_server.wait_for_requests(2, timeout=60, route="provisioning")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        hold.release()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(file.read_text().splitlines()) == 2


def test_one_device_says_that_nothing_is_written(siperb_server: SiperbServer, tmp_path: Path) -> None:
    siperb_server.fail("provisioning", Hold())
    file = tmp_path / "phone.json"
    with start("provision", "1", "-o", str(file)) as process:
        siperb_server.wait_for_requests(1, timeout=60, route="provisioning")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", f"siperb: Interrupted: nothing was written to {file}.\n")
    assert process.returncode == 130


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # which the end of the process closes
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="traces of single instructions are wrong in 3.12.1 and 3.13.0")
def test_no_instruction_leaves_a_file(tmp_path: Path) -> None:
    """Interrupted at it, once, in the writing: the file is there as a whole, or not, and nothing beside it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    file, ended = tmp_path / "phone.json", 0
    try:
        for instruction in itertools.count(1, EACH):
            raised: list[bool] = []
            try:
                with (
                    secrets.ended_by_signals(),
                    raised_at(instruction) as raised,
                    secrets.opened(str(file)) as out,
                ):
                    out.write("secret")
            except Interrupted:
                ended += 1
            assert left_in(tmp_path) in ([], ["phone.json"])
            assert not file.exists() or file.read_text() == "secret"
            file.unlink(missing_ok=True)
            if not raised:
                break
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended > 100 // EACH


def test_a_second_signal_before_the_file_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they come together when a terminal closes, or a service is stopped."""
    remove = secrets._remove

    def late(file: str) -> None:
        if sys._getframe(1).f_code.co_name == "opened":
            os.kill(os.getpid(), signal.SIGTERM)
        remove(file)

    monkeypatch.setattr(secrets, "_remove", late)
    monkeypatch.setattr(os, "fsync", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with (
            pytest.raises(Interrupted),
            secrets.ended_by_signals(),
            secrets.opened(str(tmp_path / "phone.json")) as out,
        ):
            out.write("secret")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert left_in(tmp_path) == []


class raised_at:
    """SIGTERM before the instruction of this number of `siperb.cli.secrets`."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __enter__(self) -> list[bool]:
        self._raised: list[bool] = []
        sys.settrace(self._trace)
        return self._raised

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != secrets.__file__ or frame.f_code.co_name == "_end":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self._left -= 1
            if not self._left:
                self._raised.append(True)
                os.kill(os.getpid(), signal.SIGTERM)
        return self._trace
