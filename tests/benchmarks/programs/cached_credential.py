"""The credential of a script that has run before: the session and the document come from the keyring."""

import os
import sys

from siperb import Siperb

Siperb.login(enable_cache=True)
provisioning = Siperb.get_provisioning(os.environ["DEVICE_TOKEN"], enable_cache=True)
loaded = {"requests", "urllib3", "aiohttp"} & set(sys.modules)
assert provisioning
assert provisioning.sip_username
sys.stdout.write("ok\n" if not loaded else f"loaded {' '.join(sorted(loaded))} too early\n")
sys.stdout.flush()
