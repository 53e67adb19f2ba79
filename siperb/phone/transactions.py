"""The one table of SIP transactions (RFC 3261, 17; 6026), ours and theirs. Each of them has an end in time.

A WebSocket is reliable, so no request is sent twice. Each request of ours gets a final answer: where none comes in time
it is `TIMED_OUT`, and where the connection is lost `LOST`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from attrs import define, field

from siperb.phone.messages import (
    LOST,
    OVER,
    TIMED_OUT,
    Headers,
    Request,
    is_complete,
    random,
    response,
    tag_of,
    transaction_of,
)
from siperb.sip.message import Message, parameters, split

TIMEOUT = 32.0  # seconds: 64 times T1
PATIENCE = 180.0  # seconds from one sign of an INVITE to the next: a proxy's own limit (RFC 3261, 16.6, timer C)
MAX_PENDING = 128  # INVITEs of others that have no end yet

Key = tuple[str, str]


@define(eq=False)
class Client:
    """A request of ours.

    on_sign: is called with each provisional response.
    patience: seconds that each of them grants; 0 for none.
    on_more: is called with each further 2xx to an INVITE: of a fork, or once more (RFC 3261, 13.2.2.4).
    """

    request: Request
    on_sign: Callable[[Message], None] | None
    final: asyncio.Future[Message]
    timer: asyncio.TimerHandle
    patience: float
    on_more: Callable[[Message], None] | None = None


@define(eq=False)
class Server:
    """An INVITE of somebody else's."""

    request: Message
    tag: str = field(factory=random)
    status: int = 100
    sent: str = ""
    timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.timer:
            self.timer.cancel()


class Transactions:
    """Sends requests and responses, and finds for each message the request that it belongs to."""

    def __init__(self, send: Callable[[str], None], on_request: Callable[[Message], None]) -> None:
        self._send = send
        self._on_request = on_request
        self._clients: dict[Key, Client] = {}
        self._servers: dict[Key, Server] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    def take(self, message: Message) -> None:
        """Handle a message that came."""
        if message.status:
            self._take_response(message)
        elif is_complete(message):
            self._take_request(message)
        elif message.method != "ACK" and message.first("via"):
            self._send(response(message, 400, random()))

    # Ours.

    def start(self, request: Request, on_sign: Callable[[Message], None] | None = None) -> Client:
        """Send a request. Its `final` is done sooner or later."""
        loop = asyncio.get_running_loop()
        key = request.branch, request.method
        begins_call = request.method == "INVITE" and not tag_of(dict(request.headers)["To"])
        patience = PATIENCE if begins_call else 0.0  # a phone in a call answers another INVITE by itself
        client = Client(request, on_sign, loop.create_future(), self._timer(key, TIMEOUT), patience)
        self._clients[key] = client
        self._send(str(request))
        return client

    def hasten(self, client: Client) -> None:
        """End an INVITE that is cancelled, and yet gets no final answer (RFC 3261, 9.1)."""
        client.on_sign, client.patience = None, 0.0
        client.timer.cancel()
        client.timer = self._timer((client.request.branch, "INVITE"), TIMEOUT)

    def lose(self) -> None:
        """End the requests of ours that have no answer yet: it cannot come any more."""
        for key in list(self._clients):
            self._end(key, LOST)

    def leave(self, call_id: str) -> None:
        """Answer the requests of ours within a call that is over; a late answer to one is acknowledged all the same."""
        for client in self._clients.values():
            headers = dict(client.request.headers)
            if headers["Call-ID"] == call_id and tag_of(headers["To"]) and not client.final.done():
                client.final.set_result(OVER)

    def close(self) -> None:
        """Forget everything, without another message."""
        self.lose()
        for server in self._servers.values():
            server.stop()
        self._servers.clear()

    def _take_response(self, message: Message) -> None:
        via = next(iter(message.items("via")), "")
        key = parameters(split(via, ";")).get("branch", ""), (message.first("cseq") or "").rpartition(" ")[2]
        if not (client := self._clients.get(key)):
            return
        is_invite = client.request.method == "INVITE"
        if message.status < 200:
            if not client.final.done():
                if client.patience:
                    client.timer.cancel()
                    client.timer = self._timer(key, client.patience)
                if client.on_sign:
                    client.on_sign(message)
            return
        if is_invite and message.status >= 300:
            self._send(str(client.request.within("ACK", message.first("to"))))
        if client.final.done():
            if client.on_more and message.status < 300:
                client.on_more(message)
        elif is_invite:  # others may come
            client.timer.cancel()
            client.timer = self._timer(key, TIMEOUT)
            client.final.set_result(message)
        else:
            self._end(key, message)

    def _timer(self, key: Key, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, partial(self._end, key, TIMED_OUT))

    def _end(self, key: Key, message: Message) -> None:
        client = self._clients.pop(key)
        client.timer.cancel()
        if not client.final.done():
            client.final.set_result(message)

    # Theirs.

    def reply(self, request: Message, status: int, headers: Headers = (), body: str = "", tag: str = "") -> str:
        """Send a response, and return it."""
        key = transaction_of(request)
        server = self._servers.get(key) if request.method == "INVITE" else None
        sent = response(request, status, tag or (server.tag if server else random()), headers, body)
        if server:
            server.sent, server.status = sent, status
            if status >= 200:
                server.stop()
                server.timer = asyncio.get_running_loop().call_later(TIMEOUT, self._servers.pop, key, None)
        self._send(sent)
        return sent

    def pending_invite(self, cancel: Message) -> Message | None:
        """The INVITE that a CANCEL means, if it has no final answer yet."""
        server = self._servers.get(transaction_of(cancel))
        return server.request if server and server.status < 200 else None

    def _take_request(self, request: Message) -> None:
        key = transaction_of(request)
        server = self._servers.get(key)
        if server and request.method == "ACK" and server.status >= 300:
            server.stop()
            del self._servers[key]
        elif server and request.method == "INVITE":
            self._send(server.sent)
        elif request.method == "INVITE" and len(self._servers) >= MAX_PENDING:
            self._send(response(request, 503, random(), [("Retry-After", "10")]))
        else:
            if request.method == "INVITE":
                server = self._servers[key] = Server(request)
                loop = asyncio.get_running_loop()
                server.timer = loop.call_later(PATIENCE + TIMEOUT, self.reply, request, 408)
                self.reply(request, 100)
            self._on_request(request)
