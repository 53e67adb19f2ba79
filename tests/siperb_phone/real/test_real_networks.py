"""Networks that are in the way: TURN as the only one, lost packets, many calls at once, other media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from real_phones import Talker, hears, incoming, phone, soon
from siprig import tones
from siprig.relay import run_relay
from siprig.rig import DOMAIN, Registrar
from siprig.tones import HEARD, WINDOW, Tone, listen, measure
from siprig.turn import run_turn

pytestmark = pytest.mark.registrar
US = f"sip:u700@{DOMAIN}"
MANY = 20

ONLY_RELAYED = """() => { talker.rewrite = (sdp) => sdp.replace(/^a=candidate:(?!.* typ relay).*\\r\\n/gm, ""); }"""
BY_THE_RELAY = """(...ports) => {
  talker.rewrite = (sdp, from) => sdp.replace(/^a=candidate:.*\\r\\n/gm, "").replace(/^(a=mid:.*\\r\\n)/m,
    `$1a=candidate:1 1 udp 2130706431 127.0.0.1 ${ports[from === "remote" ? 0 : 1]} typ host\\r\\n`);
}"""


@pytest.mark.parametrize("is_caller", [True, False], ids=["we call", "we are called"])
async def test_turn_is_the_only_way(registrar: Registrar, jssip: Talker, tmp_path: Path, is_caller: bool) -> None:
    with run_turn(tmp_path) as server:
        await jssip.set(iceServers=[server], policy="relay")
        await jssip.run(ONLY_RELAYED)
        async with phone(registrar, ice_servers=[server]) as us:
            if is_caller:
                call = await us.call(jssip.user, Tone(440))
            else:
                await jssip.do("call", US)
                call = await incoming(us)
                await soon(call.answer(Tone(440)))
            assert abs((await hears(call, jssip.hertz)).hertz - jssip.hertz) < 3
            assert abs(await jssip.hears(440) - 440) < 3
            stats = await jssip.do("stats")
            assert (stats["local"], stats["remote"]) == ("relay", "relay")
            await call.hang_up()


@pytest.mark.parametrize(("every", "burst"), [(100, 1), (40, 2)], ids=["1 %", "5 %, two in a row"])
async def test_packets_are_lost(registrar: Registrar, jssip: Talker, every: int, burst: int) -> None:
    """A lost packet costs its own 20 ms, and no more: as many frames come as packets passed, and the tone stays."""
    async with run_relay(every, burst) as relay, phone(registrar) as us:
        await jssip.run(BY_THE_RELAY, *relay.ports)
        await jssip.do("call", US)
        call = await incoming(us)
        await soon(call.answer(Tone(440)))
        track = await soon(call.audio())
        await hears(call, jssip.hertz)
        before = relay.passed[0]
        samples = await asyncio.wait_for(listen(track, 3), 20)
        passed = relay.passed[0] - before
        windows = [measure(samples[at : at + WINDOW]) for at in range(0, 3 * HEARD - WINDOW, WINDOW)]
        assert all(heard.is_tone(jssip.hertz) for heard in windows), [str(heard) for heard in windows]
        assert len(samples) / HEARD >= 0.9 * passed * 0.02
        assert all(relay.lost)
        assert abs(await jssip.hears(440) - 440) < 3
        await call.hang_up()


async def test_many_calls_at_once(registrar: Registrar, jssip: Talker) -> None:
    """Each has a tone of its own, which the page finds in one of its connections."""
    async with phone(registrar) as us:
        first = await jssip.do("count")
        tones = [500 + 20 * number for number in range(MANY)]
        await jssip.run("(target, count) => { for (let n = 0; n < count; n++) talker.call(target); }", US, MANY)
        calls = [await incoming(us) for _ in tones]
        await asyncio.gather(*(call.answer(Tone(hertz)) for call, hertz in zip(calls, tones, strict=True)))
        assert len(us.calls) == MANY
        heard = await asyncio.gather(*(hears(call, jssip.hertz, patience=20) for call in calls))
        assert all(abs(each.hertz - jssip.hertz) < 3 for each in heard)
        found = {round(await jssip.hears(*tones, at=first + number) / 10) * 10 for number in range(MANY)}
        assert found == set(tones)
        await asyncio.gather(*(call.hang_up() for call in calls))
        assert us.calls == ()


async def test_the_media_are_somebody_elses(registrar: Registrar, talker: Talker) -> None:
    """As with Pipecat: an aiortc connection of the test's own, and only the signalling from here, both ways."""
    async with phone(registrar) as us:
        await talker.do("call", US)
        call = await incoming(us)
        async with connection(330) as theirs:
            await theirs.setRemoteDescription(RTCSessionDescription(call.offer or "", "offer"))
            await theirs.setLocalDescription(await theirs.createAnswer())
            await call.answer_with(theirs.localDescription.sdp)
            assert abs(await talker.hears(330) - 330) < 3
            track = theirs.getReceivers()[0].track
            assert abs((await tones.hears(track, talker.hertz)).hertz - talker.hertz) < 3
            await call.hang_up()
        async with connection(350) as theirs:
            await theirs.setLocalDescription(await theirs.createOffer())
            call = await us.call(talker.user, offer=theirs.localDescription.sdp)
            await theirs.setRemoteDescription(RTCSessionDescription(call.remote_sdp or "", "answer"))
            assert abs(await talker.hears(350) - 350) < 3
            track = theirs.getReceivers()[0].track
            assert abs((await tones.hears(track, talker.hertz)).hertz - talker.hertz) < 3


@asynccontextmanager
async def connection(hertz: int) -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection()
    connection.addTrack(Tone(hertz))
    try:
        yield connection
    finally:
        await connection.close()
