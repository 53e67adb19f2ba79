"""Answers a phone: greets the caller, repeats what the caller says, and hangs up on #.

Needs `pip install "siperb[phone]"` and a file hello.wav. It takes the first phone of the account."""

import asyncio
from typing import Any

from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from siperb import AsyncSiperb
from siperb.phone import Call, IncomingCall, Phone


class Parrot(MediaStreamTrack):
    kind = "audio"

    def __init__(self, call: Call, greeting: Any) -> None:
        super().__init__()
        self.call, self.greeting = call, greeting

    async def recv(self) -> Any:
        caller: Any = await self.call.audio()
        heard = await caller.recv()  # from the start: else it comes late
        try:
            return await self.greeting.recv()
        except MediaStreamError:  # it is over
            return heard


async def talk(call: IncomingCall) -> None:
    await call.answer(Parrot(call, MediaPlayer("hello.wav").audio))
    async for key in call.digits():
        if key == "#":
            await call.hang_up()


async def main() -> None:
    async with AsyncSiperb(strict=True) as client:
        device, *_ = await client.get_devices()
        async with Phone(await client.get_provisioning(device.device_token), client.session) as phone:
            await asyncio.gather(*[asyncio.create_task(talk(call)) async for call in phone])


asyncio.run(main())
