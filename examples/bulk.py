"""Print every script device of the user as a line of JSON. Failures are counted; the rest is still printed."""

import json
import sys

from siperb import Siperb


def progress(done: int, total: int | None) -> None:
    print(f"\r{done} of {total}", end="", file=sys.stderr)


failed = 0
with Siperb(strict=True) as client:
    for result in client.provision_all(concurrency=16, on_progress=progress):
        if result.error is None:
            print(json.dumps({"user": result.provisioning.sip_username, "domain": result.provisioning.sip_domain}))
        else:
            failed += 1
            print(f"\n{result.error}", file=sys.stderr)
sys.exit(f"\n{failed} devices have no provisioning." if failed else 0)
