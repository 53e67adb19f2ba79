"""A TCP line between a phone and the registrar that a test can cut, as a network does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import attrs


@attrs.define
class Line:
    """Carries what comes to `port`. `cut` ends every connection at once; while `is_dead`, none is made."""

    port: int = 0
    is_dead: bool = False
    _writers: set[asyncio.StreamWriter] = attrs.field(factory=set)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
        if self.is_dead:
            return writer.transport.abort()
        reader_there, writer_there = await asyncio.open_connection("127.0.0.1", to)
        pair = {writer, writer_there}
        self._writers |= pair
        try:
            ways = [_carry(reader, writer_there), _carry(reader_there, writer)]
            await asyncio.wait([asyncio.create_task(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def run_line(to: int) -> AsyncIterator[Line]:
    """To a port of loopback."""
    line = Line()
    server = await asyncio.start_server(lambda *streams: line._join(*streams, to), "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.cut()
        await server.wait_closed()
