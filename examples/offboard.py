"""Remove the users of a CSV file (column email) from the domain, with their devices and connections.

Run it again after a failure: users who are gone are skipped.
"""

import csv
import sys
from collections import Counter

from siperb import DomainUser, Siperb

CONNECTIONS = "/Users/{user_id}/Connections"
client = Siperb(strict=True)


def offboard(user: DomainUser) -> int:
    leaver = client.for_user(user)
    devices = leaver.get_devices(platform=None)
    for device in devices:
        leaver.delete_device(device.device_token)
    for connection in leaver.get_all(CONNECTIONS):
        leaver.request("DELETE", CONNECTIONS + "/{connection}", connection=connection["ConnectionId"])
    client.delete_domain_user(user.user_id)
    return len(devices)


with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    emails = Counter((row.get("email") or "").strip().casefold() for row in csv.DictReader(file))
if wrong := [email for email, count in emails.items() if count > 1 or email.count("@") != 1]:
    sys.exit(f"Nobody was removed: no address in the column email, or there twice: {wrong}")
failed = 0
with client:
    leavers = [user for user in client.get_domain_users() if (user.email or "").strip().casefold() in emails]
    if input(f"Remove {len(leavers)} users for good? (yes) ") != "yes":
        sys.exit("Nobody was removed.")
    for result in client.bulk(offboard, leavers):
        failed += result.error is not None
        print(result.item.email, result.error or f"has left, with {result.value} devices")
sys.exit(f"{failed} of {len(leavers)} are still there: run it again." if failed else 0)
