"""The least of clients for the loopback API: it sends what it is told, and changes nothing on the way."""

from __future__ import annotations

import http.client
import json
from typing import Any

from siperb.testing import Device, SiperbServer, User

FULL = "?password=yes&settings_json=yes"


def ask(
    server: SiperbServer, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, Any]:
    """Status and JSON of the answer; None for an empty one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else None
    finally:
        connection.close()


def log_in(server: SiperbServer, pat: str) -> tuple[int, Any]:
    return ask(server, "POST", "/Login", {"Authorization": f"Bearer {pat}"})


def get(server: SiperbServer, path: str) -> tuple[int, Any]:
    """As the default user; `path` begins below the user's own."""
    return send(server, "GET", path)


def send(
    server: SiperbServer,
    method: str,
    path: str,
    body: object = None,
    *,
    user: User | None = None,
    of: User | None = None,
) -> tuple[int, Any]:
    """As `user` (or the default one), with a JSON body; `path` begins below that user's own, or `of` another's."""
    user = user or server.user
    content = None if body is None else json.dumps(body).encode()
    return ask(server, method, f"/Users/{(of or user).user_id}{path}", {"X-Api-Key": user.session_token}, content)


def get_document(server: SiperbServer, device: Device) -> dict[str, Any]:
    status, entry = get(server, f"/Devices/{device.token}/{FULL}")
    assert status == 200
    document: dict[str, Any] = entry["Settings_json"]
    return document
