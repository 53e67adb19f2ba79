"""Rows of a CSV file (email,name,number) become users of the domain, each with a phone, a connection and settings.

Run it again after a failure: it creates only what is missing.
"""

import csv
import sys
from collections import Counter

from siperb import Siperb

COLUMNS, CONNECTIONS = ("email", "name", "number"), "/Users/{user_id}/Connections"
client = Siperb(strict=True)


def read_rows(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in csv.DictReader(file)]
    empty = [f"{name} in row {number}" for number, row in enumerate(rows, 1) for name in COLUMNS if not row[name]]
    twice = [email for email, count in Counter(row["email"].casefold() for row in rows).items() if count > 1]
    if empty or twice:
        sys.exit(f"Nothing was done. Missing: {', '.join(empty) or '-'}. There twice: {', '.join(twice) or '-'}.")
    return rows


def onboard(row: dict[str, str]) -> str | None:
    agent = client.for_user(client.create_domain_user(row["email"], row["name"], exist_ok=True))
    device = agent.create_device("Web phone", exist_ok=True)
    if all(connection["Name"] != row["number"] for connection in agent.get_all(CONNECTIONS)):
        agent.request("POST", CONNECTIONS, json={"Name": row["number"], "Type": "InboundRegistration"})
    agent.update_settings({"profileName": row["name"], "EnableCallRecording": False})
    return agent.get_provisioning(device.device_token).sip_username


rows, failed = read_rows(sys.argv[1]), 0
with client:
    for done, result in enumerate(client.bulk(onboard, rows), 1):
        failed += result.error is not None
        print(f"{done} of {len(rows)}:", result.item["email"], result.error or result.value)
sys.exit(f"{failed} of {len(rows)} rows failed: mend them and run it again." if failed else 0)
