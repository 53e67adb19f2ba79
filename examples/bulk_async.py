"""Bulk provisioning in asyncio: results as they come, and the API decides the pace (`Retry-After`)."""

import asyncio

from siperb import AsyncSiperb


async def main() -> None:
    found = 0
    async with AsyncSiperb() as client:
        async for result in client.provision_all(concurrency=32):
            if result.provisioning:
                found += 1
            else:
                print("Failed:", result.error)
    print(found, "phones provisioned")


asyncio.run(main())
