"""Sentry's defaults, with tracing: what it sends of failures that it is given holds no secret."""

import asyncio
import os

import sentry_sdk

from siperb import AsyncSiperb, Siperb, SiperbError
from siperb.testing import SiperbServer, Status

sent = []


class Transport(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope):
        sent.append(envelope.serialize())


sentry_sdk.init("http://key@127.0.0.1:9/1", transport=Transport, traces_sample_rate=1.0)


def failing(client):
    devices = client.get_devices()
    with sentry_sdk.start_transaction(name="sync"):
        try:
            client.get_provisioning(devices[0].device_token)
        except SiperbError:
            sentry_sdk.capture_exception()


async def failing_async():
    async with AsyncSiperb(strict=True, max_retries=0) as client:
        devices = await client.get_devices()
        with sentry_sdk.start_transaction(name="async"):
            try:
                await client.get_provisioning(devices[0].device_token)
            except SiperbError:
                sentry_sdk.capture_exception()


with SiperbServer() as server:
    os.environ.update(SIPERB_BASE_URL=server.base_url, SIPERB_PAT=server.pat)
    server.fail("provisioning", Status(503), times=None)
    with Siperb(strict=True, max_retries=0) as client:
        failing(client)
    asyncio.run(failing_async())
    sentry_sdk.flush()
    everything = b"\n".join(sent).decode()
    secrets = {server.pat, server.user.session_token}  # the device token is an argument of the method that failed
    print(len(sent), everything.count("InternalServerError") > 1, [word for word in secrets if word in everything])
