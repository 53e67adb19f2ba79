"""A FastAPI service that hands its users a phone, and keeps the token: one client for the whole service.

Put your application's own login before `phone`: the answer holds SIP credentials.

    pip install fastapi uvicorn
    uvicorn fastapi_service:app --app-dir examples --port 8082
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response

from siperb import AsyncSiperb, SiperbError, StrictAsyncSiperb
from siperb.sip import jssip


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    async with AsyncSiperb(strict=True) as app.state.siperb:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/phone")
async def phone(request: Request, response: Response) -> dict[str, Any]:
    client: StrictAsyncSiperb = request.app.state.siperb
    response.headers["Cache-Control"] = "no-store"
    try:
        devices = await client.get_devices()
        if not devices:
            raise HTTPException(404, "There is no phone.")
        return jssip(await client.get_provisioning(devices[0].device_token), client.session)
    except SiperbError as error:
        logging.error("No phone: %s", error)
        raise HTTPException(503, "No phone is available right now.") from None
