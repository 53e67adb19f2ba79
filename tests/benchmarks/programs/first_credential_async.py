"""The first credential of an asyncio program: log in, fetch one device's provisioning."""

import asyncio
import os

from siperb import AsyncSiperb


async def main() -> None:
    async with AsyncSiperb() as client:
        await client.login()
        provisioning = await client.get_provisioning(os.environ["DEVICE_TOKEN"])
        assert provisioning
        assert provisioning.sip_username


asyncio.run(main())
