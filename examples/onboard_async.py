"""The asyncio twin of onboard.py. It reads the same file, and you can run it again."""

import asyncio
import csv
import sys
from collections import Counter

from siperb import AsyncSiperb

COLUMNS, CONNECTIONS = ("email", "name", "number"), "/Users/{user_id}/Connections"
client = AsyncSiperb(strict=True)


def read_rows(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in csv.DictReader(file)]
    empty = [f"{name} in row {number}" for number, row in enumerate(rows, 1) for name in COLUMNS if not row[name]]
    twice = [email for email, count in Counter(row["email"].casefold() for row in rows).items() if count > 1]
    if empty or twice:
        sys.exit(f"Nothing was done. Missing: {', '.join(empty) or '-'}. There twice: {', '.join(twice) or '-'}.")
    return rows


async def onboard(row: dict[str, str]) -> str | None:
    agent = client.for_user(await client.create_domain_user(row["email"], row["name"], exist_ok=True))
    device = await agent.create_device("Web phone", exist_ok=True)
    if all(connection["Name"] != row["number"] for connection in await agent.get_all(CONNECTIONS)):
        await agent.request("POST", CONNECTIONS, json={"Name": row["number"], "Type": "InboundRegistration"})
    await agent.update_settings({"profileName": row["name"], "EnableCallRecording": False})
    return (await agent.get_provisioning(device.device_token)).sip_username


async def main(rows: list[dict[str, str]]) -> int:
    async with client:
        results = [result async for result in client.bulk(onboard, rows)]
    print(*(f"{result.item['email']} {result.error or result.value}" for result in results), sep="\n")
    return int(any(result.error for result in results))


sys.exit(asyncio.run(main(read_rows(sys.argv[1]))))
