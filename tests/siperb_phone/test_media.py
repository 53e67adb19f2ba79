"""Audio between two phones, by its frequencies; digits; what is heard while packets are lost. Nobody listens."""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc.mediastreams import MediaStreamError
from siperb_phone.small_proxy import SDP, Peer, Proxy, eventually, one_phone, running_proxy
from siperb_phone.tones import Tone, listen

from siperb import CallFailedError, ConfigurationError, PhoneError
from siperb.phone import CallEnd, CallState, EndReason, IncomingCall, OutgoingCall, Phone
from siperb.phone import call as call_module
from siperb.phone.leg import Leg
from siperb.phone.media import Media
from siperb.phone.rtp import KEYS, Rtp
from siperb.phone.sdp import MAX_CANDIDATES, MAX_NAMES, has_audio, with_few_candidates

Talk = tuple[Proxy, OutgoingCall, IncomingCall]


@asynccontextmanager
async def talk(mine: Any = None, theirs: Any = None) -> AsyncIterator[Talk]:
    """A call between two phones that stands."""
    async with one_phone() as (proxy, phone), Phone(proxy.phone(701), insecure=True) as other:
        dialing = asyncio.ensure_future(phone.call("u701", mine))
        answering = await anext(aiter(other))
        await answering.answer(theirs)
        yield proxy, await dialing, answering


async def drain(track: Any) -> None:
    while True:
        await track.recv()


def hears(heard: tuple[float, float], hz: float) -> bool:
    return abs(heard[0] - hz) < 5 and heard[1] > 1000


async def test_both_sides_hear_each_other_and_digits_go_both_ways() -> None:
    async with talk(Tone(500), Tone(700)) as (_, call, other):
        first, second = await call.audio(), await other.audio()
        assert hears(await listen(first), 700)
        assert hears(await listen(second), 500)
        await call.send_digits(KEYS)
        assert [await other.digit() for _ in KEYS] == list(KEYS)
        await other.send_digits("55")
        await other.send_digits("6", info=True)
        assert [await call.digit() for _ in "556"] == list("556")
        assert hears(await listen(second), 500)


@pytest.mark.parametrize(("digits", "is_cut"), [("#", False), ("1234567890#", True)])
async def test_a_hang_up_at_a_digit(digits: str, is_cut: bool) -> None:
    async with talk() as (_, call, other):
        sending = asyncio.ensure_future(call.send_digits(digits))
        await other.digit()
        await other.hang_up()
        await asyncio.wait([sending], timeout=2)
        assert isinstance(sending.exception(), PhoneError if is_cut else type(None))


async def test_a_held_call_is_silent() -> None:
    async with talk(Tone(500), Tone(700)) as (_, call, other):
        first, second = await call.audio(), await other.audio()
        await listen(first)
        await call.hold()
        count = _received(other)
        await asyncio.sleep(0.3)
        assert _received(other) - count < 3
        await call.resume()
        assert hears(await listen(first), 700)
        assert hears(await listen(second), 500)


def _received(call: Any) -> int:
    """Packets of audio."""
    return int(call._media._rtp._last[0])


@pytest.mark.parametrize("has_bye", [True, False])
async def test_media_that_end_before_the_bye(monkeypatch: pytest.MonkeyPatch, has_bye: bool) -> None:
    monkeypatch.setattr(Leg.lose_media, "__defaults__", (5.0 if has_bye else 0.2,))
    async with talk() as (_, call, other):
        media: Any = call._media
        await media._connection.close()
        await eventually(lambda: other._media._connection.connectionState == "closed")
        if has_bye:
            await call.hang_up()
        ends = [(await each.ended()).reason for each in (call, other)]
        assert (EndReason.MEDIA_FAILED in ends) == (not has_bye)
        assert EndReason.PEER_HUNG_UP in ends or not has_bye


async def test_the_media_end_after_the_bye_is_answered() -> None:
    async with talk() as (proxy, call, other):
        proxy.on_request = lambda request: "" if request.method == "BYE" else None
        hanging_up = asyncio.ensure_future(call.hang_up())
        bye = await proxy.request("BYE")
        media: Any = call._media
        assert media._connection.connectionState == "connected"
        await proxy.say(proxy.reply(bye, "200 OK"))
        await hanging_up
        await eventually(lambda: media._connection.connectionState == "closed")
        proxy.on_request = lambda _: None
        await other.hang_up()


async def test_silence_before_a_track_and_after_its_end() -> None:
    async with talk(None, Tone(700, seconds=2.5)) as (_, call, other):
        first, second = await call.audio(), await other.audio()
        assert (await listen(second))[1] < 10
        assert hears(await listen(first, 0.2, 0.1), 700)
        await eventually(lambda: other._media._outlet.source is None)
        assert (await listen(first, 0.2, 0.5))[1] < 10
        await other.send_digits("1")
        assert await call.digit() == "1"


async def test_the_track_ends_with_the_call_and_nothing_is_left() -> None:
    before = asyncio.all_tasks()
    mine, theirs = Tone(500), Tone(700)
    async with talk(mine, theirs) as (_, call, other):
        audio = await call.audio()
        assert mine.readyState == theirs.readyState == "live"
        await call.hang_up()
        assert (await other.ended()).reason is EndReason.PEER_HUNG_UP
        await eventually(lambda: mine.readyState == theirs.readyState == "ended")
        with pytest.raises(MediaStreamError):
            await asyncio.wait_for(drain(audio), 5)
        with pytest.raises(PhoneError, match="no audio"):
            await call.audio()
    assert asyncio.all_tasks() == before


async def test_early_media() -> None:
    async with one_phone() as (proxy, phone), Phone(proxy.phone(701), insecure=True) as other:
        call = await phone.dial("u701", Tone(500))
        answering = await anext(aiter(other))
        await answering.ring(Tone(440))
        await call.ringing()
        track = await asyncio.wait_for(call.audio(), 5)
        assert hears(await listen(track), 440)
        assert call.state is CallState.RINGING
        await answering.answer(Tone(700))
        await call.answered()
        assert hears(await listen(track), 700)
        assert hears(await listen(await answering.audio()), 500)


async def test_an_early_medium_of_one_fork_and_the_answer_of_another() -> None:
    """The answer is the other fork's, so the offer is made anew."""
    async with running_proxy() as proxy, Phone(proxy.phone(), insecure=True) as phone:
        one, two = (Phone(proxy.phone(701, contact=contact), insecure=True) for contact in ("one", "two"))
        async with one, two:
            call = await phone.dial("u701", Tone(500))
            first, second = await anext(aiter(one)), await anext(aiter(two))
            await first.ring(Tone(440))
            await call.ringing()
            assert hears(await listen(await call.audio()), 440)
            before = call._media
            answering = asyncio.ensure_future(second.answer(Tone(700)))
            offers = await proxy.until(lambda: [m for m in proxy.requests("INVITE") if "tag=" in (m.first("to") or "")])
            assert call._media is not before
            assert has_audio(offers[0].body)
            assert call._track.readyState == "live"
            await call.hang_up()
            await asyncio.wait([answering])
            assert isinstance(answering.exception(), PhoneError)


async def test_a_caller_without_an_offer_gets_ours() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone, body="")
        answering = asyncio.ensure_future(call.answer(Tone(500)))
        offer = (await peer.final(branch)).body
        media = Media([], Tone(700), lambda _: None, lambda: None)
        await peer.acknowledge(branch, body=await media.answer(offer))
        await answering
        assert hears(await listen(await call.audio()), 700)
        await media.close()


async def test_a_caller_who_gives_up_while_we_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    describe = Media._describe
    offering = Media([], None, lambda _: None, lambda: None)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone, body=await offering.offer())

        async def describe_slowly(media: Media, *args: str) -> None:
            await describe(media, *args)
            await peer.send("CANCEL", number=1, branch=branch)
            await eventually(lambda: media._connection.connectionState == "closed")

        monkeypatch.setattr(Media, "_describe", describe_slowly)
        with pytest.raises(PhoneError, match="ended \\(cancelled\\)"):
            await call.answer()
        assert (await peer.final(branch)).status == 200  # of the CANCEL, as both have the same branch
        assert call.end == CallEnd(EndReason.CANCELLED, 487)
    await offering.close()


async def test_most_candidates_are_passed_over() -> None:
    form = "a=candidate:{0} 1 udp 1 {1} {2} typ host\r\n"
    names = "".join(form.format(number, f"{number}.local", 5000) for number in range(10))
    hosts = "".join(form.format(number, "127.0.0.1", 5000 + number) for number in range(100))
    assert with_few_candidates(SDP + names + hosts).count(".local") == MAX_NAMES
    offering, answering = (Media([], None, lambda _: None, lambda: None) for _ in range(2))
    await answering.answer(await offering.offer() + hosts)
    assert answering._connection.remoteDescription.sdp.count("a=candidate:") == MAX_CANDIDATES
    await offering.close()
    await answering.close()


async def test_an_offer_that_cannot_be_answered() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone, body=SDP.replace("a=setup:actpass", "a=fingerprint:x"))
        with pytest.raises(CallFailedError, match="offer cannot be used"):
            await call.answer()
        assert (await peer.final(branch)).status == 488
        assert call.end == CallEnd(EndReason.MEDIA_FAILED, 488)


async def test_no_way_for_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_module, "MEDIA_TIMEOUT", 0.3)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        media = Media([], None, lambda _: None, lambda: None)
        call, branch = await peer.call(phone, body=await media.offer())
        answering = asyncio.ensure_future(call.answer())
        await peer.acknowledge(branch)  # and not a packet
        with pytest.raises(PhoneError, match="TURN"):
            await answering
        await proxy.request("BYE")
        assert (await call.ended()).reason is EndReason.MEDIA_FAILED
        await media.close()


async def test_a_video_that_is_offered_too_is_refused() -> None:
    media = Media([], None, lambda _: None, lambda: None)
    other = Media([], None, lambda _: None, lambda: None)
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n"
    answer = await media.answer(await other.offer() + video)
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n" in answer
    assert answer.index("m=audio") < answer.index("m=video")
    await other.accept(answer.partition("m=video")[0])
    assert await media.flows(5)
    await asyncio.gather(media.close(), other.close())


@pytest.mark.parametrize("server", [{"url": "turn:x"}, {"urls": "x"}, {"urls": 5}, {"urls": "turn:"}])
async def test_servers_that_are_none(server: dict[str, Any]) -> None:
    async with one_phone() as (proxy, phone):
        phone._line.ice_servers = [server]
        with pytest.raises(ConfigurationError, match="ice_servers"):
            await phone.dial("u701")
        assert phone.calls == ()
        assert proxy.requests("INVITE") == []


async def test_media_without_an_offer(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: Media) -> str:
        raise OSError

    monkeypatch.setattr(Media, "offer", fail)
    async with one_phone() as (_, phone):
        with pytest.raises(CallFailedError, match="No offer can be made"):
            await phone.call("u701")
        assert phone.calls == ()
        assert "There is no offer" in caplog.text


async def test_what_nobody_hears_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.phone.media.MAX_WAITING", 5)
    async with talk(Tone(500), Tone(700)) as (_, call, other):
        assert call._media._received.result()._queue.qsize() == 0
        track: Any = await call.audio()
        await eventually(lambda: track._queue.qsize() >= 5)
        await other.send_digits("1")
        assert await call.digit() == "1"
        assert track._queue.qsize() < 15


# Packets.


class Transport:
    """Where the packets go to, in the place of aiortc's."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.handled: list[bytes] = []

    async def _send_rtp(self, data: bytes) -> None:
        self.sent.append(data)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self.handled.append(data)


def packet(number: int, kind: int = 96, time: int | None = None, payload: bytes = b"audio") -> bytes:
    return struct.pack("!BBHLL", 0x80, kind, number & 0xFFFF, number * 960 if time is None else time, 7) + payload


@pytest.fixture
def rtp() -> tuple[Rtp, Transport, list[str]]:
    transport, keys = Transport(), list[str]()
    made = Rtp(transport, keys.append, lambda: True)
    made.types, made.is_wanted = {101: 8000, 110: 48000}, True
    return made, transport, keys


async def come(transport: Any, *packets: bytes) -> list[tuple[int, bytes]]:
    for each in packets:
        await transport._handle_rtp_data(each, 0)
    return [(struct.unpack_from("!H", each, 2)[0], each[12:]) for each in transport.handled]


SILENCE = b"\xf8\xff\xfe"


async def test_a_gap_is_filled_with_silence(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    heard = await come(rtp[1], packet(65534), packet(2), packet(3))
    expected = [(65534, b"audio"), (65535, SILENCE), (0, SILENCE), (1, SILENCE), (2, b"audio"), (3, b"audio")]
    assert heard == expected
    times = [struct.unpack_from("!L", each, 4)[0] for each in rtp[1].handled[:4]]
    assert times == [65534 * 960 + n * 960 for n in range(4)]


async def test_a_late_packet_takes_its_place(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    heard = await come(rtp[1], packet(1), packet(3), packet(2), packet(4))
    assert heard == [(1, b"audio"), (2, SILENCE), (3, b"audio"), (2, b"audio"), (4, b"audio")]


async def test_a_pause_is_no_gap(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    assert await come(rtp[1], packet(1), packet(500)) == [(1, b"audio"), (500, b"audio")]


async def test_a_key_is_heard_once_and_is_silence(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    key = [packet(n, 101, 960, struct.pack("!BBH", 5, 10, 160)) for n in (2, 3, 4)]
    again = packet(6, 101, 5 * 960, struct.pack("!BBH", 5, 10, 160))
    unknown = packet(7, 101, 6 * 960, struct.pack("!BBH", 16, 10, 160))
    heard = await come(rtp[1], packet(1), *key, packet(5), again, unknown)
    assert rtp[2] == ["5", "5"]
    assert [payload for _, payload in heard] == [b"audio", *[SILENCE] * 3, b"audio", *[SILENCE] * 2]


@pytest.mark.parametrize("data", [b"\x80\xe5", packet(1, 101, payload=b""), b"\x9f" + packet(1)[1:], b"\x80" * 12])
async def test_half_a_packet(rtp: tuple[Rtp, Transport, list[str]], data: bytes) -> None:
    await come(rtp[1], data)
    assert rtp[2] == []


async def test_digits_take_the_place_of_audio(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    sending = asyncio.ensure_future(rtp[0].send_digits("5"))
    transport: Any = rtp[1]
    for number in range(14):
        await asyncio.sleep(0)
        await transport._send_rtp(packet(number))
    await sending
    keys = [each for each in transport.sent if each[1] & 0x7F == 110]
    events = [struct.unpack_from("!BBH", each, 12) for each in keys]
    assert [duration for _, _, duration in events] == [960 * n for n in range(1, 9)] + [960 * 8] * 2
    assert {key for key, _, _ in events} == {5}
    assert [flags & 0x80 for _, flags, _ in events] == [0] * 7 + [0x80] * 3
    assert len({each[4:8] for each in keys}) == 1
    assert [each[1] >> 7 for each in keys] == [1] + [0] * 9


async def test_what_is_mute_sends_control_alone(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    rtp[0].is_mute = True
    transport: Any = rtp[1]
    await transport._send_rtp(packet(1))
    await transport._send_rtp(b"\x80\xc8control")
    assert transport.sent == [b"\x80\xc8control"]


async def test_nothing_is_decoded_that_nobody_wants(rtp: tuple[Rtp, Transport, list[str]]) -> None:
    rtp[0].is_wanted = False
    assert await come(rtp[1], packet(1), packet(2, 101, payload=b"\x01\x0a\x00\xa0")) == []
    assert rtp[2] == ["1"]


async def test_without_aiortc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "siperb.phone.media", None)
    async with one_phone() as (proxy, phone):
        with pytest.raises(ConfigurationError, match=r"pip install 'siperb\[phone\]'"):
            await phone.dial("u701")
        call, _ = await Peer(proxy).call(phone)
        with pytest.raises(ConfigurationError, match="answer_with"):
            await call.answer()
        assert call.state is CallState.RINGING
