"""A UDP relay between two sides that loses packets: what a bad network does, where all is on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import attrs


@attrs.define
class Relay:
    """Two doors; what comes in at one leaves by the other, to whoever was the first to send there.

    Of `every` packets of audio that come in at a door the last ones are lost, `burst` of them in a row. `lost` and
    `passed` count by door. Those of ICE and DTLS pass.
    """

    every: int
    burst: int
    ports: list[int] = attrs.field(factory=list)
    passed: list[int] = attrs.field(factory=lambda: [0, 0])
    lost: list[int] = attrs.field(factory=lambda: [0, 0])
    _doors: list[_Door] = attrs.field(factory=list)

    def carry(self, door: int, data: bytes) -> None:
        is_audio = 128 <= data[0] <= 191
        other = self._doors[1 - door]
        if is_audio and (self.lost[door] + self.passed[door]) % self.every >= self.every - self.burst:
            self.lost[door] += 1
        elif other.peer:
            self.passed[door] += is_audio
            other.transport.sendto(data, other.peer)


class _Door(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def __init__(self, relay: Relay) -> None:
        self.number, self.relay = len(relay._doors), relay
        self.peer: tuple[str, int] | None = None
        relay._doors.append(self)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.relay.ports.append(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.peer = self.peer or addr
        if addr == self.peer:
            self.relay.carry(self.number, data)


@contextlib.asynccontextmanager
async def run_relay(every: int, burst: int) -> AsyncIterator[Relay]:
    relay, loop = Relay(every, burst), asyncio.get_running_loop()
    doors = [await loop.create_datagram_endpoint(lambda: _Door(relay), ("127.0.0.1", 0)) for _ in range(2)]
    try:
        yield relay
    finally:
        for transport, _ in doors:
            transport.close()
