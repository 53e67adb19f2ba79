"""The examples of a phone and the blocks of its page, as they are: over wss, with a certificate that is trusted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks_of
from real_phones import hears, incoming, logged, phone, provisioned, soon
from siprig.rig import Registrar, wait
from siprig.tones import HEARD, Tone, listen, measure, sine

from siperb.phone import EndReason
from siperb.testing import SiperbServer

pytestmark = pytest.mark.registrar
BLOCKS = [block for block in blocks_of(ROOT / "docs" / "guides" / "phone.md") if block.language == "python"]


@pytest.fixture(autouse=True)
def account(siperb_server: SiperbServer, registrar: Registrar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The phones u700 and u703 of one user, whose registrar is Kamailio; and a directory with a greeting."""
    for name, user in ("Front Desk", "u700"), ("Door bell", "u703"):
        [device] = [device for device in siperb_server.user.devices if device.description == name]
        known = provisioned(registrar, user, sip_websocket_port=registrar.wss_port)
        names = "sip_username", "sip_password", "sip_domain", "sip_wss_server", "contact_user_name", "registration_mode"
        settings = {name: getattr(known, name) for name in names}
        siperb_server.set_settings(device, {**settings, "sip_websocket_port": str(registrar.wss_port)})
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(registrar.spki.parent / "cert.pem"))
    monkeypatch.chdir(tmp_path)
    with wave.open("hello.wav", "wb") as greeting:
        greeting.setnchannels(1)
        greeting.setsampwidth(2)
        greeting.setframerate(HEARD)
        greeting.writeframes(sine(440, HEARD).tobytes() * 2)


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        wait(process)
        assert process.stdout
        print(process.stdout.read())
        process.stdout.close()


async def test_the_bot_greets_repeats_and_hangs_up(registrar: Registrar) -> None:
    since = len(registrar.log)
    with running(ROOT / "examples" / "answering_bot.py"):
        await logged(registrar, "accepted sip:u700@.* wss", since)
        async with phone(registrar, "u703") as caller:
            call = await soon(caller.call("u700", Tone(500)))
            assert abs((await hears(call, 440)).hertz - 440) < 3
            assert abs((await hears(call, 500)).hertz - 500) < 3
            await call.send_digits("1#")
            assert (await soon(call.ended())).reason is EndReason.PEER_HUNG_UP


def test_the_check_passes() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROOT / "examples" / "check_call.py"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
    assert "warning" not in run.stdout


@pytest.mark.parametrize("block", [block for block in BLOCKS if "phone.call" not in block.code], ids=str)
def test_a_block_of_the_page_registers(registrar: Registrar, block: Block) -> None:
    since = len(registrar.log)
    run = block.run()
    assert (run.stdout, run.stderr) == ("Registered: True\n", "")
    assert registrar.seen("accepted sip:u700@.* wss", since)
    assert not any("c700" in binding["Address"] for binding in registrar.bindings())


@pytest.mark.parametrize("block", [block for block in BLOCKS if "phone.call" in block.code], ids=str)
async def test_a_block_of_the_page_calls_and_records(registrar: Registrar, block: Block) -> None:
    running = asyncio.create_task(asyncio.to_thread(block.run))
    async with phone(registrar, "u703") as called:
        call = await incoming(called)
        await soon(call.answer(Tone(700)))
        assert abs((await hears(call, 440)).hertz - 440) < 3
        await listen(await call.audio(), 1)
        await call.hang_up()
        run = await running
    assert run.stderr == ""
    assert "PEER_HUNG_UP" in run.stdout
    with wave.open("answer.wav") as recorded:
        rate, channels = recorded.getframerate(), recorded.getnchannels()
        samples = memoryview(recorded.readframes(recorded.getnframes())).cast("h")[::channels]
    assert abs(measure(samples.tolist(), rate).hertz - 700) < 10


@pytest.mark.parametrize("block", [block for block in BLOCKS if "phone.call" in block.code], ids=str)
def test_a_block_of_the_page_says_that_nobody_is_there(block: Block) -> None:
    run = block.run()
    assert run.returncode == 1
    assert run.stderr.startswith("480: ")
    assert len(run.stderr.splitlines()) == 1
