"""Faults that send far too much."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from siperb.testing.answers import Answer

if TYPE_CHECKING:
    from aiohttp.web import StreamResponse

    from siperb.testing.exchange import Exchange

MIB = 1024 * 1024


@attrs.frozen
class Endless:
    """Answer with a chunked body of spaces that does not end.

    Args:
        size: The bytes of the body, if it is to end.
        interval: The seconds between two chunks.
        chunk: The bytes of a chunk.
    """

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
    """Answer with a gzip body that decodes to a thousand times of its size.

    Args:
        size: The bytes of the decoded body, 2 or more. It is well-formed JSON.
    """

    size: int = attrs.field(default=256 * MIB, validator=attrs.validators.ge(2))

    async def apply(self, exchange: Exchange, /) -> StreamResponse:
        answer = Answer(200, b"", headers={"Content-Encoding": "gzip"})
        return await exchange.stream([gzip_bomb(self.size)], answer)


@lru_cache(maxsize=4)
def gzip_bomb(size: int) -> bytes:
    """Return `[`, spaces and `]`, compressed: one block of spaces is repeated."""
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
