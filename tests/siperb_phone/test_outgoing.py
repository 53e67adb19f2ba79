"""Calls of ours: answered, refused, cancelled, forked. The other side is by hand, or another phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from siperb_phone.small_proxy import ANSWER, DOMAIN, SDP, Peer, Proxy, eventually, one_phone, running_proxy

from siperb import CallFailedError, ConfigurationError, PhoneError
from siperb.phone import (
    CallEnd,
    CallState,
    EndReason,
    OutgoingCall,
    Phone,
    connection,
    outgoing,
    session_timer,
    transactions,
)
from siperb.phone.messages import tag_of
from siperb.phone.sdp import direction_of
from siperb.sip.message import Message

CONTACT = ("Contact", "<sip:peer@192.0.2.1;transport=ws>")


def swallow(request: Message) -> str | None:
    """The INVITE, which the test answers, and whatever is within it."""
    is_mine = request.method in ("INVITE", "CANCEL") and request.first("proxy-authorization")
    return "" if is_mine or request.method == "CANCEL" else None


@asynccontextmanager
async def calling(**options: Any) -> AsyncIterator[tuple[Proxy, Phone, OutgoingCall, Message]]:
    """A call that has just been sent."""
    async with one_phone(on_request=swallow) as (proxy, phone):
        call = await phone.dial("u701", offer=SDP, **options)
        yield proxy, phone, call, await proxy.request("INVITE", 2)


async def test_a_call_that_is_answered() -> None:
    async with calling() as (proxy, _phone, call, invite):
        assert (invite.uri, invite.first("to"), invite.body) == ("sip:u701@sip.example.test", f"<{invite.uri}>", SDP)
        assert "Digest" in (invite.first("proxy-authorization") or "")
        assert (call.state, call.is_incoming, call.peer) == (CallState.CALLING, False, invite.uri)
        await proxy.say(proxy.reply(invite, "180 Ringing", tag="x"))
        await call.ringing()
        assert call.state is CallState.RINGING
        routes = [("Record-Route", "<sip:a.invalid;lr>"), ("Record-Route", "<sip:b.invalid;lr>")]
        await proxy.say(proxy.reply(invite, "200 OK", [CONTACT, *routes], ANSWER, tag="x"))
        await call.answered()
        ack = (await proxy.until(lambda: proxy.requests("ACK")[1:]))[0]  # the first is that of the challenge
        assert ack.uri == "sip:peer@192.0.2.1;transport=ws"
        assert ack.values("route") == ["<sip:b.invalid;lr>", "<sip:a.invalid;lr>"]
        assert ack.first("proxy-authorization") == invite.first("proxy-authorization")
        assert ack.first("cseq") == (invite.first("cseq") or "").replace("INVITE", "ACK")
        assert (call.state, call.remote_sdp) == (CallState.ACTIVE, ANSWER)
        await proxy.say(proxy.reply(invite, "200 OK", [CONTACT, *routes], ANSWER, tag="x"))  # once more
        await proxy.until(lambda: proxy.requests("ACK")[2:])
        await call.hang_up()
        bye = await proxy.request("BYE")
        assert (bye.uri, bye.first("to")) == (ack.uri, f"<{invite.uri}>;tag=x")
        assert call.end == CallEnd(EndReason.HUNG_UP)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("486 Busy Here", "busy"),
        ("600 Busy Everywhere", "busy"),
        ("603 Decline", "declines"),
        ("480 Temporarily Unavailable", "no phone is registered"),
        ("404 Not Found", "no such number"),
        ("488 Not Acceptable Here", "codecs"),
        ("302 Moved", "another address"),
        ("500 Server Error", "in trouble"),
        ("402 Pay", "refuses"),
    ],
)
async def test_a_call_that_is_refused(status: str, says: str) -> None:
    async with calling() as (proxy, _phone, call, invite):
        await proxy.say(proxy.reply(invite, status, tag="x"))
        with pytest.raises(CallFailedError, match=says) as caught:
            await call.answered()
        assert f"{caught.value.status} {caught.value.reason}" == status
        assert call.end == CallEnd(EndReason.REJECTED, caught.value.status, caught.value.reason)
        ack = (await proxy.until(lambda: proxy.requests("ACK")[1:]))[0]
        assert ack.values("via") == invite.values("via")
        assert ack.first("to") == f"<{invite.uri}>;tag=x"


async def test_nobody_there_and_a_number_that_cannot_be() -> None:
    async with one_phone() as (_, phone):
        with pytest.raises(CallFailedError, match="no phone is registered") as caught:
            await phone.call("u999", offer=SDP)
        assert caught.value.status == 480
        for target in ("", "a b", "<sip:x@y>", "sip:", "a@b c", 'x"y', "sip:x@y\r\nX: y", "x@y>"):
            with pytest.raises(ConfigurationError, match="target"):
                await phone.call(target, offer=SDP)
        with pytest.raises(ConfigurationError, match="no SDP"):
            await phone.call("u701", offer="v=0")
    with pytest.raises(PhoneError, match="closed"):
        await phone.call("u701", offer=SDP)


async def test_a_wrong_password_of_a_call() -> None:
    def refuse(request: Message) -> str | None:
        challenge = f'Proxy-Authenticate: Digest realm="{DOMAIN}", nonce="n", qop="auth"'
        return f"407 Who?\n{challenge}" if request.method == "INVITE" else None

    async with one_phone(on_request=refuse) as (proxy, phone):
        with pytest.raises(CallFailedError, match="password"):
            await phone.call("u701", offer=SDP)
        assert len(proxy.requests("INVITE")) == 2


def asking(realm: str, *methods: str) -> Callable[[Message], str | None]:
    """Answers with a challenge until the request brings the password."""

    def ask(request: Message) -> str | None:
        is_right = f'realm="{realm}"' in (request.first("proxy-authorization") or "")
        if request.method not in methods or is_right:
            return None
        return f'407 Who?\nProxy-Authenticate: Digest realm="{realm}", nonce="n", qop="auth"'

    return ask


async def test_a_realm_that_is_not_the_registrars_gets_no_password() -> None:
    async with one_phone() as (proxy, phone):
        proxy.on_request = asking("elsewhere.example", "INVITE")
        with pytest.raises(CallFailedError, match="another realm") as caught:
            await phone.call("u701", offer=SDP)
        assert caught.value.status == 407
        assert [invite.first("proxy-authorization") for invite in proxy.requests("INVITE")] == [None]


async def test_a_realm_in_which_the_registrar_has_asked_gets_the_password() -> None:
    async with one_phone(on_request=asking("pbx", "REGISTER", "INVITE")) as (proxy, phone):
        with pytest.raises(CallFailedError, match="no phone is registered"):
            await phone.call("u999", offer=SDP)
        assert 'realm="pbx"' in (proxy.requests("INVITE")[-1].first("proxy-authorization") or "")


# Given up.


async def test_a_call_that_is_not_answered_in_time() -> None:
    async with one_phone(on_request=swallow) as (proxy, phone):
        dialing = asyncio.ensure_future(phone.call("u701", offer=SDP, timeout=0.3))
        invite = await proxy.request("INVITE", 2)
        await proxy.say(proxy.reply(invite, "180 Ringing", tag="x"))
        cancel = await proxy.request("CANCEL")
        assert (cancel.uri, cancel.values("via")) == (invite.uri, invite.values("via"))
        assert cancel.first("to") == f"<{invite.uri}>"
        await proxy.say(proxy.reply(cancel, "200 OK"))
        await proxy.say(proxy.reply(invite, "487 Request Terminated", tag="x"))
        with pytest.raises(CallFailedError, match="no answer in time") as caught:
            await dialing
        assert caught.value.status == 408
        assert phone.calls == ()


async def test_a_call_is_cancelled_with_its_task() -> None:
    async with one_phone(on_request=swallow) as (proxy, phone):
        dialing = asyncio.ensure_future(phone.call("u701", offer=SDP))
        invite = await proxy.request("INVITE", 2)
        await proxy.say(proxy.reply(invite, "100 Trying"))
        await eventually(lambda: phone._line.legs)
        dialing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialing
        await proxy.say(proxy.reply(await proxy.request("CANCEL"), "200 OK"))
        await proxy.say(proxy.reply(invite, "487 Request Terminated", tag="x"))


async def test_a_cancel_waits_for_the_first_sign() -> None:
    """RFC 3261, 9.1."""
    async with calling() as (proxy, _, call, invite):
        hanging_up = asyncio.ensure_future(call.hang_up())
        await call.ended()
        assert call.end == CallEnd(EndReason.CANCELLED, 487)
        assert (await Peer(proxy).ask("OPTIONS")).status == 200  # whatever was sent before has come
        assert proxy.requests("CANCEL") == []
        await proxy.say(proxy.reply(invite, "183 Session Progress", tag="x"))
        await proxy.request("CANCEL")
        await proxy.say(proxy.reply(invite, "487 Request Terminated", tag="x"))
        await hanging_up
        with pytest.raises(CallFailedError, match="cancelled"):
            await call.answered()


async def test_an_answer_in_the_moment_of_the_cancel() -> None:
    async with calling() as (proxy, _, call, invite):
        await proxy.say(proxy.reply(invite, "180 Ringing", tag="x"))
        await call.ringing()
        hanging_up = asyncio.ensure_future(call.hang_up())
        await proxy.request("CANCEL")
        await proxy.say(proxy.reply(invite, "200 OK", [CONTACT], ANSWER, tag="x"))
        bye = await proxy.request("BYE")
        assert bye.first("to") == f"<{invite.uri}>;tag=x"
        await hanging_up
        assert call.end == CallEnd(EndReason.CANCELLED, 487)


async def test_a_cancelled_call_without_an_answer_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "TIMEOUT", 0.3)
    async with calling() as (proxy, phone, call, invite):
        await proxy.say(proxy.reply(invite, "180 Ringing", tag="x"))
        await call.ringing()
        await call.hang_up()
        await proxy.say(proxy.reply(invite, "180 Ringing", tag="x"))
        await eventually(lambda: len(phone._agent.transactions) == 0)


async def test_no_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "TIMEOUT", 0.2)
    async with calling() as (_, _, call, _):
        with pytest.raises(CallFailedError, match="no answer in time"):
            await call.answered()
        assert call.end == CallEnd(EndReason.TIMEOUT, 408, "No answer in time")


async def test_signs_without_an_answer_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "PATIENCE", 0.2)
    async with calling() as (proxy, _, call, invite):
        await proxy.say(proxy.reply(invite, "180 Ringing", tag="x"))
        with pytest.raises(CallFailedError, match="no answer in time"):
            await call.answered()


async def test_an_answer_without_audio() -> None:
    async with calling() as (proxy, _, call, invite):
        await proxy.say(proxy.reply(invite, "200 OK", [CONTACT], "v=0\r\n", tag="x"))
        with pytest.raises(CallFailedError, match="no audio"):
            await call.answered()
        await proxy.request("BYE")
        assert (await call.ended()).reason is EndReason.MEDIA_FAILED


# Forks.


async def test_the_first_answer_of_several_wins() -> None:
    async with calling() as (proxy, _, call, invite):
        for tag in "ab":
            await proxy.say(proxy.reply(invite, "180 Ringing", [CONTACT], tag=tag))
        await proxy.say(proxy.reply(invite, "200 OK", [CONTACT], ANSWER, tag="b"))
        await call.answered()
        other = ("Contact", "<sip:other@192.0.2.2;transport=ws>")
        await proxy.say(proxy.reply(invite, "200 OK", [other], ANSWER, tag="a"))
        bye = await proxy.request("BYE")
        assert (bye.uri, bye.first("to")) == ("sip:other@192.0.2.2;transport=ws", f"<{invite.uri}>;tag=a")
        acks = [(each.uri, each.first("to")) for each in proxy.requests("ACK")[1:]]
        assert acks == [
            ("sip:peer@192.0.2.1;transport=ws", f"<{invite.uri}>;tag=b"),
            ("sip:other@192.0.2.2;transport=ws", f"<{invite.uri}>;tag=a"),
        ]
        assert call.state is CallState.ACTIVE


async def test_further_answers_are_acknowledged_and_ended_once_each() -> None:
    async with calling() as (proxy, _, call, invite):
        await proxy.say(proxy.reply(invite, "200 OK", [CONTACT], ANSWER, tag="x"))
        await call.answered()
        for number in range(120):
            await proxy.say(proxy.reply(invite, "200 OK", [CONTACT], ANSWER, tag=f"t{number // 3}"))
        await proxy.request("BYE", outgoing.MAX_FORKS - 1)
        assert (await Peer(proxy).ask("OPTIONS")).status == 200  # whatever was sent before has come
        assert len(proxy.requests("BYE")) == outgoing.MAX_FORKS - 1
        acks = [tag_of(each.first("to")) for each in proxy.requests("ACK")]
        assert [acks.count(tag) for tag in ("x", "t0", "t14", "t15")] == [1, 3, 3, 0]
        assert call.state is CallState.ACTIVE


async def test_signs_of_an_offer_within_a_call_grant_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone)
        monkeypatch.setattr(transactions, "TIMEOUT", 0.3)
        holding = asyncio.ensure_future(call.hold())
        await proxy.say(proxy.reply(await proxy.request("INVITE"), "180 Ringing"))
        with pytest.raises(PhoneError, match="408"):
            await asyncio.wait_for(holding, 5)


async def test_two_phones_on_one_address_ring_and_one_answers() -> None:
    async with running_proxy() as proxy:
        one, two = (Phone(proxy.phone(701, contact=contact), insecure=True) for contact in ("one", "two"))
        async with Phone(proxy.phone(), insecure=True) as phone, one, two:
            dialing = asyncio.ensure_future(phone.call("u701", offer=SDP))
            first, second = await anext(aiter(one)), await anext(aiter(two))
            await asyncio.gather(first.answer_with(ANSWER), second.answer_with(ANSWER))
            call = await dialing
            await eventually(lambda: sum(each.end is None for each in (first, second)) == 1)
            [loser] = [each for each in (first, second) if each.end]
            assert loser.end == CallEnd(EndReason.PEER_HUNG_UP)
            assert call.state is CallState.ACTIVE


# Within calls, and connections that are lost.


@asynccontextmanager
async def two_phones() -> AsyncIterator[tuple[Proxy, Phone, Phone, OutgoingCall, Any]]:
    """A call between two phones."""
    async with one_phone() as (proxy, phone), Phone(proxy.phone(701), insecure=True) as other:
        dialing = asyncio.ensure_future(phone.call("u701", offer=SDP))
        answering = await anext(aiter(other))
        await answering.answer_with(ANSWER)
        yield proxy, phone, other, await dialing, answering


async def test_both_sides_hold() -> None:
    async with two_phones() as (_, _, _, call, other):
        await call.hold()
        assert (call.state, other.state, other.is_held_by_peer) == (CallState.HELD, CallState.ACTIVE, True)
        await other.hold()
        assert (direction_of(call.remote_sdp), call.is_held_by_peer) == ("sendonly", True)
        await call.resume()
        await other.resume()
        assert [direction_of(each.remote_sdp) for each in (call, other)] == ["sendrecv", "sendrecv"]
        assert [each.state for each in (call, other)] == [CallState.ACTIVE] * 2


async def test_both_sides_hold_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.phone.leg.random.uniform", lambda low, high: high / 20)
    async with two_phones() as (proxy, _, _, call, other):
        await asyncio.gather(call.hold(), other.hold())
        assert [each.state for each in (call, other)] == [CallState.HELD] * 2
        assert 491 in proxy.answers("INVITE")
        assert [direction_of(each.remote_sdp) for each in (call, other)] == ["inactive", "sendonly"]
        assert call.is_held_by_peer
        assert other.is_held_by_peer


async def test_a_request_within_a_call_is_challenged() -> None:
    async with two_phones() as (proxy, _, _, call, other):

        def challenge(request: Message) -> str | None:
            if request.method in ("ACK", "CANCEL") or request.first("proxy-authorization"):
                return None
            return f'407 Who?\nProxy-Authenticate: Digest realm="{DOMAIN}", nonce="n2", qop="auth"'

        proxy.on_request = challenge
        await call.hold()
        await other.send_digits("1")
        assert await call.digit() == "1"
        await other.hang_up()
        assert (await call.ended()).reason is EndReason.PEER_HUNG_UP


async def test_a_call_goes_on_over_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (0.02,))
    monkeypatch.setattr("siperb.phone.leg.random.uniform", lambda low, high: high / 20)
    async with two_phones() as (proxy, phone, other_phone, call, other):
        count = len(proxy.requests("INVITE"))
        await proxy.drop()
        await proxy.until(lambda: len(proxy.requests("INVITE")) >= count + 2)
        await eventually(lambda: phone.is_registered and other_phone.is_registered)
        assert [each.state for each in (call, other)] == [CallState.ACTIVE] * 2
        await other.send_digits("1")
        assert await call.digit() == "1"
        await other.hang_up()
        assert (await call.ended()).reason is EndReason.PEER_HUNG_UP


async def test_a_hang_up_while_the_connection_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (0.2,))
    async with two_phones() as (proxy, _, _, call, other):
        await proxy.drop()
        await call.hang_up()
        assert (await other.ended()).reason is EndReason.PEER_HUNG_UP


async def test_a_call_that_rings_when_the_connection_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (0.02,))
    async with calling() as (proxy, _, call, _invite):
        await proxy.drop()
        with pytest.raises(CallFailedError, match="connection to the registrar is lost"):
            await call.answered()
        assert call.end == CallEnd(EndReason.CONNECTION_LOST, 503, "Connection lost")


async def test_the_exit_ends_all_calls() -> None:
    async with running_proxy() as proxy:
        before = asyncio.all_tasks()
        async with Phone(proxy.phone(701), insecure=True) as other:
            async with Phone(proxy.phone(), insecure=True) as phone:
                rings = await phone.dial("u701", offer=SDP)
                await anext(aiter(other))
                talks = asyncio.ensure_future(phone.call("u701", offer=SDP))
                answering = await anext(aiter(other))
                await answering.answer_with(ANSWER)
                await talks
                comes = await other.dial("u700", offer=SDP)
                await anext(aiter(phone))
            assert phone.calls == ()
            assert (await answering.ended()).reason is EndReason.PEER_HUNG_UP
            assert (await rings.ended()).reason is EndReason.CANCELLED
            assert (await comes.ended()) == CallEnd(EndReason.REJECTED, 480, "Temporarily Unavailable")
            await eventually(lambda: other.calls == ())
        assert asyncio.all_tasks() == before
        assert proxy.bindings == {"u700": {}, "u701": {}}


async def test_a_phone_calls_itself() -> None:
    async with one_phone() as (_, phone):
        dialing = asyncio.ensure_future(phone.call("u700", offer=SDP))
        answering = await anext(aiter(phone))
        await answering.answer_with(ANSWER)
        call = await dialing
        assert len(phone.calls) == 2
        await call.hang_up()
        assert (await answering.ended()).reason is EndReason.PEER_HUNG_UP


async def test_the_callee_asks_us_to_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "SHORTEST", 1)
    async with calling() as (proxy, _, call, invite):
        assert "timer" in invite.items("supported")
        more = [CONTACT, ("Session-Expires", "1;refresher=uac"), ("Require", "timer"), ("Allow", "UPDATE")]
        await proxy.say(proxy.reply(invite, "200 OK", more, ANSWER, tag="x"))
        await call.answered()
        assert (await proxy.request("UPDATE")).first("session-expires") == "1;refresher=uac"


async def test_a_peer_may_be_at_another_domain() -> None:
    async with one_phone(on_request=swallow) as (proxy, phone):
        for target, uri in {
            "+1 555".replace(" ", ""): "sip:+1555@sip.example.test",
            "a@b.example": "sip:a@b.example",
            "sip:a@b.example;x=y": "sip:a@b.example;x=y",
            "50%": "sip:50%25@sip.example.test",
        }.items():
            call = await phone.dial(target, offer=SDP)
            assert call.peer == uri
            await proxy.until(lambda uri=uri: [each for each in proxy.requests("INVITE") if each.uri == uri])
            await proxy.say(proxy.reply(proxy.requests("INVITE")[-1], "100 Trying"))


async def test_a_caller_who_is_by_hand_and_a_phone_between_others() -> None:
    async with one_phone() as (proxy, phone):
        first = await Peer(proxy, tag="one").established(phone)
        second = await Peer(proxy, tag="two").established(phone)
        await first.hang_up()
        assert (first.state, second.state) == (CallState.ENDED, CallState.ACTIVE)
