"""Calls that come: rung, answered, refused, cancelled; and requests within them. The other side is by hand."""

from __future__ import annotations

import asyncio
import re

import pytest
from siperb_phone.small_proxy import ANSWER, SDP, Peer, eventually, one_phone

from siperb import ConfigurationError, PhoneError
from siperb.phone import CallEnd, CallState, EndReason, incoming, session_timer
from siperb.phone.sdp import direction_of

HELD = SDP.replace("sendrecv", "sendonly")


async def test_a_call_that_is_answered_and_ended_by_the_caller() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy, local='"The \\"Peer\\"" <sip:u701@sip.example.test>')
        call, branch = await peer.call(phone)
        assert (call.state, call.is_incoming, call.id) == (CallState.RINGING, True, peer.call_id)
        assert (call.peer, call.peer_name) == ("sip:u701@sip.example.test", 'The "Peer"')
        assert (call.offer, call.remote_sdp, phone.calls) == (SDP, SDP, (call,))
        await call.ring()
        await call.answer_with(ANSWER)
        assert call.state is CallState.ACTIVE
        answer = await peer.acknowledge(branch)
        await eventually(lambda: len(peer.answers(branch)) == 3)
        assert [each.status for each in peer.answers(branch)] == [100, 180, 200]
        ringing, answer = peer.answers(branch)[1:]
        assert ringing.first("to") == answer.first("to")
        assert (answer.body, answer.first("content-type")) == (ANSWER, "application/sdp")
        assert answer.first("contact") == "<sip:c700@sip.example.test;transport=ws>"
        assert (await peer.ask("BYE")).status == 200
        assert await call.ended() == CallEnd(EndReason.PEER_HUNG_UP)
        assert (call.state, phone.calls) == (CallState.ENDED, ())
        assert (await peer.ask("BYE")).status == 481
        await call.hang_up()
        assert proxy.requests("BYE") == []


async def test_a_call_that_we_end() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        await call.hang_up()
        bye = await proxy.request("BYE")
        assert (bye.uri, bye.first("call-id")) == ("sip:peer@192.0.2.1;transport=ws", peer.call_id)
        assert (bye.first("from"), bye.first("to")) == (peer.to, f"{peer.local};tag=peer")
        assert call.end == CallEnd(EndReason.HUNG_UP)


async def test_the_way_back_is_that_of_the_invite() -> None:
    async with one_phone() as (proxy, phone):
        routes = [("Record-Route", "<sip:a.invalid;lr>, <sip:b.invalid;lr>"), ("Record-Route", "<sip:c.invalid;lr>")]
        call = await Peer(proxy).established(phone, *routes)
        await call.hang_up()
        bye = await proxy.request("BYE")
        assert bye.values("route") == ["<sip:a.invalid;lr>", "<sip:b.invalid;lr>", "<sip:c.invalid;lr>"]


@pytest.mark.parametrize(
    ("route", "is_loose"),
    [
        ("sip:a.invalid;lr=on", True),
        ("sip:a.invalid;transport=ws; LR", True),
        ("sip:a.invalid;lrx", False),
        ("sip:a.invalid?x=;lr", False),
    ],
)
async def test_a_proxy_is_loose_or_strict(route: str, is_loose: bool) -> None:
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone, ("Record-Route", f"<{route}>"))
        await call.hang_up()
        bye = await proxy.request("BYE")
        target = "sip:peer@192.0.2.1;transport=ws"
        assert (bye.uri, bye.values("route")) == ((target, [f"<{route}>"]) if is_loose else (route, [f"<{target}>"]))


@pytest.mark.parametrize("status", [486, 603, 404])
async def test_a_call_that_is_refused(status: int) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        await call.reject(status)
        assert (await peer.final(branch)).status == status
        assert call.end == CallEnd(EndReason.REJECTED, status)
        for attempt in (call.reject(), call.answer_with(ANSWER), call.ring(), call.answer()):
            with pytest.raises(PhoneError, match="ended \\(rejected\\)"):
                await attempt
        await peer.send("ACK", branch=branch, number=1)
        await eventually(lambda: len(phone._agent.transactions) == 0)


async def test_what_cannot_be_said_to_a_call() -> None:
    async with one_phone() as (proxy, phone):
        call, _ = await Peer(proxy).call(phone)
        with pytest.raises(ConfigurationError, match="400 to 699"):
            await call.reject(200)
        with pytest.raises(ConfigurationError, match="no SDP"):
            await call.answer_with("v=0")
        for attempt in (call.hold(), call.resume(), call.transfer("u702"), call.send_digits("1"), call.audio()):
            with pytest.raises(PhoneError):
                await attempt
        with pytest.raises(ConfigurationError, match="Digits"):
            await call.send_digits("1x")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ([], EndReason.CANCELLED),
        ([("Reason", 'SIP;cause=200;text="Call completed elsewhere"')], EndReason.ANSWERED_ELSEWHERE),
    ],
)
async def test_the_caller_gives_up(header: list[tuple[str, str]], reason: EndReason) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        await peer.send("CANCEL", *header, number=1, branch=branch)
        assert await call.ended() == CallEnd(reason, 487)
        await eventually(lambda: [each.status for each in peer.answers(branch)] == [100, 200, 487])
        with pytest.raises(PhoneError, match=reason.value):
            await call.answer_with(ANSWER)


async def test_a_cancel_after_the_answer_changes_nothing() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        await call.answer_with(ANSWER)
        await peer.send("CANCEL", number=1, branch=branch)
        await eventually(lambda: 481 in [each.status for each in peer.answers(branch)])
        assert call.state is CallState.ACTIVE


async def test_a_call_that_nobody_takes_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "RINGS", 0.05)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        assert await call.ended() == CallEnd(EndReason.TIMEOUT, 480)
        assert (await peer.final(branch)).status == 480


async def test_an_answer_is_repeated_until_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "REPEAT", 0.01)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        await call.answer_with(ANSWER)
        await eventually(lambda: len(peer.answers(branch)) >= 4)
        await peer.acknowledge(branch)
        assert (await peer.ask("OPTIONS")).status == 200
        count = len(peer.answers(branch))
        await asyncio.sleep(0.1)
        assert len(peer.answers(branch)) == count


async def test_an_answer_that_nobody_acknowledges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "REPEAT", 0.01)
    monkeypatch.setattr(incoming, "TIMEOUT", 0.05)
    async with one_phone() as (proxy, phone):
        call, _ = await Peer(proxy).call(phone)
        await call.answer_with(ANSWER)
        assert (await call.ended()).reason is EndReason.TIMEOUT
        await proxy.request("BYE")


async def test_an_invite_without_an_offer() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone, body="")
        assert call.offer is None
        await call.answer_with(SDP)
        await peer.acknowledge(branch, body=ANSWER)
        await eventually(lambda: call.remote_sdp == ANSWER)


# Within a call.


async def test_the_peer_holds_and_resumes() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        branch = await peer.send("INVITE", body=HELD)
        answer = await peer.acknowledge(branch)
        assert (answer.status, direction_of(answer.body)) == (200, "recvonly")
        assert call.is_held_by_peer
        assert call.remote_sdp == HELD
        assert re.findall("a=setup:.*", answer.body) == ["a=setup:active\r"]
        versions = [re.findall("o=- 7 ([0-9]+)", each) for each in (ANSWER, answer.body)]
        assert versions == [["7"], ["8"]]
        answer = await peer.acknowledge(await peer.send("INVITE", body=SDP))
        assert direction_of(answer.body) == "sendrecv"
        assert not call.is_held_by_peer


async def test_both_hold() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        holding = asyncio.ensure_future(call.hold())
        invite = await proxy.request("INVITE")
        assert direction_of(invite.body) == "sendonly"
        assert "a=setup:actpass" in invite.body
        await proxy.say(proxy.reply(invite, "200 OK", body=SDP.replace("sendrecv", "recvonly")))
        await holding
        await proxy.request("ACK")
        assert call.state is CallState.HELD
        answer = await peer.acknowledge(await peer.send("INVITE", body=HELD))
        assert direction_of(answer.body) == "inactive"


async def test_a_hold_that_is_refused() -> None:
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone)
        holding = asyncio.ensure_future(call.hold())
        await proxy.say(proxy.reply(await proxy.request("INVITE"), "488 No"))
        with pytest.raises(PhoneError, match=r"refuses to be held.*488"):
            await holding
        assert call.state is CallState.ACTIVE
        ack = await proxy.request("ACK")
        assert ack.first("cseq") == "1 ACK"


@pytest.mark.parametrize(
    ("said", "state"), [("200 OK", CallState.HELD), ("488 No", CallState.ACTIVE)], ids=["taken", "refused"]
)
async def test_a_hold_that_is_cancelled_ends_as_it_would(said: str, state: CallState) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        holding = asyncio.ensure_future(call.hold())
        invite = await proxy.request("INVITE")
        holding.cancel()
        await asyncio.wait([holding])
        assert (holding.cancelled(), call.state) == (True, CallState.HELD)
        body = SDP.replace("sendrecv", "recvonly") if state is CallState.HELD else ""
        await proxy.say(proxy.reply(invite, said, body=body))
        assert (await proxy.request("ACK")).first("cseq") == "1 ACK"
        await eventually(lambda: call.state is state and not call._leg.is_offering)


@pytest.mark.parametrize(
    "offer",
    [
        SDP.replace("abcd", "other"),
        SDP.replace("111 0 101", "96").replace("a=rtpmap:111 opus", "a=rtpmap:96 speex"),
        SDP.replace("m=audio", "m=video"),
        "v=0\r\n",
        "no SDP at all",
    ],
)
async def test_an_offer_of_another_session_is_refused(offer: str) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        assert (await peer.ask("INVITE", body=offer)).status == 488
        assert call.remote_sdp == SDP
        assert call.state is CallState.ACTIVE


async def test_another_medium_is_refused_alone() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        await peer.established(phone)
        video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n"
        answer = await peer.ask("INVITE", body=SDP + video)
        assert "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:1\r\n" in answer.body
        assert answer.body.count("m=audio 9 ") == 1


async def test_an_answer_has_the_formats_of_the_offer_alone() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        await peer.established(phone)
        offer = SDP.replace("111 0 101", "111 9").replace("a=rtpmap:101 telephone-event/8000\r\n", "")
        answer = await peer.ask("INVITE", body=offer)
        assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" in answer.body
        assert "telephone-event" not in answer.body


async def test_a_reinvite_without_an_offer_gets_ours() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        await peer.established(phone)
        answer = await peer.acknowledge(await peer.send("INVITE"), body=SDP)
        assert answer.status == 200
        assert "a=setup:actpass" in answer.body
        assert direction_of(answer.body) == "sendrecv"


async def test_a_reinvite_without_an_offer_ends_a_hold() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        await peer.acknowledge(await peer.send("INVITE", body=HELD))
        assert call.is_held_by_peer
        answer = await peer.acknowledge(await peer.send("INVITE"), body=ANSWER.replace("efgh", "abcd"))
        assert direction_of(answer.body) == "sendrecv"
        await eventually(lambda: not call.is_held_by_peer)


async def test_an_offer_of_ours_does_not_copy_their_hold() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        await peer.acknowledge(await peer.send("INVITE", body=SDP.replace("sendrecv", "inactive")))
        holding = asyncio.ensure_future(call.hold())
        invite = await proxy.request("INVITE")
        assert direction_of(invite.body) == "sendonly"
        await proxy.say(proxy.reply(invite, "200 OK", body=SDP.replace("sendrecv", "inactive")))
        await holding
        assert call.is_held_by_peer


async def test_the_peer_moves() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        peer.contact = "<sip:moved@192.0.2.9;transport=ws>"
        assert (await peer.ask("UPDATE")).status == 200
        await call.hang_up()
        assert (await proxy.request("BYE")).uri == "sip:moved@192.0.2.9;transport=ws"


async def test_glare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both offer at once: each refuses the other's, and offers again after a while (RFC 3261, 14)."""
    waits: list[tuple[float, float]] = []
    monkeypatch.setattr("siperb.phone.leg.random.uniform", lambda low, high: waits.append((low, high)) or 0.05)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        holding = asyncio.ensure_future(call.hold())
        ours = await proxy.request("INVITE")
        assert (await peer.ask("INVITE", body=HELD)).status == 491
        assert (await peer.ask("UPDATE", body=HELD)).status == 491
        await proxy.say(proxy.reply(ours, "491 Request Pending"))
        again = await proxy.request("INVITE", 2)
        await proxy.say(proxy.reply(again, "200 OK", body=SDP.replace("sendrecv", "recvonly")))
        await holding
        assert waits == [(0.0, 2.0)]  # the caller waits for longer
        assert call.state is CallState.HELD
        assert [int((each.first("cseq") or "").split()[0]) for each in (ours, again)] == [1, 2]


async def test_a_glare_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.phone.leg.random.uniform", lambda low, high: 0.0)
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone)
        holding = asyncio.ensure_future(call.hold())
        for count in range(1, 7):
            await proxy.say(proxy.reply(await proxy.request("INVITE", count), "491 Request Pending"))
        with pytest.raises(PhoneError, match="491"):
            await holding
        assert call.state is CallState.ACTIVE


async def test_a_bye_while_an_offer_of_ours_is_on_its_way() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        holding = asyncio.ensure_future(call.hold())
        invite = await proxy.request("INVITE")
        assert (await peer.ask("BYE")).status == 200
        with pytest.raises(PhoneError, match="no such call any more"):
            await asyncio.wait_for(holding, 1)
        assert call.end == CallEnd(EndReason.PEER_HUNG_UP)
        await proxy.say(proxy.reply(invite, "487 Request Terminated"))
        await proxy.request("ACK")


@pytest.mark.parametrize("status", ["481 Gone", "408 Timeout"])
async def test_an_answer_that_means_that_the_call_is_over(status: str) -> None:
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone)
        holding = asyncio.ensure_future(call.hold())
        await proxy.say(proxy.reply(await proxy.request("INVITE"), status))
        bye = await proxy.request("BYE")
        await proxy.say(proxy.reply(bye, "200 OK"))
        with pytest.raises(PhoneError):
            await holding
        assert (await call.ended()).status == int(status[:3])


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        ("Signal=5\r\nDuration=160\r\n", "application/dtmf-relay", "5"),
        ("Signal= *\r\n", "application/dtmf-relay", "*"),
        ("Signal=11", "application/dtmf-relay; x=y", "#"),
        ("a", "application/dtmf", "A"),
    ],
)
async def test_a_digit_in_an_info(body: str, kind: str, key: str) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        assert (await peer.ask("INFO", body=body, kind=kind)).status == 200
        assert await call.digit() == key


async def test_digits_end_with_the_call() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        for key in "12":
            await peer.ask("INFO", body=f"Signal={key}", kind="application/dtmf-relay")
        assert (await peer.ask("INFO", body="Signal=17", kind="application/dtmf-relay")).status == 200
        assert (await peer.ask("INFO", body="x", kind="text/plain")).status == 415
        await peer.ask("BYE")
        assert [key async for key in call.digits()] == ["1", "2"]
        with pytest.raises(PhoneError, match="over"):
            await call.digit()


async def test_our_digits_go_as_infos() -> None:
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone)
        sending = asyncio.ensure_future(call.send_digits("7#"))
        for count in (1, 2):
            info = await proxy.request("INFO", count)
            assert info.body == f"Signal={'7#'[count - 1]}\r\nDuration=160\r\n"
            await proxy.say(proxy.reply(info, "200 OK"))
        await sending
        sending = asyncio.ensure_future(call.send_digits("1"))
        await proxy.say(proxy.reply(await proxy.request("INFO", 3), "415 No"))
        with pytest.raises(PhoneError, match="415 No"):
            await sending


# Transfers.


async def test_a_transfer() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        moving = asyncio.ensure_future(call.transfer("u702"))
        refer = await proxy.request("REFER")
        assert refer.first("refer-to") == "<sip:u702@sip.example.test>"
        await proxy.say(proxy.reply(refer, "202 Accepted"))
        for said, more in (("100 Trying", "active"), ("200 OK", "terminated;reason=noresource")):
            notify = ("Event", "refer"), ("Subscription-State", more)
            assert (await peer.ask("NOTIFY", *notify, body=f"SIP/2.0 {said}\r\n", kind="message/sipfrag")).status == 200
        await moving
        await proxy.request("BYE")
        assert call.end == CallEnd(EndReason.TRANSFERRED)


@pytest.mark.parametrize("said", ["SIP/2.0 486 Busy Here", ""])
async def test_a_transfer_that_fails(said: str) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        moving = asyncio.ensure_future(call.transfer("u702"))
        await proxy.say(proxy.reply(await proxy.request("REFER"), "202 Accepted"))
        end = ("Event", "refer"), ("Subscription-State", "terminated")
        await peer.ask("NOTIFY", *end, body=said, kind="message/sipfrag")
        with pytest.raises(PhoneError, match="the call goes on"):
            await moving
        assert call.state is CallState.ACTIVE


async def test_a_transfer_that_is_refused() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        moving = asyncio.ensure_future(call.transfer("u702"))
        await proxy.say(proxy.reply(await proxy.request("REFER"), "603 Decline"))
        with pytest.raises(PhoneError, match="603 Decline"):
            await moving
        assert (await peer.ask("NOTIFY", body="SIP/2.0 200 OK", kind="message/sipfrag")).status == 481


@pytest.mark.parametrize("said", ["481 Gone", "408 Timeout"])
async def test_a_transfer_of_a_call_that_is_over(said: str) -> None:
    async with one_phone() as (proxy, phone):
        call = await Peer(proxy).established(phone)
        moving = asyncio.ensure_future(call.transfer("u702"))
        await proxy.say(proxy.reply(await proxy.request("REFER"), said))
        with pytest.raises(PhoneError, match="transfer failed"):
            await moving
        assert (await call.ended()).status == int(said[:3])


async def test_a_transfer_that_is_cancelled_leaves_room_for_another() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        first = asyncio.ensure_future(call.transfer("u702"))
        await proxy.request("REFER")
        first.cancel()
        await asyncio.wait([first])
        second = asyncio.ensure_future(call.transfer("u703"))
        await proxy.say(proxy.reply(await proxy.request("REFER", 2), "202 Accepted"))
        assert (await peer.ask("NOTIFY", body="SIP/2.0 200 OK", kind="message/sipfrag")).status == 200
        await second


async def test_a_peer_that_leaves_as_soon_as_it_is_transferred() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        moving = asyncio.ensure_future(call.transfer("u702"))
        await proxy.say(proxy.reply(await proxy.request("REFER"), "202 Accepted"))
        await peer.ask("BYE")
        await moving
        assert call.end == CallEnd(EndReason.TRANSFERRED)


# Session timers.


@pytest.mark.parametrize(
    ("asked", "supported", "answer", "required"),
    [
        ("1800", "timer", "1800;refresher=uac", "timer"),
        ("1800;refresher=uas", "timer", "1800;refresher=uas", None),
        ("1800;refresher=uac", "timer", "1800;refresher=uac", "timer"),
        ("1800", "", "1800;refresher=uas", None),
    ],
)
async def test_who_refreshes(asked: str, supported: str, answer: str, required: str | None) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone, ("Session-Expires", asked), ("Supported", supported))
        await call.answer_with(ANSWER)
        said = await peer.acknowledge(branch)
        assert (said.first("session-expires"), said.first("require")) == (answer, required)


async def test_a_refresh_is_at_half_time_and_its_lack_is_seen_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 4028, 10."""
    called: list[tuple[float, str]] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_later", lambda seconds, what: called.append((seconds, what())))
    timer = session_timer.SessionTimer(lambda: "refresh", lambda: "expire")
    for interval, is_ours in ((1800, True), (1800, False), (90, False), (0, True)):
        timer._timer = None
        timer.start(interval, is_ours=is_ours)
    assert called == [(900, "refresh"), (1768, "expire"), (60, "expire")]


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
async def test_we_refresh(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(session_timer, "SHORTEST", 1)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        allow = ("Allow", "INVITE, ACK, BYE" + (", UPDATE" if method == "UPDATE" else ""))
        call = await peer.established(phone, ("Session-Expires", "1;refresher=uas"), ("Supported", "timer"), allow)
        for count in (1, 2):
            refresh = await proxy.request(method, count)
            assert refresh.first("session-expires") == "1;refresher=uac"
            more = [("Session-Expires", "1;refresher=uac"), allow]
            await proxy.say(proxy.reply(refresh, "200 OK", more, body=SDP if method == "INVITE" else ""))
        assert call.state is CallState.ACTIVE


async def test_a_call_that_is_not_refreshed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "SHORTEST", 1)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone, ("Session-Expires", "1;refresher=uac"), ("Supported", "timer"))
        assert (await peer.ask("UPDATE", ("Session-Expires", "1;refresher=uac"), ("Supported", "timer"))).status == 200
        await proxy.request("BYE")
        assert (await call.ended()).reason is EndReason.TIMEOUT


async def test_an_interval_that_is_too_short() -> None:
    async with one_phone() as (proxy, _phone):
        answer = await Peer(proxy).ask("INVITE", ("Session-Expires", "89"), body=SDP)
        assert (answer.status, answer.first("min-se")) == (422, "90")


async def test_a_refresh_that_is_too_short_for_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "SHORTEST", 1)
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        more = ("Session-Expires", "1;refresher=uas"), ("Supported", "timer"), ("Allow", "UPDATE")
        await peer.established(phone, *more)
        await proxy.say(proxy.reply(await proxy.request("UPDATE"), "422 Too Small", [("Min-SE", "600")]))
        again = await proxy.request("UPDATE", 2)
        assert (again.first("session-expires"), again.first("min-se")) == ("600;refresher=uac", "600")


@pytest.mark.parametrize(("said", "method"), [("500 Trouble", "UPDATE"), ("405 No", "INVITE"), ("501 No", "INVITE")])
async def test_a_refresh_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch, said: str, method: str) -> None:
    monkeypatch.setattr(session_timer, "SHORTEST", 1)
    monkeypatch.setattr(session_timer, "SHORTEST_PAUSE", 0.0)
    async with one_phone() as (proxy, phone):
        more = ("Session-Expires", "1;refresher=uas"), ("Supported", "timer"), ("Allow", "UPDATE")
        call = await Peer(proxy).established(phone, *more)
        await proxy.say(proxy.reply(await proxy.request("UPDATE"), said))
        await proxy.request(method, 2 if method == "UPDATE" else 1)
        assert call.state is CallState.ACTIVE
