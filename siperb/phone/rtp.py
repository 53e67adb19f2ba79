"""Packets of a call's audio (RFC 3550): DTMF (RFC 4733), and silence in gaps.

aiortc has no door for either: `_send_rtp` and `_handle_rtp_data` of its DTLS transport are its own business. The tests
hear DTMF and tones through them, so that a version of aiortc without them does not go by unseen.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

KEYS = "0123456789*#ABCD"
FRAME = 0.02  # seconds
KEY_FRAMES, PAUSE_FRAMES, END_PACKETS = 8, 4, 3
LONGEST_GAP = 12  # packets; a longer one is no loss but a pause
_SILENCE = {0: b"\xff" * 160, 8: b"\xd5" * 160}  # of PCMU and PCMA, 20 ms
_OPUS_SILENCE = b"\xf8\xff\xfe"


class Rtp:
    """Stands between aiortc and its transport.

    types: the payload types of DTMF, each with its clock rate.
    """

    def __init__(self, transport: Any, on_digit: Callable[[str], None], has_room: Callable[[], bool]) -> None:
        self.types: dict[int, int] = {}
        self.is_mute: bool = False
        self.is_wanted: bool = False
        self._on_digit = on_digit
        self._has_room = has_room
        self._send: Callable[[bytes], Awaitable[None]] = transport._send_rtp
        self._handle: Callable[..., Awaitable[None]] = transport._handle_rtp_data
        self._pending: deque[tuple[int, int]] = deque()  # key, or -1 for a pause, and the number of its packet
        self._sent: asyncio.Event = asyncio.Event()
        self._is_cut = False
        self._key_began = 0
        self._heard: tuple[int, int] | None = None  # time and key
        self._audio_type = -1
        self._last: tuple[int, int] | None = None  # number and time of the last packet
        transport._send_rtp, transport._handle_rtp_data = self._sending, self._handling

    def close(self) -> None:
        """Send no more keys."""
        self._is_cut = any(number == 1 for _, number in self._pending)
        self._pending.clear()
        self._sent.set()

    async def send_digits(self, digits: str) -> bool:
        """Send keys in the place of audio, and wait until they are sent. False if the end came before all had begun."""
        for digit in digits:
            self._pending += [(KEYS.index(digit), number) for number in range(1, KEY_FRAMES + END_PACKETS)]
            self._pending += [(-1, 0)] * PAUSE_FRAMES
        self._sent.clear()
        await asyncio.wait_for(self._sent.wait(), 5 + len(self._pending) * FRAME * 2)
        return not self._is_cut

    async def _sending(self, data: bytes) -> None:
        if 192 <= data[1] <= 223:  # RTCP (RFC 5761)
            return await self._send(data)
        if self._pending:
            key, number = self._pending.popleft()
            if not self._pending:
                self._sent.set()
            return await self._send(self._key_packet(data, key, number) if key >= 0 else data)
        if not self.is_mute:
            await self._send(data)
        return None

    def _key_packet(self, data: bytes, key: int, number: int) -> bytes:
        """In the place of the audio that was to be sent now."""
        if number == 1:
            self._key_began = struct.unpack_from("!L", data, 4)[0]
        wanted = 8000 if data[1] & 0x7F in (0, 8, 9) else 48000
        payload_type, rate = min(self.types.items(), key=lambda each: each[1] != wanted)
        is_last = number >= KEY_FRAMES
        head = bytearray(data[: _payload_at(data)])
        head[1] = payload_type | (0x80 if number == 1 else 0)
        struct.pack_into("!L", head, 4, self._key_began)
        duration = min(number, KEY_FRAMES) * int(rate * FRAME)
        return bytes(head) + struct.pack("!BBH", key, (0x80 if is_last else 0) | 10, duration)

    async def _handling(self, data: bytes, arrival_time_ms: int) -> None:
        if len(data) < 12 or len(data) < _payload_at(data):
            return
        is_key = (data[1] & 0x7F) in self.types
        if is_key:
            self._take_key(data)
        if self.is_wanted and self._has_room():
            for packet in self._without_gaps(data, is_key):
                await self._handle(packet, arrival_time_ms=arrival_time_ms)

    def _take_key(self, data: bytes) -> None:
        at = _payload_at(data)
        if len(data) < at + 4:
            return
        seen = struct.unpack_from("!L", data, 4)[0], data[at]  # all packets of a key have one time
        if seen != self._heard and data[at] < len(KEYS):
            self._heard = seen
            self._on_digit(KEYS[data[at]])

    def _without_gaps(self, data: bytes, is_key: bool) -> list[bytes]:
        """Silence in the place of packets that are lost, or are keys: at a gap aiortc waits for 15 more packets.

        A packet that is only late still takes its place there: aiortc's buffer holds four.
        """
        number, time = struct.unpack_from("!HL", data, 2)
        if not is_key:
            self._audio_type = data[1] & 0x7F
        if self._last is None or self._audio_type < 0:
            self._last = number, time
            return [] if is_key else [data]
        last, last_time = self._last
        missing = (number - last) & 0xFFFF
        if not 0 < missing < LONGEST_GAP or self._audio_type == 9:  # G.722 is rare, and has no silence of its own
            if missing < 0x8000:
                self._last = number, time
            return [] if is_key else [data]
        silence = _SILENCE.get(self._audio_type, _OPUS_SILENCE)
        step = 160 if self._audio_type in (0, 8, 9) else 960
        made: list[bytes] = []
        for count in range(1, missing + is_key):
            last_time = (last_time + step) & 0xFFFFFFFF
            head = struct.pack("!BBHL", 0x80, self._audio_type, (last + count) & 0xFFFF, last_time)
            made.append(head + data[8:12] + silence)
        self._last = number, last_time if is_key else time
        return made if is_key else [*made, data]


def _payload_at(packet: bytes) -> int:
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10 and len(packet) >= at + 4:
        at += 4 + 4 * int(struct.unpack_from("!H", packet, at + 2)[0])
    return at
