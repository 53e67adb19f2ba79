"""A cassette of vcrpy takes down the calls of both facades, and plays them when there is no API any more."""

import asyncio
import logging
import os

import vcr

from siperb import AsyncSiperb, Siperb
from siperb.testing import SiperbServer

logging.basicConfig(level=logging.WARNING)
recorder = vcr.VCR(filter_headers=["Authorization", "X-Api-Key"])


def sync(server):
    with Siperb(server.pat, base_url=server.base_url, strict=True, max_retries=0) as client:
        return client.get_provisioning(client.get_devices()[0].device_token).sip_password


def async_(server):
    async def main():
        async with AsyncSiperb(server.pat, base_url=server.base_url, strict=True, max_retries=0) as client:
            return (await client.get_provisioning((await client.get_devices())[0].device_token)).sip_password

    return asyncio.run(main())


for use in sync, async_:
    cassette = f"{os.environ['TMPDIR']}/{use.__name__}.yaml"
    with SiperbServer() as server, recorder.use_cassette(cassette):
        recorded = use(server)
    with recorder.use_cassette(cassette, record_mode="none") as played:
        print(use(server) == recorded, played.all_played)
