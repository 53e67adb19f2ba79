"""The registrar and the browser as fixtures, for the modules that import them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from siprig import rig
from siprig.rig import DOMAIN, Chromium, Registrar

ACCOUNTS = {"u700": "s3cret!700", "u701": "s3cret!701", "u702": "s3cret!702", "u703": "s3cret!703"}


@pytest.fixture(scope="module", name="registrar")
def registrar_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registrar]:
    rig.need_parts()
    with rig.run_registrar(tmp_path_factory.mktemp("kamailio"), ACCOUNTS) as registrar:
        yield registrar


@pytest.fixture(scope="module", name="chromium")
def chromium_fixture(registrar: Registrar) -> Iterator[Chromium]:
    with rig.run_chromium(registrar.spki) as chromium:
        yield chromium


def account(registrar: Registrar, user: str) -> dict[str, object]:
    """The settings of a device that registers there as one of `ACCOUNTS`."""
    return {
        "sip_username": user,
        "sip_password": ACCOUNTS[user],
        "sip_domain": DOMAIN,
        "sip_wss_server": "127.0.0.1",
        "sip_websocket_port": str(registrar.ws_port),
        "contact_user_name": f"c{user[1:]}",
        "profile_name": f'The "Desk" {user[1:]}',
    }
