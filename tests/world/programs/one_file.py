"""What PyInstaller makes one file of: both facades, and what they keep in the keyring."""

import asyncio
import logging

from siperb import AsyncSiperb, Siperb
from siperb.sip import jssip


async def devices_async():
    async with AsyncSiperb(strict=True) as client:
        await client.login(enable_cache=True)
        return await client.get_devices(enable_cache=True)


def main():
    logging.basicConfig(level=logging.WARNING)
    with Siperb(strict=True) as client:
        session = client.login(enable_cache=True)
        devices = client.get_devices(enable_cache=True)
        print(len(devices), len(jssip(client.get_provisioning(devices[0].device_token), session)["sockets"]))
    print(len(asyncio.run(devices_async())))


if __name__ == "__main__":
    main()
