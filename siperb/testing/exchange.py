"""One request and its connection, as a fault sees them: send a whole answer, stream one, write raw bytes, hang up."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable

import attrs
from aiohttp import web

from siperb.testing.answers import Answer, reason_of
from siperb.testing.recorder import RecordedRequest

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds


@attrs.frozen(eq=False)
class Exchange:
    """`true_answer()` does what was asked for, once, and is what the API says of it, had nothing gone wrong."""

    request: RecordedRequest
    true_answer: Callable[[], Answer]
    _http_request: web.BaseRequest = attrs.field(repr=False)

    def head_of(self, answer: Answer, length: int | None = None) -> bytes:
        """Status line and headers as bytes to `write`; `length` is a `Content-Length` other than the body's."""
        headers = {
            "Content-Length": str(len(answer.body) if length is None else length),
            **headers_of(answer),
        }
        lines = [f"HTTP/1.1 {answer.status} {reason_of(answer.status)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def write(self, content: bytes) -> None:
        """Raw bytes onto the connection, at once; it must be hung up in the end."""
        if transport := self._http_request.transport:
            transport.write(content)

    async def stream(
        self, chunks: Iterable[bytes], answer: Answer, *, length: int | None = None, interval: float = 0.0
    ) -> web.StreamResponse:
        """The head of `answer`, and `chunks` for its body, `interval` seconds after each.

        `length` is the `Content-Length`; without one the encoding is chunked.
        """
        response = web.StreamResponse(status=answer.status, headers=headers_of(answer))
        response.content_length = length
        if length is None:
            response.enable_chunked_encoding()
        await response.prepare(self._http_request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(interval)
        return response

    def hang_up(self, *, reset: bool = False) -> web.StreamResponse:
        """End the connection once what was written is sent; `reset`: at once, with RST."""
        if transport := self._http_request.transport:
            if reset:
                connection: socket.socket = transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                transport.abort()
            else:
                transport.close()
        return web.Response()  # which finds the connection closed, and is not sent


def to_response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=headers_of(answer))


def headers_of(answer: Answer) -> dict[str, str]:
    kind = {"Content-Type": answer.content_type} if answer.content_type else {}
    return {**kind, **answer.headers}
