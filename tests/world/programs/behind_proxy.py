"""Both facades through the proxy of the environment."""

import asyncio
import sys

from siperb import AsyncSiperb, Siperb, SiperbError

facade = sys.argv[1]


def sync():
    with Siperb(strict=True, max_retries=0) as client:
        return client.get_devices()


async def async_():
    async with AsyncSiperb(strict=True, max_retries=0) as client:
        return await client.get_devices()


try:
    print(len(sync() if facade == "sync" else asyncio.run(async_())))
except SiperbError as error:
    print(f"{type(error).__name__}: {error}")
