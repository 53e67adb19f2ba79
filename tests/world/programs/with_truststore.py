"""truststore, injected after a first failure: the system's certificates count on both facades from then on."""

import asyncio

import truststore

from siperb import AsyncSiperb, Siperb, SiperbError


async def devices_async():
    async with AsyncSiperb(strict=True, max_retries=0) as client:
        return await client.get_devices()


def devices():
    with Siperb(strict=True, max_retries=0) as client:
        return client.get_devices()


for prepare in (lambda: None), truststore.inject_into_ssl:
    prepare()
    for call in devices, lambda: asyncio.run(devices_async()):
        try:
            print(len(call()))
        except SiperbError as error:
            print(type(error).__name__, "certificate" in str(error))
