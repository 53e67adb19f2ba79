"""Calls between a phone of ours and JsSIP and SIP.js in Chromium, through Kamailio. Every tone is measured."""

from __future__ import annotations

import asyncio

import pytest
from real_phones import Talker, hears, incoming, keys, logged, phone, soon
from siprig.rig import DOMAIN, Registrar
from siprig.tones import Tone

from siperb import CallFailedError
from siperb.phone import Call, CallState, EndReason, Phone

pytestmark = pytest.mark.registrar
US = f"sip:u700@{DOMAIN}"


async def answered(phone: Phone, talker: Talker, hertz: int = 440) -> Call:
    """The browser's call, answered with a tone, and heard on both sides."""
    await talker.do("call", US)
    call = await incoming(phone)
    await soon(call.answer(Tone(hertz)))
    await talker.says("answered")
    return call


async def test_we_are_called(registrar: Registrar, talker: Talker) -> None:
    async with phone(registrar) as us:
        await talker.do("call", US)
        call = await incoming(us)
        assert (call.is_incoming, call.state, call.peer) == (True, CallState.RINGING, talker.uri)
        await call.ring()
        await talker.says("ringing")
        await soon(call.answer(Tone(440)))
        heard = await hears(call, talker.hertz)
        assert abs(heard.hertz - talker.hertz) < 3
        assert abs(await talker.hears(440) - 440) < 3
        assert call.state is CallState.ACTIVE

        await talker.do("press", "15#", "RFC2833")
        assert await keys(call, 3) == "15#"
        for key in "29":
            await talker.do("press", key, "INFO")
            assert await keys(call, 1) == key
        await call.send_digits("4*", info=True)
        assert await talker.pressed("4*") == "4*"
        assert abs((await hears(call, talker.hertz)).hertz - talker.hertz) < 3

        since = len(registrar.log)
        await talker.do("hangUp")
        end = await soon(call.ended())
        assert (end.reason, call.state, us.calls) == (EndReason.PEER_HUNG_UP, CallState.ENDED, ())
        assert await logged(registrar, "reply 200 to BYE", since)


async def test_we_call(registrar: Registrar, talker: Talker) -> None:
    async with phone(registrar) as us:
        call = await us.call(talker.user, Tone(660))
        assert (call.is_incoming, call.state, call.peer) == (False, CallState.ACTIVE, talker.uri)
        assert abs((await hears(call, talker.hertz)).hertz - talker.hertz) < 3
        assert abs(await talker.hears(660) - 660) < 3
        keys = asyncio.create_task(call.send_digits("5555"))  # RFC 4733: the page is not told, but Chromium sounds them
        await talker.until("talker.loud(770) > -50 && talker.loud(1336) > -50")
        await keys
        assert abs(await talker.hears(660) - 660) < 3
        await talker.until("talker.loud(770) < -70 && talker.loud(1336) < -70")
        await call.hang_up()
        await talker.says("ended by peer")
        assert (await call.ended()).reason is EndReason.HUNG_UP


async def test_we_cancel(registrar: Registrar, talker: Talker) -> None:
    await talker.set(answering="rings")
    async with phone(registrar) as us:
        call = await us.dial(talker.user)
        await soon(call.ringing())
        assert call.state is CallState.RINGING
        await call.hang_up()
        assert (await soon(call.ended())).reason is EndReason.CANCELLED
        await talker.says("failed : Canceled", "ended by peer")


async def test_nobody_answers_in_time(registrar: Registrar, talker: Talker) -> None:
    await talker.set(answering="rings")
    async with phone(registrar) as us:
        with pytest.raises(CallFailedError) as failed:
            await us.call(talker.user, timeout=0.3)
        assert failed.value.status == 408
        await talker.says("failed : Canceled", "ended by peer")


async def test_they_cancel(registrar: Registrar, talker: Talker) -> None:
    async with phone(registrar) as us:
        await talker.do("call", US)
        call = await incoming(us)
        await call.ring()
        await talker.says("ringing")
        await talker.do("hangUp")
        assert (await soon(call.ended())).reason is EndReason.CANCELLED


async def test_we_reject(registrar: Registrar, talker: Talker) -> None:
    async with phone(registrar) as us:
        since = len(registrar.log)
        await talker.do("call", US)
        call = await incoming(us)
        await call.reject(603)
        end = await soon(call.ended())
        assert (end.reason, end.status) == (EndReason.REJECTED, 603)
        await talker.says("failed 603", "ended by us")
        assert await logged(registrar, "reply 603 to INVITE", since)


async def test_they_reject(registrar: Registrar, talker: Talker) -> None:
    await talker.set(answering="rings")
    async with phone(registrar) as us:
        call = await us.dial(talker.user)
        await soon(call.ringing())
        await talker.do("reject", 486)
        with pytest.raises(CallFailedError) as failed:
            await soon(call.answered())
        assert failed.value.status == 486
        end = await soon(call.ended())
        assert (end.reason, end.status) == (EndReason.REJECTED, 486)


async def test_they_hold_and_resume(registrar: Registrar, talker: Talker) -> None:
    async with phone(registrar) as us:
        call = await answered(us, talker)
        await talker.hears(440)
        since = len(registrar.log)
        await talker.do("hold", True)
        assert await logged(registrar, "reply 200 to INVITE", since)
        assert call.is_held_by_peer
        since = len(registrar.log)
        await talker.do("hold", False)
        assert await logged(registrar, "reply 200 to INVITE", since)
        assert not call.is_held_by_peer
        assert abs((await hears(call, talker.hertz)).hertz - talker.hertz) < 3
        assert abs(await talker.hears(440) - 440) < 3


async def test_we_hold_and_resume(registrar: Registrar, talker: Talker) -> None:
    async with phone(registrar) as us:
        call = await answered(us, talker)
        await call.hold()
        assert call.state is CallState.HELD
        await talker.says("held by peer")
        await call.resume()
        assert call.state is CallState.ACTIVE
        await talker.says("resumed by peer")
        assert abs((await hears(call, talker.hertz)).hertz - talker.hertz) < 3
        assert abs(await talker.hears(440) - 440) < 3


async def test_we_transfer(registrar: Registrar, jssip: Talker, sipjs: Talker) -> None:
    async with phone(registrar) as us:
        call = await us.call(jssip.user, Tone(440))
        await soon(call.transfer(sipjs.user))
        assert (await soon(call.ended())).reason is EndReason.TRANSFERRED
        assert abs(await jssip.hears(sipjs.hertz) - sipjs.hertz) < 3
        assert abs(await sipjs.hears(jssip.hertz) - jssip.hertz) < 3


async def test_nobody_is_there(registrar: Registrar) -> None:
    async with phone(registrar) as us:
        with pytest.raises(CallFailedError) as failed:
            await us.call("u703")
        assert failed.value.status == 480
        with pytest.raises(CallFailedError):
            await us.call("nobody")


async def test_the_consoles_stay_empty(talkers: dict[str, Talker]) -> None:
    assert {library: talker.page.do("console") for library, talker in talkers.items()} == {"jssip": [], "sipjs": []}
