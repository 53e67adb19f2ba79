"""A registrar and proxy over WebSockets in a few lines, in the test's own event loop; and phones at it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, TypeVar

import attrs
from aiohttp import WSMsgType, web
from sip_registrars import PHONE

from siperb import Provisioning
from siperb.phone import IncomingCall, Phone
from siperb.sip.message import Message, parameters, read_address, read_message, split, write

T = TypeVar("T")
DOMAIN = "sip.example.test"
Headers = list[tuple[str, str]]


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds that gives no sign of it."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never held")


@attrs.define(slots=False)
class Proxy:
    """Challenges REGISTER and INVITE, forks to all contacts of a user, and routes what is within a dialog by contact.

    on_request: may answer, change or swallow a request: a status, None to go on, or "" for nothing.
    seen: every message, as it came.
    """

    port: int = 0
    password: str = "s3cret!700"
    expires: int | None = None
    bindings: dict[str, dict[str, web.WebSocketResponse]] = attrs.field(factory=dict)  # user: contact: WebSocket
    sockets: set[web.WebSocketResponse] = attrs.field(factory=set)
    seen: list[Message] = attrs.field(factory=list)
    on_request: Callable[[Message], str | None] = lambda _: None
    on_response: Callable[[Message], bool] = lambda _: True
    news: asyncio.Event = attrs.field(factory=asyncio.Event)
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
                    self.news.set()
                    with suppress(ConnectionError):  # of a phone that has just lost it
                        await (self._response(message) if message.status else self._request(message, socket))
        finally:
            self.sockets.discard(socket)
        return socket

    async def until(self, find: Callable[[], T]) -> T:
        """Wait until something is there."""
        while not (found := find()):
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)
        return found

    async def request(self, method: str, count: int = 1) -> Message:
        """The request of this method that came, the first or a later one."""
        return (await self.until(lambda: self.requests(method)[count - 1 :]))[0]

    async def say(self, text: str, user: str = "u700") -> None:
        """Send something to a phone."""
        await next(iter(self.bindings[user].values())).send_str(text)

    async def drop(self) -> None:
        """Cut the connections."""
        cut = set(self.sockets)
        for socket in cut:
            assert socket._req
            assert socket._req.transport
            socket._req.transport.abort()
        await eventually(lambda: not self.sockets & cut)

    def reply(
        self, request: Message, status: str, headers: Headers | None = None, body: str = "", tag: str = ""
    ) -> str:
        names = ("via", "from", "to", "call-id", "cseq")
        copied = [(name.title(), value) for name in names for value in request.values(name)]
        copied = [(n, f"{v};tag={tag}" if tag and n == "To" and "tag=" not in v else v) for n, v in copied]
        kind = [("Content-Type", "application/sdp")] if body else []
        return write(f"SIP/2.0 {status}", [*copied, *(headers or []), *kind], body)

    async def _request(self, request: Message, socket: web.WebSocketResponse) -> None:
        said = self.on_request(request)
        if said == "":
            return None
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
            is_by_hand = has_tag and not any(request.uri in each for each in self.bindings.values())
            if request.method == "BYE" and is_by_hand:
                await socket.send_str(self.reply(request, "200 OK"))
            elif request.method != "ACK" and not is_by_hand:  # the test answers what else is for a peer
                await socket.send_str(self.reply(request, "480 Temporarily Unavailable"))
            return None
        top = parameters(split(request.first("via") or "", ";"))["branch"]
        for target in targets:
            try:
                await self._forward(request, socket, target, top, record=not has_tag)
            except ConnectionError:
                await socket.send_str(self.reply(request, "480 Temporarily Unavailable"))
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


SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 101\r\nc=IN IP4 127.0.0.1\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:secretsecretsecretsecret\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
ANSWER = SDP.replace("actpass", "active").replace("o=- 1 1", "o=- 7 7").replace("abcd", "efgh")


@attrs.define(slots=False)
class Peer:
    """Another phone, at the proxy's own hand: it says what a test wants it to say."""

    proxy: Proxy
    call_id: str = attrs.field(factory=lambda: secrets.token_hex(4))
    tag: str = "peer"
    local: str = "<sip:u701@sip.example.test>"
    to: str = "<sip:u700@sip.example.test>"
    numbers: Any = attrs.field(factory=lambda: count(1))
    contact: str = "<sip:peer@192.0.2.1;transport=ws>"
    uri: str = "sip:c700@sip.example.test;transport=ws"

    async def send(
        self,
        method: str,
        *more: tuple[str, str],
        body: str = "",
        kind: str = "application/sdp",
        number: int | None = None,
        branch: str = "",
        to: str | None = None,
    ) -> str:
        """Send a request, and return its branch."""
        branch = branch or f"z9hG4bK{secrets.token_hex(6)}"
        number = next(self.numbers) if number is None else number
        headers = [
            ("Via", f"SIP/2.0/WS peer.invalid;branch={branch}"),
            ("From", f"{self.local};tag={self.tag}"),
            ("To", to or self.to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", self.contact),
            *more,
            *([("Content-Type", kind)] if body else []),
        ]
        await self.proxy.say(write(f"{method} {self.uri} SIP/2.0", headers, body))
        return branch

    def answers(self, branch: str) -> list[Message]:
        return [m for m in self.proxy.seen if m.status and branch in (m.first("via") or "")]

    async def final(self, branch: str) -> Message:
        def find() -> list[Message]:
            return [message for message in self.answers(branch) if message.status >= 200]

        return (await self.proxy.until(find))[0]

    async def ask(self, method: str, *more: tuple[str, str], **options: Any) -> Message:
        """Send a request, and return its final answer."""
        return await self.final(await self.send(method, *more, **options))

    async def call(self, phone: Phone, *more: tuple[str, str], body: str = SDP) -> tuple[IncomingCall, str]:
        """Call the phone; returns its call, and the branch of the INVITE."""
        branch = await self.send("INVITE", *more, body=body)
        async for call in phone:
            return call, branch
        raise AssertionError

    async def established(self, phone: Phone, *more: tuple[str, str]) -> IncomingCall:
        """A call that stands."""
        call, branch = await self.call(phone, *more)
        await call.answer_with(ANSWER)
        await self.acknowledge(branch)
        return call

    async def acknowledge(self, branch: str, body: str = "") -> Message:
        answer = await self.final(branch)
        self.to = answer.first("to") or ""
        number = int((answer.first("cseq") or "").split()[0])
        await self.send("ACK", number=number, body=body)
        return answer


@asynccontextmanager
async def one_phone(**options: Any) -> AsyncIterator[tuple[Proxy, Phone]]:
    async with running_proxy(**options) as proxy, Phone(proxy.phone(), insecure=True) as phone:
        yield proxy, phone


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
