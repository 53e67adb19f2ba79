"""The quickstart for asyncio. All devices are provisioned side by side. The token comes from SIPERB_PAT."""

import asyncio

from siperb import AsyncSiperb


async def main() -> None:
    async with AsyncSiperb(strict=True) as client:
        session = await client.login()
        print("Logged in as user", session.user_id)

        devices = await client.get_devices()
        documents = await asyncio.gather(*(client.get_provisioning(device.device_token) for device in devices))
        for device, provisioning in zip(devices, documents, strict=True):
            print("Device:", device.description, "is SIP user", provisioning.sip_username)


asyncio.run(main())
