"""The first credential of a script: log in, fetch one device's provisioning."""

import os

from siperb import Siperb

Siperb.login()
provisioning = Siperb.get_provisioning(os.environ["DEVICE_TOKEN"])
assert provisioning
assert provisioning.sip_username
