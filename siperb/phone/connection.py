"""Own signalling, without a SIP library: a user agent over one WebSocket (RFC 7118), on aiohttp and siperb.sip.digest.

A WebSocket is reliable, so RFC 3261's retransmissions and most of its timers fall away.
"""
from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from siperb.sip.digest import authorize, read_challenges, strongest

log = logging.getLogger("siperb.phone")
BACKOFF = (0.2, 1, 2, 4, 8, 16, 30)
TIMEOUT = 32.0  # RFC 3261, 17.1.2.2, timer F
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY"
REASONS = {100: "Trying", 180: "Ringing", 200: "OK", 405: "Method Not Allowed", 481: "Call/Transaction Does Not Exist",
           486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
           500: "Server Internal Error", 603: "Decline"}
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type"}
LISTS = {"via", "route", "record-route", "contact"}


@dataclass
class Message:
    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: str) -> Message:
        head, _, body = data.partition("\r\n\r\n")
        start, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        message = cls(start, body=body)
        for line in lines:
            name, _, value = line.partition(":")
            name = COMPACT.get(name.strip().lower(), name.strip().lower())
            values = re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)(?![^<]*>)', value) if name in LISTS else [value]
            message.headers += [(name, v.strip()) for v in values]
        return message

    def __str__(self) -> str:
        lines = [self.start, *(f"{n}: {v}" for n, v in self.headers), f"Content-Length: {len(self.body.encode())}"]
        return "\r\n".join([*lines, "", self.body])

    def all(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n.lower() == name]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def reason(self) -> str:
        return self.start.split(" ", 2)[2]

    @property
    def method(self) -> str:
        return self.get("cseq").split()[-1] if self.status else self.start.split()[0]

    @property
    def cseq(self) -> int:
        return int(self.get("cseq").split()[0])

    @property
    def branch(self) -> str:
        return _parameter(self.get("via"), "branch")


def _parameter(value: str, name: str) -> str:
    found = re.search(rf";\s*{name}=([^;\s,]+)", value.partition(">")[2] if ">" in value else value, re.IGNORECASE)
    return found[1] if found else ""


def uri_of(address: str) -> str:
    found = re.search(r"<([^>]*)>", address)
    return found[1] if found else address.partition(";")[0].strip()


@dataclass
class Dialog:
    local: str  # our From or To with its tag
    remote: str
    target: str
    routes: list[str] = field(default_factory=list)
    call_id: str = field(default_factory=lambda: secrets.token_hex(12))
    cseq: int = 0
    remote_cseq: int = 0
    confirmed: bool = False

    def learn(self, message: Message) -> None:
        """Where the other side is to be reached (RFC 3261, 12.2.1.2)."""
        if contact := message.get("contact"):
            self.target = uri_of(contact)


class Connection:
    """One WebSocket to the registrar; requests out with their answers, requests in with ours."""

    def __init__(self, url: str, contact: str, username: str, password: str, extra: list[str], agent: str, ssl: Any) -> None:
        self.url, self.contact, self.ssl, self.agent = url, contact, ssl, agent
        self._account = username, password
        self.extra = [tuple(h.split(": ", 1)) for h in extra]
        self.host = f"{secrets.token_hex(6)}.invalid"
        self.on_request: Callable[[Message], Awaitable[None]]
        self.on_up: Callable[[], None] = lambda: None
        self.on_down: Callable[[], None] = lambda: None
        self._waiting: dict[str, asyncio.Queue[Message]] = {}
        self._nonces: dict[tuple[str, str], list[Any]] = {}
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        self._http = aiohttp.ClientSession()
        try:
            await self._connect()
        except BaseException:
            await self._http.close()
            raise
        self.spawn(self._run())

    async def _connect(self) -> None:
        self._ws = await self._http.ws_connect(self.url, protocols=("sip",), heartbeat=20, ssl=self.ssl)

    async def _run(self) -> None:
        while True:
            assert self._ws
            async for frame in self._ws:
                data = frame.data.decode() if isinstance(frame.data, bytes) else str(frame.data)
                if data.strip():
                    self._take(Message.parse(data))
            log.warning("WebSocket lost (%s)", self._ws.close_code)
            self._ws, attempt = None, 0
            self.on_down()
            while self._ws is None:
                await asyncio.sleep(BACKOFF[min(attempt, len(BACKOFF) - 1)] * (0.75 + secrets.randbelow(50) / 100))
                try:
                    await asyncio.wait_for(self._connect(), 10)
                except (OSError, aiohttp.ClientError, TimeoutError) as error:
                    attempt += 1
                    log.warning("cannot connect: %s", error)
            self.on_up()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._ws:
            await self._ws.close()
        await self._http.close()

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, message: Message) -> None:
        log.info("<<< %s", message.start)
        if not message.status:
            self.spawn(self.on_request(message))
        elif queue := self._waiting.get(message.branch):
            queue.put_nowait(message)

    async def send(self, message: Message) -> None:
        log.info(">>> %s", message.start)
        if self._ws is None:
            raise ConnectionError("not connected")
        await self._ws.send_str(str(message))

    # -- requests of ours

    def make(self, method: str, dialog: Dialog, cseq: int, branch: str = "", uri: str = "") -> Message:
        via = f"SIP/2.0/{self.url.partition(':')[0].upper()} {self.host};branch={branch or 'z9hG4bK' + secrets.token_hex(8)}"
        headers = [("Via", via), *(("Route", r) for r in dialog.routes), ("Max-Forwards", "70"), ("From", dialog.local),
                   ("To", dialog.remote), ("Call-ID", dialog.call_id), ("CSeq", f"{cseq} {method}")]
        return Message(f"{method} {uri or dialog.target} SIP/2.0", headers)

    async def request(self, method: str, dialog: Dialog, headers: list[tuple[str, str]] = [], body: str = "",
                      kind: str = "", told: Callable[[Message], None] | None = None,
                      sent: Callable[[Message], None] = lambda _: None) -> Message:
        """The final answer; challenges are answered, and so is a refused INVITE (with its ACK)."""
        tried: set[tuple[str, str]] = set()
        while True:
            dialog.cseq += 1
            request = self.make(method, dialog, dialog.cseq)
            uri = request.start.split()[1]
            if method in ("REGISTER", "INVITE", "UPDATE", "REFER"):
                request.headers += [("Contact", self.contact), ("Allow", ALLOW)]
            request.headers += [("Supported", "path, outbound, gruu"), ("User-Agent", self.agent), *headers]
            request.headers += self._credentials(method, uri)
            if method in ("REGISTER", "INVITE") and not dialog.confirmed:
                request.headers += self.extra
            if body:
                request.headers.append(("Content-Type", kind))
                request.body = body
            queue = self._waiting[request.branch] = asyncio.Queue()
            try:
                sent(request)
                await self.send(request)
                answer = await asyncio.wait_for(queue.get(), TIMEOUT)
                while answer.status < 200:
                    if told:
                        told(answer)
                    answer = await asyncio.wait_for(queue.get(), None if method == "INVITE" else TIMEOUT)
            finally:
                del self._waiting[request.branch]
            if method == "INVITE" and answer.status >= 300:
                ack = self.make("ACK", dialog, dialog.cseq, request.branch, uri)
                ack.headers = [(n, answer.get("to")) if n == "To" else (n, v) for n, v in ack.headers]
                await self.send(ack)
            if answer.status not in (401, 407) or not self._learn(answer, tried):
                return answer

    def _learn(self, answer: Message, tried: set[tuple[str, str]]) -> bool:
        asks, header = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}[answer.status]
        fresh = False
        challenges = read_challenges(answer.all(asks))
        for realm in {c.realm for c in challenges}:
            challenge = strongest(c for c in challenges if c.realm == realm)
            if (header, realm) not in tried or challenge.stale:
                self._nonces[header, realm], fresh = [challenge, 0], True
            tried.add((header, realm))
        return fresh

    def _credentials(self, method: str, uri: str) -> list[tuple[str, str]]:
        made = []
        for (header, _), nonce in self._nonces.items():
            nonce[1] += 1
            made.append((header, authorize(nonce[0], *self._account, method, uri, secrets.token_hex(8), nonce[1])))
        return made

    # -- answers of ours

    async def reply(self, request: Message, status: int, dialog: Dialog | None = None, body: str = "",
                    headers: list[tuple[str, str]] = []) -> None:
        answer = Message(f"SIP/2.0 {status} {REASONS.get(status, 'Refused')}")
        answer.headers = [("Via", v) for v in request.all("via")]
        if request.method == "INVITE" and 100 < status < 300:
            answer.headers += [("Record-Route", r) for r in request.all("record-route")]
            answer.headers += [("Contact", self.contact), ("Allow", ALLOW)]
        to = request.get("to") if status == 100 or _parameter(request.get("to"), "tag") else dialog.local if dialog else f"{request.get('to')};tag={secrets.token_hex(6)}"
        answer.headers += [("From", request.get("from")), ("To", to), ("Call-ID", request.get("call-id")),
                           ("CSeq", request.get("cseq")), ("User-Agent", self.agent), *headers]
        if body:
            answer.headers.append(("Content-Type", "application/sdp"))
            answer.body = body
        await self.send(answer)
