"""Tones to send, and an ear that tells which tone it hears. Nobody listens."""

from __future__ import annotations

import array
import asyncio
import fractions
import math
import time
from itertools import pairwise
from typing import Any

from aiortc import MediaStreamTrack
from av import AudioFrame, AudioResampler

RATE = 8000


class Tone(MediaStreamTrack):
    """A tone without an end, or of so many seconds."""

    kind = "audio"

    def __init__(self, hz: float, seconds: float | None = None) -> None:
        super().__init__()
        self._hz, self._seconds = hz, seconds
        self._count, self._began = 0, 0.0

    async def recv(self) -> AudioFrame:
        self._began = self._began or time.monotonic()
        if self._seconds is not None and self._count / 48000 >= self._seconds:
            self.stop()
            from aiortc.mediastreams import MediaStreamError

            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._began + self._count / 48000 - time.monotonic()))
        angle = 2 * math.pi * self._hz / 48000
        samples = array.array("h", (int(12000 * math.sin(angle * (self._count + n))) for n in range(960)))
        frame: Any = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48000, self._count, fractions.Fraction(1, 48000)
        self._count += 960
        return frame


async def listen(track: MediaStreamTrack, seconds: float = 0.5, skip: float = 0.2) -> tuple[float, float]:
    """The frequency of what comes next, by the times at which it passes zero, and its level."""
    while not track._queue.empty():  # type: ignore[attr-defined]  # what came while nobody listened
        await track.recv()
    resampler, heard = AudioResampler("s16", "mono", RATE), array.array("h")
    while len(heard) < (seconds + skip) * RATE:
        frame: Any = await asyncio.wait_for(track.recv(), 5)
        for each in resampler.resample(frame):
            heard.frombytes(bytes(each.planes[0])[: 2 * each.samples])
    samples = heard[int(skip * RATE) :]
    level = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    rises = [n + a / (a - b) for n, (a, b) in enumerate(pairwise(samples)) if a < 0 <= b]
    hz = (len(rises) - 1) / (rises[-1] - rises[0]) * RATE if len(rises) > 2 else 0.0
    return round(hz, 1), round(level)
