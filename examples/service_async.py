"""A backend that hands its users a phone, and keeps the token: one client for the whole service.

Put your application's own login before `phone`, as it gives SIP credentials away; `examples/web_phone` shows how.
"""

from collections.abc import AsyncIterator

from aiohttp import web

from siperb import AsyncSiperb
from siperb.sip import jssip

SIPERB = web.AppKey("siperb", AsyncSiperb)


async def siperb_client(app: web.Application) -> AsyncIterator[None]:
    async with AsyncSiperb() as app[SIPERB]:
        yield


async def phone(request: web.Request) -> web.Response:
    client = request.app[SIPERB]
    devices = await client.get_devices()
    provisioning = await client.get_provisioning(devices[0].device_token) if devices else None
    if provisioning is None:
        raise web.HTTPServiceUnavailable(text="No phone can be had right now.")
    return web.json_response(jssip(provisioning, client.session), headers={"Cache-Control": "no-store"})


def app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(siperb_client)
    app.router.add_get("/phone", phone)
    return app


if __name__ == "__main__":
    web.run_app(app(), host="127.0.0.1")
