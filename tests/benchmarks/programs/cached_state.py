"""Fills the keyring for the two programs that read it, or empties it again."""

import json
import os
import sys

import keyring

from siperb import Siperb

ENTRIES = ("siperb-benchmark/session", "siperb-benchmark/document")

session = Siperb.login(enable_cache=True)
if sys.argv[1] == "fill":
    provisioning = Siperb.get_provisioning(os.environ["DEVICE_TOKEN"], enable_cache=True)
    assert provisioning
    for name, raw in zip(ENTRIES, (session.raw, provisioning.raw), strict=True):
        keyring.set_password(name, "siperb", json.dumps(dict(raw)))
else:
    Siperb.logout()
    for name in ENTRIES:
        keyring.delete_password(name, "siperb")
