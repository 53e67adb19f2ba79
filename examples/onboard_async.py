"""The asyncio twin of onboard.py: the same rows, and the same manners."""

import asyncio
import csv
import sys

from siperb import AsyncSiperb

CONNECTIONS = "/Users/{user_id}/Connections"
client = AsyncSiperb(strict=True)


async def onboard(row: dict[str, str]) -> str | None:
    if not row["email"]:
        raise ValueError("the row has no e-mail")
    agent = client.for_user(await client.create_domain_user(row["email"], row["name"], exist_ok=True))
    device = await agent.create_device("Web phone", exist_ok=True)
    if all(connection["Name"] != row["number"] for connection in await agent.get_all(CONNECTIONS)):
        await agent.request("POST", CONNECTIONS, json={"Name": row["number"], "Type": "InboundRegistration"})
    await agent.update_settings({"profileName": row["name"], "EnableCallRecording": False})
    return (await agent.get_provisioning(device.device_token)).sip_username


async def main(rows: list[dict[str, str]]) -> int:
    failures = list[str]()
    async with client:
        async for result in client.bulk(onboard, rows):
            if result.error:
                failures.append(f"{result.item}: {result.error}")
            else:
                print(result.item["email"], result.value)
    print(*failures, sep="\n", file=sys.stderr)
    return 1 if failures else 0


with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    rows = list(csv.DictReader(file))
sys.exit(asyncio.run(main(rows)))
