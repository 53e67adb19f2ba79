"""A registrar and proxy over WebSockets in a few lines, in the test's own event loop; and phones at it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import WSMsgType, web
from sip_registrars import PHONE

from siperb import Provisioning
from siperb.sip.message import Message, parameters, read_address, read_message, split, write

DOMAIN = "sip.example.test"
Headers = list[tuple[str, str]]


@attrs.define
class Proxy:
    """Challenges REGISTER and INVITE, forks to all contacts of a user, and routes what is within a dialog by contact.

    on_request: may answer, change or swallow a request: a status, None to go on, or "" for nothing.
    seen: every message, as it came.
    """

    port: int = 0
    password: str = "s3cret!700"  # noqa: S105
    expires: int | None = None
    bindings: dict[str, dict[str, web.WebSocketResponse]] = attrs.field(factory=dict)  # user: contact: WebSocket
    sockets: set[web.WebSocketResponse] = attrs.field(factory=set)
    seen: list[Message] = attrs.field(factory=list)
    on_request: Callable[[Message], str | None] = lambda _: None
    on_response: Callable[[Message], bool] = lambda _: True
    _ways: dict[str, web.WebSocketResponse] = attrs.field(factory=dict)  # branch: whom its answers go to
    _sent: dict[str, list[tuple[Message, str, web.WebSocketResponse]]] = attrs.field(factory=dict)

    def requests(self, method: str) -> list[Message]:
        return [message for message in self.seen if message.method == method]

    def answers(self, method: str) -> list[int]:
        return [m.status for m in self.seen if m.status and (m.first("cseq") or "").endswith(f" {method}")]

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT and frame.data.strip():
                    message = read_message(frame.data.encode())
                    self.seen.append(message)
                    await (self._response(message) if message.status else self._request(message, socket))
        finally:
            self.sockets.discard(socket)
        return socket

    async def drop(self, number: int = 0) -> None:
        """Cut the connections."""
        for socket in list(self.sockets):
            assert socket._req
            assert socket._req.transport
            socket._req.transport.abort()
        while self.sockets:
            await asyncio.sleep(0.01)

    def reply(self, request: Message, status: str, headers: Headers | None = None) -> str:
        names = ("via", "from", "to", "call-id", "cseq")
        copied = [(name.title(), value) for name in names for value in request.values(name)]
        return write(f"SIP/2.0 {status}", [*copied, *(headers or [])])

    async def _request(self, request: Message, socket: web.WebSocketResponse) -> None:
        said = self.on_request(request)
        if said == "":
            return
        if said:
            status, _, rest = said.partition("\n")
            more = [(line.partition(": ")[0], line.partition(": ")[2]) for line in rest.splitlines()]
            return await socket.send_str(self.reply(request, status, more))
        has_tag = "tag" in read_address(request.first("to") or "")[1]
        if request.method == "REGISTER":
            return await socket.send_str(self._register(request, socket))
        if request.method == "CANCEL":
            await socket.send_str(self.reply(request, "200 OK"))
            branch = parameters(split(request.first("via") or "", ";"))["branch"]
            for sent, own, target in self._sent.get(branch, []):
                headers = [(n, v.replace("INVITE", "CANCEL") if n == "cseq" else v) for n, v in sent.headers]
                headers = [(n, v) for n, v in headers if not n.startswith("content-")]
                await target.send_str(write(f"CANCEL {sent.uri} SIP/2.0", [("Via", own), *headers]))
            return None
        if request.method == "INVITE" and not has_tag and not request.first("proxy-authorization"):
            challenge = f'Digest realm="{DOMAIN}", nonce="{secrets.token_hex(4)}", qop="auth"'
            return await socket.send_str(self.reply(request, "407 Who?", [("Proxy-Authenticate", challenge)]))
        targets = self._targets(request.uri)
        if not targets:
            if request.method != "ACK":
                await socket.send_str(self.reply(request, "480 Temporarily Unavailable"))
            return None
        top = parameters(split(request.first("via") or "", ";"))["branch"]
        for target in targets:
            await self._forward(request, socket, target, top, record=not has_tag)
        return None

    async def _forward(
        self, request: Message, socket: web.WebSocketResponse, target: web.WebSocketResponse, top: str, *, record: bool
    ) -> None:
        branch = f"z9hG4bK{secrets.token_hex(6)}"
        own = f"SIP/2.0/WS proxy.invalid;branch={branch}"
        self._ways[branch] = socket
        headers = [(n, v) for n, v in request.headers if n not in ("route", "proxy-authorization", "content-length")]
        if record:
            headers = [("Record-Route", "<sip:proxy.invalid;transport=ws;lr>"), *headers]
        forwarded = Message(0, "", tuple(headers), request.method, request.uri)
        self._sent.setdefault(top, []).append((forwarded, own, target))
        await target.send_str(write(f"{request.method} {request.uri} SIP/2.0", [("Via", own), *headers], request.body))

    async def _response(self, response: Message) -> None:
        via, *others = response.values("via")
        branch = parameters(split(via, ";"))["branch"]
        if not others or branch not in self._ways or not self.on_response(response):
            return
        headers = [(n, v) for n, v in response.headers if n not in ("via", "content-length")]
        start = f"SIP/2.0 {response.status} {response.reason}"
        text = write(start, [*(("Via", each) for each in others), *headers], response.body)
        await self._ways[branch].send_str(text)
        if response.status >= 300 and (response.first("cseq") or "").endswith("INVITE"):
            for sent, own, target in [each for all_ in self._sent.values() for each in all_ if branch in each[1]]:
                headers = [(n, v) for n, v in sent.headers if n in ("from", "call-id")]
                number = (sent.first("cseq") or "").split()[0]
                headers += [("To", response.first("to") or ""), ("CSeq", f"{number} ACK")]
                await target.send_str(write(f"ACK {sent.uri} SIP/2.0", [("Via", own), *headers]))

    def _targets(self, uri: str) -> list[web.WebSocketResponse]:
        user = re.sub(r"^sip:|[@;].*$", "", uri)
        by_contact = [s for each in self.bindings.values() for contact, s in each.items() if f"sip:{user}@" in contact]
        return [s for s in by_contact or list(self.bindings.get(user, {}).values()) if not s.closed]

    def _register(self, request: Message, socket: web.WebSocketResponse) -> str:
        if "Digest" not in (request.first("authorization") or ""):
            challenge = f'Digest realm="{DOMAIN}", nonce="{secrets.token_hex(4)}", qop="auth"'
            return self.reply(request, "401 Who?", [("WWW-Authenticate", challenge)])
        user = re.sub(r"^<?sip:|@.*$", "", request.first("to") or "")
        contact, given = read_address(request.first("contact") or "")
        expires = given["expires"] if self.expires is None or given["expires"] == "0" else str(self.expires)
        if expires == "0":
            self.bindings.get(user, {}).pop(contact, None)
            return self.reply(request, "200 OK")
        self.bindings.setdefault(user, {})[contact] = socket
        return self.reply(request, "200 OK", [("Contact", f"<{contact}>;expires={expires}")])

    def phone(self, number: int = 700, contact: str | None = None, **changes: Any) -> Provisioning:
        own = {"sip_username": f"u{number}", "contact_user_name": contact or f"c{number}"}
        return attrs.evolve(PHONE, sip_websocket_port=self.port, **own, **changes)


@asynccontextmanager
async def running_proxy(**options: Any) -> AsyncIterator[Proxy]:
    proxy = Proxy(**options)
    app = web.Application()
    app.router.add_get("/ws", proxy.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield proxy
    finally:
        await proxy.drop()
        await runner.cleanup()
