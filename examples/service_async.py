"""An aiohttp service that hands its users a phone, and keeps the token: one client for the whole service.

Put your application's own login before `phone`: the answer holds SIP credentials. `examples/web_phone` shows how.
"""

import logging
from collections.abc import AsyncIterator

from aiohttp import web

from siperb import AsyncSiperb, SiperbError, StrictAsyncSiperb
from siperb.sip import jssip

SIPERB = web.AppKey("siperb", StrictAsyncSiperb)


async def siperb_client(app: web.Application) -> AsyncIterator[None]:
    async with AsyncSiperb(strict=True) as app[SIPERB]:
        yield


async def phone(request: web.Request) -> web.Response:
    client = request.app[SIPERB]
    try:
        devices = await client.get_devices()
        if not devices:
            raise web.HTTPNotFound(text="There is no phone.")
        provisioning = await client.get_provisioning(devices[0].device_token)
        return web.json_response(jssip(provisioning, client.session), headers={"Cache-Control": "no-store"})
    except SiperbError as error:
        logging.error("No phone: %s", error)
        raise web.HTTPServiceUnavailable(text="No phone is available right now.") from None


def app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(siperb_client)
    app.router.add_get("/phone", phone)
    return app


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1", port=8081)
