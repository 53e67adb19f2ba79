"""Tones to send and an ear that measures them: nobody listens."""

from __future__ import annotations

import asyncio
import cmath
import math
import time
from array import array
from collections.abc import Sequence
from fractions import Fraction

import attrs
from aiortc import MediaStreamTrack
from av import AudioFrame, AudioResampler

SENT = 48_000  # samples a second
FRAME = 960  # samples, 20 ms
HEARD = 8_000
WINDOW = 4_096  # samples, half a second
LOUD = 12_000  # the amplitude of a tone that is sent
AUDIBLE = 300  # the level below which nothing is heard


class Tone(MediaStreamTrack):
    """A track with one tone of a whole number of hertz."""

    kind = "audio"

    def __init__(self, hertz: int) -> None:
        super().__init__()
        self._period = sine(hertz)
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        if self._began is None:
            self._began = time.monotonic()
        await asyncio.sleep(max(0, self._began + self._sent / SENT - time.monotonic()))
        at = self._sent % SENT  # a frame never passes the end: a second has 50 of them
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(self._period[at : at + FRAME].tobytes())
        frame.sample_rate, frame.pts, frame.time_base = SENT, self._sent, Fraction(1, SENT)
        self._sent += FRAME
        return frame


def sine(hertz: int, rate: int = SENT) -> array[int]:
    """One second, after which it goes on without a step."""
    return array("h", (round(LOUD * math.sin(2 * math.pi * hertz * n / rate)) for n in range(rate)))


@attrs.frozen
class Heard:
    """The strongest frequency, how strong it is, and how much of all the sound it makes."""

    hertz: float
    level: int
    purity: float

    def is_tone(self, hertz: int, *, within: float = 3) -> bool:
        return abs(self.hertz - hertz) < within and self.level > AUDIBLE

    def __str__(self) -> str:
        return f"{self.hertz:.1f} Hz at level {self.level}, {self.purity:.0%} pure"


def measure(samples: Sequence[int], rate: int = HEARD) -> Heard:
    """What the last `WINDOW` samples are: a Fourier transform, with the frequency between two of its steps."""
    taken = samples[-WINDOW:]
    level = round(math.sqrt(sum(sample * sample for sample in taken) / len(taken)))
    faded = [sample * (0.5 - 0.5 * math.cos(2 * math.pi * n / WINDOW)) for n, sample in enumerate(taken)]
    power = [abs(value) ** 2 for value in transform([complex(value) for value in faded])[: WINDOW // 2]]
    best = max(range(2, WINDOW // 2 - 2), key=power.__getitem__)
    low, middle, high = (math.log(power[best + step] + 1e-9) for step in (-1, 0, 1))
    bend = low - 2 * middle + high
    between = (low - high) / (2 * bend) if bend else 0
    purity = sum(power[best - 2 : best + 3]) / (sum(power) + 1e-9)
    return Heard((best + between) * rate / WINDOW, level, purity)


def transform(values: list[complex]) -> list[complex]:
    """The Fourier transform of a power of two of values."""
    if len(values) == 1:
        return values
    even, odd = transform(values[::2]), transform(values[1::2])
    turned = [cmath.exp(-2j * math.pi * n / len(values)) * value for n, value in enumerate(odd)]
    return [a + b for a, b in zip(even, turned, strict=True)] + [a - b for a, b in zip(even, turned, strict=True)]


async def listen(track: MediaStreamTrack, seconds: float = WINDOW / HEARD) -> array[int]:
    """The samples that come in this time, by their own count; at least one window of them."""
    resampler, samples = AudioResampler("s16", "mono", HEARD), array("h")
    while len(samples) < max(WINDOW, seconds * HEARD):
        frame = await track.recv()
        assert isinstance(frame, AudioFrame)
        for each in resampler.resample(frame):
            samples.frombytes(bytes(each.planes[0])[: each.samples * 2])
    return samples


async def hears(track: MediaStreamTrack, hertz: int, *, within: float = 3, patience: float = 8) -> Heard:
    """Listens until this tone is there; what it measured, which the assertion of a failure shows."""
    heard, ends = None, time.monotonic() + patience
    while time.monotonic() < ends:
        heard = measure(await asyncio.wait_for(listen(track), patience))
        if heard.is_tone(hertz, within=within):
            return heard
    raise AssertionError(f"not {hertz} Hz: {heard}")
