"""The least of clients for the loopback API: it sends what it is told, and changes nothing on the way."""

from __future__ import annotations

import http.client
import json
from typing import Any

from siperb.testing import Device, SiperbServer

FULL = "?password=yes&settings_json=yes"


def ask(
    server: SiperbServer, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, Any]:
    """Status and JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def log_in(server: SiperbServer, pat: str) -> tuple[int, Any]:
    return ask(server, "POST", "/Login", {"Authorization": f"Bearer {pat}"})


def get(server: SiperbServer, path: str) -> tuple[int, Any]:
    """As the default user; `path` begins below the user's own."""
    user = server.user
    return ask(server, "GET", f"/Users/{user.user_id}{path}", {"X-Api-Key": user.session_token})


def get_document(server: SiperbServer, device: Device) -> dict[str, Any]:
    status, entry = get(server, f"/Devices/{device.token}/{FULL}")
    assert status == 200
    document: dict[str, Any] = entry["Settings_json"]
    return document
