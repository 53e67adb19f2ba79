"""Both facades in a loop of uvloop: many calls at a time, a loop after another, a cancelled call."""

import asyncio

import uvloop

from siperb import AsyncSiperb, Siperb
from siperb.testing import Hold, SiperbServer


async def main(server, client, blocking):
    devices = await client.get_devices()
    documents = await asyncio.gather(*(client.get_provisioning(device.device_token) for device in devices))
    print(type(asyncio.get_running_loop()).__module__, len([document.sip_password for document in documents]))
    print(len(await asyncio.to_thread(blocking.get_devices)))
    server.clear()
    server.fail("devices", Hold())
    call = asyncio.create_task(client.get_devices())
    await server.requests_arrived(1, route="devices")
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    print(call.cancelled(), len(await client.get_devices()))


with SiperbServer() as server:
    client = AsyncSiperb(server.pat, base_url=server.base_url, strict=True)
    with Siperb(server.pat, base_url=server.base_url, strict=True) as blocking:
        for _ in range(2):
            uvloop.run(main(server, client, blocking))
    uvloop.run(client.close())
