"""A script that runs often. It starts with the answers in the OS keyring, and refreshes them in the background.

Run `siperb login` once. The script then needs no token in its environment.
"""

import sys

from siperb import Siperb

if len(sys.argv) != 2:
    sys.exit("usage: cached.py DESCRIPTION-OF-A-DEVICE")

with Siperb(strict=True) as client:
    devices = client.get_devices(enable_cache=True)
    device = next((device for device in devices if device.description == sys.argv[1]), None)
    if device is None:
        sys.exit(f"There is no device {sys.argv[1]!r}. Choose one of {[device.description for device in devices]}.")
    provisioning = client.get_provisioning(device.device_token, enable_cache=True)
    print(provisioning.sip_username, provisioning.sip_domain, provisioning.jwt_expires_at)
