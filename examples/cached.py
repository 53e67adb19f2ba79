"""A script that runs often: session and credentials come from the OS keyring, the API is asked in the background.

Run `siperb login` once, and this script needs no token in its environment.
"""

import sys

from siperb import Siperb

if len(sys.argv) != 2:
    sys.exit("usage: cached.py DESCRIPTION-OF-A-DEVICE")

devices = Siperb.get_devices(enable_cache=True) or []
device = next((device for device in devices if device.description == sys.argv[1]), None)
if device is None:
    sys.exit(f"There is no device {sys.argv[1]!r}: choose one of {[device.description for device in devices]}.")

provisioning = Siperb.get_provisioning(device.device_token, enable_cache=True)
if provisioning is None:
    sys.exit("No provisioning: the log says why.")
print(provisioning.sip_username, provisioning.sip_domain, provisioning.jwt_expires_at)
