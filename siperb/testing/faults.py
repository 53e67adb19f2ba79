"""The faults of the loopback API, for `SiperbServer.fail`.

`Delay` and `Hold` pass the request on to the next fault of the same call, or to the true answer. The others answer it,
or end the connection. The server carries out the request for faults that send a part of the true answer, and for
`Lost`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

import attrs

from siperb.testing.answers import Answer, refuse
from siperb.testing.data import to_json
from siperb.testing.signals import Signal

if TYPE_CHECKING:
    from aiohttp.web import StreamResponse

    from siperb.testing.exchange import Exchange


class Fault(Protocol):
    """A fault. Any object with this method is one, so you may write your own."""

    async def apply(self, exchange: Exchange, /) -> Answer | StreamResponse | None:
        """Answer the request, or return None to pass it on.

        Args:
            exchange: The request, its true answer, and the connection.
        """
        ...


@attrs.frozen
class Status:
    """Answer with another status, such as 503.

    Args:
        status: The status.
        retry_after: The `Retry-After` header, in seconds or as a date.
        headers: More headers.
        body: The body. None means the API's own for this status.
    """

    status: int
    retry_after: float | str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    body: bytes | None = None

    async def apply(self, exchange: Exchange, /) -> Answer:
        plain = refuse(self.status)
        wait = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return attrs.evolve(
            plain, body=plain.body if self.body is None else self.body, headers={**wait, **self.headers}
        )


@attrs.frozen
class Body:
    """Answer with any content of any type, such as a proxy's HTML page.

    Args:
        content: The body. None means the true answer's.
        content_type: The `Content-Type` header.
        status: The status.
        encoding: A `Content-Encoding` header. The body is sent as it is.
    """

    content: bytes | str | None = None
    content_type: str | None = "application/json"
    status: int = 200
    encoding: str | None = None

    async def apply(self, exchange: Exchange, /) -> Answer:
        content = exchange.true_answer().body if self.content is None else self.content
        body = content.encode() if isinstance(content, str) else content
        headers = {"Content-Encoding": self.encoding} if self.encoding else {}
        return Answer(self.status, body, self.content_type, headers)


@attrs.frozen
class Json:
    """Answer with well-formed JSON of any shape: `Json(None)`, `Json([])`, `Json({"UserId": 1})`.

    Args:
        value: The value to send as JSON.
        status: The status.
    """

    value: object = attrs.field(repr=False)
    status: int = 200

    async def apply(self, exchange: Exchange, /) -> Answer:
        return Answer(self.status, to_json(self.value))


@attrs.frozen
class Redirect:
    """Redirect to another address. A second server there proves that nothing is ever sent to it.

    Args:
        location: The address.
        status: The status.
        body: The body.
    """

    location: str
    status: int = 302
    body: bytes = b""

    async def apply(self, exchange: Exchange, /) -> Answer:
        return Answer(self.status, self.body, headers={"Location": self.location})


@attrs.frozen
class Delay:
    """Wait, then pass the request on. The wait ends with the client's connection, and with the server.

    Args:
        seconds: The seconds to wait.
    """

    seconds: float

    async def apply(self, exchange: Exchange, /) -> None:
        await asyncio.sleep(self.seconds)


@attrs.frozen(eq=False)
class Hold:
    """Wait until `release()`, then pass the request on. One `Hold` may hold many requests."""

    _released: Signal = attrs.field(factory=Signal, init=False, repr=False)

    def release(self) -> None:
        """Let all requests go, those that come later too. Any thread may call it."""
        self._released.set()

    async def apply(self, exchange: Exchange, /) -> None:
        await self._released.wait()


@attrs.frozen
class Drip:
    """Send the true answer a byte at a time.

    Args:
        part: The part to send slowly.
        interval: The seconds between two bytes.
    """

    part: Literal["head", "body"] = "body"
    interval: float = 0.05

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        answer = exchange.true_answer()
        if self.part == "body":
            length = len(answer.body)
            return await exchange.stream(_each(answer.body), answer, length=length, interval=self.interval)
        for byte in _each(exchange.head_of(answer)):
            exchange.write(byte)
            await asyncio.sleep(self.interval)
        exchange.write(answer.body)
        return exchange.hang_up()


@attrs.frozen
class Drop:
    """End the connection.

    Args:
        at: The point: at the start (no answer at all), within the head, or within the (chunked) body.
        reset: End it with RST, as a crashed peer does, instead of FIN.
    """

    at: Literal["start", "head", "body"] = "start"
    reset: bool = False

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        if self.at == "head":
            head = exchange.head_of(exchange.true_answer())
            exchange.write(head[: len(head) // 2])
        if self.at == "body":
            answer = exchange.true_answer()
            await exchange.stream([answer.body[: len(answer.body) // 2]], answer)
        return exchange.hang_up(reset=self.reset)


@attrs.frozen
class Lost:
    """Carry out the request, and lose the answer.

    Args:
        status: The status of a gateway that answers instead. None ends the connection.
    """

    status: int | None = None

    async def apply(self, exchange: Exchange, /) -> Answer | StreamResponse:
        exchange.true_answer()
        return exchange.hang_up() if self.status is None else refuse(self.status)


@attrs.frozen
class Truncate:
    """Send half of the true body, then end the connection.

    Args:
        whole: Send all of it, with a `Content-Length` of a byte more. The body parses, and only its length is wrong.
    """

    whole: bool = False

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        answer = exchange.true_answer()
        length = len(answer.body)
        sent, promised = (length, length + 1) if self.whole else (length // 2, length)
        exchange.write(exchange.head_of(answer, promised) + answer.body[:sent])
        return exchange.hang_up()


def _each(content: bytes) -> Iterator[bytes]:
    return (bytes([byte]) for byte in content)
