"""Where two things happen at once: forks, early media, offers that meet, and sessions that expire. JsSIP and SIP.js."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from real_phones import Talker, hears, incoming, logged, open_talker, phone, provisioned, soon, until
from siprig.rig import DOMAIN, Chromium, Registrar
from siprig.tones import Tone

from siperb import PhoneError
from siperb.phone import CallState, EndReason, Phone

pytestmark = pytest.mark.registrar
US = f"sip:u700@{DOMAIN}"


@pytest.fixture
async def second(chromium: Chromium, registrar: Registrar, jssip: Talker) -> AsyncIterator[Talker]:
    """Another phone at the address of `jssip`, with a tone of its own."""
    with open_talker(chromium, registrar, "sipjs", jssip.user, 1400, contact_user_name="c711") as talker:
        yield talker


async def test_the_first_of_two_phones_at_an_address_answers(
    registrar: Registrar, jssip: Talker, second: Talker
) -> None:
    for talker in (jssip, second):
        await talker.set(answering="rings")
    async with phone(registrar) as us:
        call = await us.dial(jssip.user, Tone(440))
        await jssip.says("ringing")
        await until(lambda: sum("reply 180" in line for line in registrar.log) >= 2)
        await second.do("answer")
        await soon(call.answered())
        assert abs((await hears(call, 1400)).hertz - 1400) < 3
        await jssip.says("failed : Canceled")
        await call.hang_up()
        await second.says("ended by peer")


async def test_both_phones_at_an_address_answer(registrar: Registrar, jssip: Talker, second: Talker) -> None:
    """The first has the call. The other, who did not hear of it yet, gets an ACK and a BYE."""
    for talker in (jssip, second):
        await talker.set(answering="rings")
    async with phone(registrar) as us:
        call = await us.dial(jssip.user, Tone(440))
        await jssip.says("ringing")
        await until(lambda: sum("reply 180" in line for line in registrar.log) >= 2)
        await second.do("gate", True)  # keeps the CANCEL
        await jssip.do("answer")
        await soon(call.answered())
        since = len(registrar.log)
        await second.do("answer")
        assert await logged(registrar, "request ACK", since)
        assert await logged(registrar, "request BYE", since)
        await second.do("gate", False)
        await second.says("ended by peer")
        assert call.state is CallState.ACTIVE
        assert abs((await hears(call, 1000)).hertz - 1000) < 3
        assert abs(await jssip.hears(440) - 440) < 3


async def test_a_call_that_another_phone_of_ours_answers(registrar: Registrar, talker: Talker) -> None:
    elsewhere = Phone(provisioned(registrar, contact_user_name="c710"), insecure=True)
    async with phone(registrar) as us, elsewhere:
        await talker.do("call", US)
        missed, taken = await asyncio.gather(incoming(us), incoming(elsewhere))
        await soon(taken.answer())
        assert (await soon(missed.ended())).reason is EndReason.ANSWERED_ELSEWHERE


async def test_they_announce_before_they_answer(registrar: Registrar, sipjs: Talker) -> None:
    await sipjs.set(answering="announces")
    async with phone(registrar) as us:
        call = await us.dial(sipjs.user, Tone(440))
        assert abs((await hears(call, sipjs.hertz)).hertz - sipjs.hertz) < 3
        assert call.state is CallState.RINGING
        assert abs(await sipjs.hears(440) - 440) < 3
        await sipjs.do("answer")
        await soon(call.answered())
        assert call.state is CallState.ACTIVE
        assert abs((await hears(call, sipjs.hertz)).hertz - sipjs.hertz) < 3


async def test_we_announce_before_we_answer(registrar: Registrar, jssip: Talker) -> None:
    async with phone(registrar) as us:
        await jssip.do("call", US)
        call = await incoming(us)
        await call.ring(Tone(550))
        assert abs(await jssip.hears(550) - 550) < 3
        assert await jssip.log() == ["ringing"]
        await soon(call.answer(Tone(440)))
        assert abs(await jssip.hears(440) - 440) < 3
        assert abs((await hears(call, jssip.hertz)).hertz - jssip.hertz) < 3


async def test_offers_meet(registrar: Registrar, sipjs: Talker) -> None:
    """Ours waits at the page's gate until SIP.js has sent its own. Both answer 491, and ours is sent again."""
    async with phone(registrar) as us:
        await sipjs.do("call", US)
        call = await incoming(us)
        await soon(call.answer(Tone(440)))
        await sipjs.says("answered")
        await sipjs.hears(440)
        since = len(registrar.log)
        await sipjs.do("gate", True)
        holding = asyncio.create_task(call.hold())
        await sipjs.until("talker.waiting()")
        await sipjs.do("hold", True)
        assert await logged(registrar, "reply 491 to INVITE", since)
        await sipjs.do("gate", False)
        await soon(holding)
        assert sum("reply 491 to INVITE" in line for line in registrar.log[since:]) >= 2
        assert call.state is CallState.HELD
        await sipjs.says("held by peer")
        await sipjs.do("hold", True)  # the library leaves it to the page to ask again
        await until(lambda: call.is_held_by_peer)
        await sipjs.do("hold", False)
        await until(lambda: not call.is_held_by_peer)
        await soon(call.resume())
        assert abs(await sipjs.hears(440) - 440) < 3
        assert abs((await hears(call, sipjs.hertz)).hertz - sipjs.hertz) < 3


async def test_they_hang_up_while_an_offer_of_ours_is_on_its_way(registrar: Registrar, jssip: Talker) -> None:
    async with phone(registrar) as us:
        call = await us.call(jssip.user, Tone(440))
        await jssip.says("answered")
        await jssip.do("gate", True)  # keeps our INVITE
        holding = asyncio.create_task(call.hold())
        await jssip.until("talker.waiting()")
        await jssip.do("hangUp")
        assert (await soon(call.ended())).reason is EndReason.PEER_HUNG_UP
        with pytest.raises(PhoneError):
            await soon(holding)


async def test_sessions_are_refreshed(registrar: Registrar, jssip: Talker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hour of a call in seconds: in one call we are asked to refresh, in the other JsSIP promised to."""
    monkeypatch.setattr("siperb.phone.session_timer.SHORTEST", 1)  # 90 seconds, elsewhere
    await jssip.do("expire", 6)
    async with phone(registrar) as us:
        calls = []
        for refresher in ("uas", "uac"):
            await jssip.set(refresher=refresher)
            await jssip.do("call", US)
            calls.append(await incoming(us))
            await soon(calls[-1].answer(Tone(440)))
            await jssip.says("answered")
        for _ in range(2):  # it goes on past the first expiry
            since = len(registrar.log)
            for user in ("u700", "u701"):
                await logged(registrar, f"request (UPDATE|INVITE).*{user}", since)
        assert [call.state for call in calls] == [CallState.ACTIVE] * 2
        assert abs(await jssip.hears(440) - 440) < 3
