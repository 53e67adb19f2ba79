"""How tests run ``siperb doctor``, and the registrar that it finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cli_helpers import Run
from sip_registrars import Registrar

from siperb.testing import SiperbServer

NAMES = ["address", "keyring", "token", "login", "devices", "provisioning", "registration"]

StartRegistrar = Callable[..., Registrar]


def point_at(server: SiperbServer, port: int) -> None:
    server.set_settings(server.user.devices[0], {"sip_wss_server": "127.0.0.1", "sip_websocket_port": str(port)})


def findings(run: Run, *argv: str) -> tuple[int, dict[str, Any]]:
    result = run("doctor", "--json", *argv)
    assert result.err == ""
    said = json.loads(result.out)
    assert said["ok"] is (result.code == 0)
    assert [check["name"] for check in said["checks"]] == NAMES
    return result.code, {check["name"]: check for check in said["checks"]}
