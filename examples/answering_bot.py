"""Answers a phone: greets the caller, repeats what the caller says, and hangs up on #.

Needs `pip install "siperb[phone]"`. Run `python answering_bot.py "Front Desk" hello.wav`."""

import asyncio
import sys

from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import Frame, MediaStreamError, MediaStreamTrack

from siperb import AsyncSiperb
from siperb.phone import Call, Phone


class Parrot(MediaStreamTrack):
    kind = "audio"

    def __init__(self, call: Call, greeting: MediaStreamTrack) -> None:
        super().__init__()
        self.call, self.greeting = call, greeting

    async def recv(self) -> Frame:
        heard = await (await self.call.audio()).recv()  # from the start: else it comes late
        try:
            return await self.greeting.recv()
        except MediaStreamError:  # it is over
            return heard


async def talk(call: Call, greeting: str) -> None:
    await call.answer(Parrot(call, MediaPlayer(greeting).audio))
    async for key in call.digits():
        if key == "#":
            await call.hang_up()


async def main(name: str, greeting: str) -> None:
    async with AsyncSiperb(strict=True) as client:
        device = next(device for device in await client.get_devices() if device.description == name)
        async with Phone(await client.get_provisioning(device.device_token), client.session) as phone:
            await asyncio.gather(*[asyncio.create_task(talk(call, greeting)) async for call in phone])


asyncio.run(main(*sys.argv[1:]))
