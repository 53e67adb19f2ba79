"""The asyncio twin of bulk.py. The API decides the pace (`Retry-After`)."""

import asyncio

from siperb import AsyncSiperb


async def main() -> None:
    found = 0
    async with AsyncSiperb(strict=True) as client:
        async for result in client.provision_all(concurrency=32):
            if result.error is None:
                found += 1
            else:
                print("Failed:", result.error)
    print(found, "phones provisioned")


asyncio.run(main())
