"""Thousands of devices: every script device of the user, as a line of JSON, with its failures counted."""

import json
import sys

from siperb import Siperb


def progress(done: int, total: int | None) -> None:
    print(f"\r{done} of {total}", end="", file=sys.stderr)


failed = 0
with Siperb() as client:
    for result in client.provision_all(concurrency=16, on_progress=progress):
        if result.provisioning:
            print(json.dumps({"user": result.provisioning.sip_username, "domain": result.provisioning.sip_domain}))
        else:
            failed += 1
            print(f"\n{result.error}", file=sys.stderr)
sys.exit(f"\n{failed} devices have no provisioning." if failed else 0)
