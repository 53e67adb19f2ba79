"""The same on aiohttp."""

import asyncio
import json
import os

import aiohttp


async def main() -> None:
    base_url = os.environ["SIPERB_BASE_URL"]
    timeout = aiohttp.ClientTimeout(total=30, sock_connect=5)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, raise_for_status=True) as http:
        login = {"Authorization": f"Bearer {os.environ['SIPERB_PAT']}"}
        async with http.post(f"{base_url}/Login", headers=login) as answer:
            session = json.loads(await answer.read())
        path = f"/Users/{session['UserId']}/Devices/{os.environ['DEVICE_TOKEN']}/?password=yes&settings_json=yes"
        async with http.get(base_url + path, headers={"X-Api-Key": session["SessionToken"]}) as answer:
            device = json.loads(await answer.read())
        assert device["Platform"] == "script"
        assert device["Settings_json"]["SipUsername"]


asyncio.run(main())
