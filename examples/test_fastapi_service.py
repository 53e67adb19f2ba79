"""The tests of fastapi_service.py. Put both files into one directory, and run `pytest` there.

Needs `pip install pytest fastapi httpx`.
"""

import asyncio

import httpx
from fastapi_service import app, lifespan

from siperb.testing import SiperbServer, Status


async def get_phone() -> httpx.Response:
    service = httpx.ASGITransport(app)
    async with lifespan(app), httpx.AsyncClient(transport=service, base_url="http://service") as client:
        return await client.get("/phone")


def test_a_phone_is_handed_out_and_the_token_is_not(siperb_server: SiperbServer) -> None:
    answer = asyncio.run(get_phone())
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.json()["uri"].startswith("sip:")
    assert siperb_server.pat not in answer.text


def test_no_device_is_no_phone(siperb_server: SiperbServer) -> None:
    for device in siperb_server.user.devices:
        siperb_server.remove_device(device)
    assert asyncio.run(get_phone()).status_code == 404


def test_without_the_api_there_is_no_phone(siperb_server: SiperbServer) -> None:
    siperb_server.fail("provisioning", Status(403), times=None)
    answer = asyncio.run(get_phone())
    assert (answer.status_code, answer.json()) == (503, {"detail": "No phone is available right now."})
