"""The memory that 100,000 devices take, ours or the parsed JSON's: prints bytes that stay, and the most at a time."""

import json
import sys
import tracemalloc

from siperb.core.wire import Response, parse_devices
from siperb.testing.accounts import Accounts

accounts = Accounts()
accounts.add_devices(100_000)
body = accounts.user.devices.to_json()
parse_devices(Response(200, b"[]"))  # loads what is loaded once
tracemalloc.start()
kept: object = parse_devices(Response(200, body)) if sys.argv[1] == "ours" else json.loads(body)
sys.stdout.write("{} {}\n".format(*tracemalloc.get_traced_memory()))
