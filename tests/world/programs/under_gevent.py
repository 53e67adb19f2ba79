"""Siperb in greenlets, patched first; a call that waits lets the others go on, and a killed one harms none."""

from gevent import monkey

monkey.patch_all()

import asyncio  # noqa: E402

import gevent  # noqa: E402

from siperb import AsyncSiperb, Siperb  # noqa: E402
from siperb.testing import Hold, SiperbServer  # noqa: E402


async def devices_async(client):
    async with client:
        return len(await client.get_devices())


with SiperbServer() as server, Siperb(server.pat, base_url=server.base_url, strict=True) as client:
    client.login()
    server.fail("devices", Hold())
    held = gevent.spawn(client.get_devices)
    server.wait_for_requests(1, route="devices")
    print(len(client.get_provisioning(server.user.devices[0].token).sip_password) > 0)
    held.kill()
    together = [gevent.spawn(client.get_devices) for _ in range(8)]
    print([len(greenlet.get(timeout=120)) for greenlet in together])
    print(len(list(client.provision_all(concurrency=4))))

# asyncio has one running loop for each thread of the system, which all greenlets of a thread share.
print(asyncio.run(devices_async(AsyncSiperb(strict=True))))
