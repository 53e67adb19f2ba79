"""Two entries of the keyring, as a script of one's own would keep them."""

import sys

import keyring

session = keyring.get_password("siperb-benchmark/session", "siperb")
document = keyring.get_password("siperb-benchmark/document", "siperb")
assert session
assert document
sys.stdout.write("ok\n")
sys.stdout.flush()
