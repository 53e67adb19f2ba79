"""What can go wrong on the way to an answer: one class a fault, ordered with `SiperbServer.fail`.

A fault is an object with an `apply` as of `Fault`, so a test may bring its own. `Delay` and `Hold` pass the request
on to the next fault of the same order, or to the true answer; the others answer it, or break it off. What was asked for
is done by those that send something of the true answer, and by `Lost`, which sends nothing of it; not by the others.
"""

from __future__ import annotations

import asyncio
import itertools
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

import attrs

from siperb.testing.answers import Answer, refuse
from siperb.testing.data import to_json
from siperb.testing.signals import Signal

if TYPE_CHECKING:
    from aiohttp.web import StreamResponse

    from siperb.testing.exchange import Exchange

MIB = 1024 * 1024


class Fault(Protocol):
    """A step of an answer: None passes the request on, anything else (`exchange.hang_up()` too) is its end."""

    async def apply(self, exchange: Exchange, /) -> Answer | StreamResponse | None: ...


@attrs.frozen
class Status:
    """Another status, such as 503. `retry_after` is the header, in seconds or as a date."""

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
    """Any content under any type, such as a proxy's HTML page. `encoding` is a `Content-Encoding` that is claimed only.

    Without `content` the true answer's is sent, with the claims of this one.
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
    """Well-formed JSON of any shape: `Json(None)`, `Json([])`, `Json({"UserId": 1})`."""

    value: object = attrs.field(repr=False)
    status: int = 200

    async def apply(self, exchange: Exchange, /) -> Answer:
        return Answer(self.status, to_json(self.value))


@attrs.frozen
class Redirect:
    """To another place: the `base_url` of a second server proves that nothing is ever sent there."""

    location: str
    status: int = 302
    body: bytes = b""

    async def apply(self, exchange: Exchange, /) -> Answer:
        return Answer(self.status, self.body, headers={"Location": self.location})


@attrs.frozen
class Delay:
    """Silence for so many seconds, then on. It ends with the client's connection, and with the server."""

    seconds: float

    async def apply(self, exchange: Exchange, /) -> None:
        await asyncio.sleep(self.seconds)


@attrs.frozen(eq=False)
class Hold:
    """Silence until `release()`, then on: orders what runs at the same time. One `Hold` holds all who meet it."""

    _released: Signal = attrs.field(factory=Signal, init=False, repr=False)

    def release(self) -> None:
        """From any thread, and for good: who comes later is not held."""
        self._released.set()

    async def apply(self, exchange: Exchange, /) -> None:
        await self._released.wait()


@attrs.frozen
class Drip:
    """The true answer, its head or its body a byte at a time, `interval` seconds apart. An hour of it is a stall."""

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
    """The connection ends: at the start (no answer at all), within the head, or within the (chunked) body.

    `reset` ends it with RST, as a crashed peer does, instead of FIN.
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
    """What was asked is done, and its answer lost: the connection ends, or a gateway answers, as by `Lost(504)`."""

    status: int | None = None

    async def apply(self, exchange: Exchange, /) -> Answer | StreamResponse:
        exchange.true_answer()
        return exchange.hang_up() if self.status is None else refuse(self.status)


@attrs.frozen
class Truncate:
    """Half of the true body under its true `Content-Length`, then the connection ends.

    `whole`: all of it under one that promises a byte more, so that what came parses, and the length alone tells.
    """

    whole: bool = False

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        answer = exchange.true_answer()
        length = len(answer.body)
        sent, promised = (length, length + 1) if self.whole else (length // 2, length)
        exchange.write(exchange.head_of(answer, promised) + answer.body[:sent])
        return exchange.hang_up()


@attrs.frozen
class Endless:
    """A chunked body of spaces without end, or with `size` bytes in all. `interval` is in seconds, `chunk` in bytes."""

    size: int | None = None
    interval: float = 0.0
    chunk: int = 65536

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        return await exchange.stream(self._chunks(), Answer(200, b""), interval=self.interval)

    def _chunks(self) -> Iterator[bytes]:
        chunk = b" " * self.chunk
        if self.size is None:
            yield from itertools.repeat(chunk)
        else:
            count, rest = divmod(self.size, self.chunk)
            yield from itertools.repeat(chunk, count)
            if rest:
                yield chunk[:rest]


@attrs.frozen
class GzipBomb:
    """A gzip body that decodes to `size` bytes (2 or more) of well-formed JSON, a thousand times what is sent."""

    size: int = attrs.field(default=256 * MIB, validator=attrs.validators.ge(2))

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        answer = Answer(200, b"", headers={"Content-Encoding": "gzip"})
        return await exchange.stream([gzip_bomb(self.size)], answer)


@lru_cache(maxsize=4)
def gzip_bomb(size: int) -> bytes:
    """`[`, spaces and `]`: `size` bytes in all, of which one compressed block of spaces is repeated."""
    count, rest = divmod(size - 2, MIB)
    whole, remainder = b" " * MIB, b" " * rest + b"]"
    checksum = zlib.crc32(b"[")
    for _ in range(count):
        checksum = zlib.crc32(whole, checksum)
    checksum = zlib.crc32(remainder, checksum)
    start = zlib.compressobj(9, zlib.DEFLATED, 31)  # writes the gzip header too
    block, end = (zlib.compressobj(9, zlib.DEFLATED, -15) for _ in range(2))
    return b"".join(
        (
            start.compress(b"["),
            start.flush(zlib.Z_FULL_FLUSH),
            (block.compress(whole) + block.flush(zlib.Z_FULL_FLUSH)) * count,
            end.compress(remainder),
            end.flush(),
            checksum.to_bytes(4, "little"),
            (size % 2**32).to_bytes(4, "little"),
        )
    )


def _each(content: bytes) -> Iterator[bytes]:
    return (bytes([byte]) for byte in content)
