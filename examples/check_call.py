"""A check for your monitoring: one phone calls another. Does it ring, carry audio and keys, and end?

Needs `pip install "siperb[phone]" pytest`. Run `pytest check_call.py`. It takes the first two phones of the account."""

import asyncio
from array import array
from itertools import pairwise
from typing import Any

from aiortc.contrib.media import MediaPlayer
from av import AudioResampler

from siperb import AsyncSiperb
from siperb.phone import EndReason, Phone


async def frequency(track: Any) -> float:
    """The new waves in a second, counted when the line has settled."""
    resampler, samples = AudioResampler("s16", "mono", 8000), array("h")
    while len(samples) < 12_000:
        for part in resampler.resample(await track.recv()):
            samples.frombytes(bytes(part.planes[0])[: 2 * part.samples])
    return sum(before < 0 <= after for before, after in pairwise(samples[-8000:]))


async def check() -> None:
    async with AsyncSiperb(strict=True) as client:
        one, other, *_ = [await client.get_provisioning(each.device_token) for each in await client.get_devices()]
        async with Phone(one, client.session) as caller, Phone(other, client.session) as called:
            tones = [MediaPlayer(f"sine=frequency={hertz}", format="lavfi").audio for hertz in (500, 700)]
            outgoing = await caller.dial(f"sip:{other.sip_username}@{other.sip_domain}", tones[0])
            incoming = await anext(aiter(called))
            await asyncio.gather(outgoing.ringing(), incoming.ring())
            await asyncio.gather(outgoing.answered(), incoming.answer(tones[1]))
            heard, said = [frequency(await call.audio()) for call in (incoming, outgoing)]
            assert [round(hertz, -1) for hertz in await asyncio.gather(heard, said)] == [500, 700]
            await outgoing.send_digits("42#")
            assert [await incoming.digit() for _ in range(3)] == ["4", "2", "#"]
            await outgoing.hang_up()
            assert (await incoming.ended()).reason is EndReason.PEER_HUNG_UP


def test_a_call() -> None:
    asyncio.run(asyncio.wait_for(check(), 30))
