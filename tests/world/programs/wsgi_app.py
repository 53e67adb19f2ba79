"""A WSGI application with a client of each kind, made at import; `USED_BEFORE_FORK` has them used there, too."""

import asyncio
import os

from siperb import AsyncSiperb, Siperb, SiperbError

client = Siperb(strict=True)
async_client = AsyncSiperb(strict=True)
with_asyncio = "WITHOUT_ASYNCIO" not in os.environ


async def devices_async():
    return await async_client.get_devices()


def count_devices():
    return len(client.get_devices()), len(asyncio.run(devices_async())) if with_asyncio else 0


if "USED_BEFORE_FORK" in os.environ:
    count_devices()


def app(environ, start_response):
    try:
        answer = f"{os.getpid()} {count_devices()}"
    except SiperbError as error:
        answer = f"{type(error).__name__}: {error}"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
