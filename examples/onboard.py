"""Rows of a CSV file (email,name,number) become users of the domain, each with a phone, a connection and settings.

Run it again after any failure: what is there stays as it is, and what is missing is made.
"""

import csv
import sys

from siperb import Siperb

CONNECTIONS = "/Users/{user_id}/Connections"
client = Siperb(strict=True)


def onboard(row: dict[str, str]) -> str | None:
    if not row["email"]:
        raise ValueError("the row has no e-mail")
    agent = client.for_user(client.create_domain_user(row["email"], row["name"], exist_ok=True))
    device = agent.create_device("Web phone", exist_ok=True)
    if all(connection["Name"] != row["number"] for connection in agent.get_all(CONNECTIONS)):
        agent.request("POST", CONNECTIONS, json={"Name": row["number"], "Type": "InboundRegistration"})
    agent.update_settings({"profileName": row["name"], "EnableCallRecording": False})
    return agent.get_provisioning(device.device_token).sip_username


def progress(done: int, total: int | None) -> None:
    print(f"\r{done} of {total}", end="", file=sys.stderr)


with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    rows = list(csv.DictReader(file))
failures = list[str]()
with client:
    for result in client.bulk(onboard, rows, on_progress=progress):
        if result.error:
            failures.append(f"{result.item}: {result.error}")
        else:
            print(result.item["email"], result.value)
print("", *failures, sep="\n", file=sys.stderr)
sys.exit(f"{len(failures)} of {len(rows)} rows failed: mend them and run it again." if failures else 0)
