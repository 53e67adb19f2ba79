"""A registrar on loopback that says what a test wants, good or bad; and the answers it says it with."""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import attrs
from aiohttp import web

from siperb import Provisioning
from siperb.testing.listener import Listener

REALM = "sip.example.test"
CHALLENGE = f'WWW-Authenticate: Digest realm="{REALM}", nonce="n0nce", qop="auth"'

PHONE = Provisioning(
    sip_username="u700",
    sip_password="s3cret!700",
    sip_domain=REALM,
    sip_wss_server="127.0.0.1",
    sip_websocket_port=443,
    sip_server_path="/ws",
    contact_user_name="c700",
    registration_mode="WebSocket",
)


def answer(request: str, status: str, *headers: str) -> str:
    """A response to the request, as RFC 3261, 8.2.6, has it made."""
    copied = [line for line in request.split("\r\n") if re.match("(Via|From|To|Call-ID|CSeq):", line)]
    return "\r\n".join([f"SIP/2.0 {status}", *copied, *headers, "Content-Length: 0", "", ""])


def accept(request: str, *headers: str) -> str:
    """200 for a request with credentials, else a challenge."""
    if "\r\nAuthorization: Digest " in request:
        return answer(request, "200 OK", *headers)
    return answer(request, "401 Unauthorized", CHALLENGE)


Say = Callable[[web.WebSocketResponse, str], Awaitable[None]]


@attrs.define
class Registrar:
    """`requests` are those that came over WebSockets, `http_requests` those that asked for one."""

    port: int = 0
    requests: list[str] = attrs.field(factory=list)
    http_requests: list[web.BaseRequest] = attrs.field(factory=list)

    @property
    def phone(self) -> Provisioning:
        return attrs.evolve(PHONE, sip_websocket_port=self.port)


async def say_accepted(websocket: web.WebSocketResponse, request: str) -> None:
    await websocket.send_str(accept(request))


@contextmanager
def running_registrar(
    say: Say = say_accepted,
    *,
    protocols: tuple[str, ...] = ("sip",),
    instead: web.Response | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> Iterator[Registrar]:
    """say: is called with each request. instead: what is answered in the place of a WebSocket."""
    registrar = Registrar()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        registrar.http_requests.append(request)
        if instead is not None:
            return instead
        websocket = web.WebSocketResponse(protocols=protocols)
        await websocket.prepare(request)
        async for message in websocket:
            registrar.requests.append(message.data)
            await say(websocket, message.data)
        return websocket

    listener = Listener(handle, 0, ssl_context)
    listener.serving.block()
    registrar.port = listener.port
    try:
        yield registrar
    finally:
        listener.stop()
        listener.join()
