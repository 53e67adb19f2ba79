"""One loopback server for all: it answers each peer in its own form, from bytes that are ready.

It runs in a process of its own, so that it takes no time of the measured one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from siperb.testing.accounts import Accounts
from siperb.testing.data import DAY, device_body, to_json
from tests.benchmarks.processes import ROOT, environment, python

MANY = 10_000  # devices
CREATED = "2026-01-01T00:00:00Z"
TWILIO = {
    "sid": "CR0123456789abcdef0123456789abcdef",
    "account_sid": "AC0123456789abcdef0123456789abcdef",
    "credential_list_sid": "CL0123456789abcdef0123456789abcdef",
    "username": "front-desk",
    "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
    "date_updated": "Thu, 01 Jan 2026 00:00:00 +0000",
    "uri": "/2010-04-01/Accounts/AC/SIP/CredentialLists/CL/Credentials/CR.json",
}
STRIPE = {
    "id": "cus_0123456789abcd",
    "object": "customer",
    "balance": 0,
    "created": 1767225600,
    "currency": "usd",
    "email": "front-desk@example.com",
    "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
    "livemode": False,
    "metadata": {},
    "name": "Front Desk",
    "preferred_locales": [],
}
OPENAI = {"id": "a-model", "object": "model", "created": 1767225600, "owned_by": "system"}
TELNYX = {
    "data": {
        "id": "c215ade3-0d39-418e-94be-c5f780760199",
        "record_type": "credential",
        "name": "Front Desk",
        "resource_id": "connection:804252963366242252",
        "expired": False,
        "sip_username": "gencred0123456789",
        "sip_password": "0123456789abcdef",
        "created_at": CREATED,
        "updated_at": CREATED,
        "expires_at": CREATED,
    }
}


@contextmanager
def running_server() -> Generator[dict[str, str], None, None]:
    """The environment of the measured processes: ``SIPERB_BASE_URL`` and ``SIPERB_PAT`` are in it."""
    command = python("-m", "tests.benchmarks.server")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment()
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield environment(**json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


class _Connection(asyncio.Protocol):
    def __init__(self, bodies: dict[bytes, bytes]) -> None:
        self._bodies = bodies
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """No request has a body."""
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for head in heads:
            path = head.split(b" ", 2)[1]
            body = next(body for part, body in self._bodies.items() if part in path)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def _serve() -> None:
    """Until standard input ends."""
    accounts = Accounts()
    user = accounts.user
    accounts.add_devices(MANY - len(user.devices))
    session = {"UserId": user.user_id, "SessionToken": user.session_token}
    bodies = {  # by a part of the path; the first one counts
        b"password=yes": device_body(user.devices[0], True, True, int(time.time()), int(DAY)),
        b"/Login": to_json(session),
        b"/Devices/": user.devices.to_json(),
        b"/2010-04-01/": to_json(TWILIO),
        b"/customers/": to_json(STRIPE),
        b"/models/": to_json(OPENAI),
        b"/telephony_credentials/": to_json(TELNYX),
    }

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(bodies), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        told = {"SIPERB_BASE_URL": f"http://127.0.0.1:{port}", "SIPERB_PAT": user.pat}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(serve())


if __name__ == "__main__":
    _serve()
