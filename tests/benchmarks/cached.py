"""The credential of a script that has run before: it comes from the keyring."""

from __future__ import annotations

import sys

ENTRIES = ("siperb-benchmark/session", "siperb-benchmark/document")


def ours() -> None:
    from siperb import Siperb
    from tests.benchmarks.peers import TOKENS

    Siperb.login(enable_cache=True)
    provisioning = Siperb.get_provisioning(TOKENS[0], enable_cache=True)
    loaded = {"requests", "urllib3", "aiohttp"} & set(sys.modules)
    assert provisioning
    assert provisioning.sip_username
    print("ok" if not loaded else f"loaded {' '.join(sorted(loaded))} too early", flush=True)


def by_hand() -> None:
    import keyring

    session, document = (keyring.get_password(name, "siperb") for name in ENTRIES)
    assert session
    assert document
    print("ok", flush=True)


def fill() -> None:
    """Store the session and the document, as `siperb` and as a script of one's own would keep them."""
    import json

    import keyring

    from siperb import Siperb
    from tests.benchmarks.peers import TOKENS

    session = Siperb.login(enable_cache=True)
    provisioning = Siperb.get_provisioning(TOKENS[0], enable_cache=True)
    assert provisioning
    for name, raw in zip(ENTRIES, (session.raw, provisioning.raw), strict=True):
        keyring.set_password(name, "siperb", json.dumps(dict(raw)))


def empty() -> None:
    import keyring

    from siperb import Siperb

    Siperb.login(enable_cache=True)
    Siperb.logout()
    for name in ENTRIES:
        keyring.delete_password(name, "siperb")
