"""Other sides that break the rules: nothing of theirs ends the phone, holds it, or is believed."""

from __future__ import annotations

import asyncio
import logging
import re
import time

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from sip_registrars import PHONE
from siperb_phone.small_proxy import ANSWER, SDP, Peer, eventually, one_phone, running_proxy

from siperb import CallFailedError, RegistrarResponseError, Session
from siperb.phone import CallState, Phone, sdp, transactions
from siperb.phone import phone as phone_module
from siperb.phone.messages import Request, masked, name_of, number_of, response, tag_of, transaction_of, uri_of
from siperb.phone.transactions import Transactions
from siperb.sip.message import MAX_MESSAGE, Message, read_message, write

HALVES = [
    "INVITE sip:u700@sip.example.test SIP/2.0",
    "INVITE sip:u700@sip.example.test SIP/2.0\r\nVia: x",
    "SIP/2.0 200 OK\r\n",
    "SIP/2.0 200 OK\r\n\r\n",
    "BYE sip:c700@sip.example.test SIP/2.0\r\nContent-Length: 100\r\n\r\nhalf",
    "INVITE sip:u700@sip.example.test SIP/2.0\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "\r\n\r\n",
    "x" * 1000,
    "\0\x01\ud7ff",
]


@pytest.mark.parametrize("said", HALVES)
async def test_half_messages_are_passed_over(said: str) -> None:
    async with one_phone() as (proxy, phone):
        await proxy.say(said)
        assert (await Peer(proxy).ask("OPTIONS")).status == 200
        assert phone.is_registered


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq"])
async def test_a_request_without_what_an_answer_repeats(name: str) -> None:
    async with one_phone() as (proxy, _):
        headers = {
            "Via": "SIP/2.0/WS x.invalid;branch=z9hG4bKx",
            "From": "<sip:a@b>;tag=1",
            "To": "<sip:u700@sip.example.test>",
            "Call-ID": "x",
            "CSeq": "1 INVITE",
        }
        await proxy.say(write("INVITE sip:c700@sip.example.test SIP/2.0", [h for h in headers.items() if h[0] != name]))
        await proxy.until(lambda: 400 in [each.status for each in proxy.seen])


@pytest.mark.parametrize("number", ["", "x INVITE", "1 BYE", "99999999999 INVITE", "-1 INVITE", "1"])
async def test_a_senseless_number(number: str) -> None:
    async with one_phone() as (proxy, phone):
        via = ("Via", "SIP/2.0/WS x.invalid;branch=z9hG4bKx")
        names = ("From", "<sip:a@b>;tag=1"), ("To", "<sip:c@d>"), ("Call-ID", "x"), ("CSeq", number)
        await proxy.say(write("INVITE sip:c700@sip.example.test SIP/2.0", [via, *names], SDP))
        await proxy.until(lambda: 400 in [each.status for each in proxy.seen])
        assert phone.calls == ()


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "NOTIFY", "CANCEL", "INVITE", "REFER", "MESSAGE"])
async def test_a_dialog_that_nobody_knows(method: str) -> None:
    async with one_phone() as (proxy, phone):
        to = "<sip:u700@sip.example.test>;tag=unknown"
        assert (await Peer(proxy).ask(method, to=to, body=SDP if method == "INVITE" else "")).status == 481
        assert phone.calls == ()


async def test_somebody_elses_tag_ends_no_call() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        peer.tag = "stranger"
        for method in ("BYE", "INFO", "INVITE"):
            assert (await peer.ask(method)).status == 481
        assert call.state is CallState.ACTIVE


async def test_requests_out_of_order() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call = await peer.established(phone)
        assert (await peer.ask("OPTIONS", number=100)).status == 200
        for number in (99, 1):
            assert (await peer.ask("BYE", number=number)).status == 500
        assert call.state is CallState.ACTIVE
        assert (await peer.ask("BYE", number=101)).status == 200


async def test_the_same_invite_twice_is_one_call() -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        await peer.send("INVITE", body=SDP, branch=branch, number=1)  # once more
        assert (await peer.ask("INVITE", body=SDP, number=1)).status == 482  # by another way
        assert phone.calls == (call,)


@pytest.mark.parametrize("method", ["REGISTER", "MESSAGE", "REFER", "SUBSCRIBE", "PUBLISH", "PRACK", "X"])
async def test_a_method_that_is_not_known(method: str) -> None:
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        answer = await peer.ask(method)
        assert (answer.status, "INVITE" in (answer.first("allow") or "")) == (405, True)
        await peer.established(phone)
        assert (await peer.ask(method)).status == 405


async def test_an_extension_that_is_not_known() -> None:
    async with one_phone() as (proxy, phone):
        answer = await Peer(proxy).ask("INVITE", ("Require", "timer, 100rel"), body=SDP)
        assert (answer.status, answer.first("unsupported")) == (420, "100rel")
        assert phone.calls == ()


@pytest.mark.parametrize("body", ["v=0", "hello", "v=0\r\nm=video 9 x 1\r\n", "v=0\r\nm=audio 0 RTP/AVP 0\r\n", "\0"])
async def test_an_offer_that_is_none(body: str) -> None:
    async with one_phone() as (proxy, phone):
        assert (await Peer(proxy).ask("INVITE", body=body)).status == 488
        assert phone.calls == ()


async def test_a_body_that_is_no_sdp() -> None:
    async with one_phone() as (proxy, _):
        answer = await Peer(proxy).ask("INVITE", body="<x/>", kind="text/xml")
        assert (answer.status, answer.first("accept")) == (415, "application/sdp")


async def test_a_flood_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_module, "MAX_WAITING", 5)
    monkeypatch.setattr(transactions, "MAX_PENDING", 20)
    async with one_phone() as (proxy, phone):
        peers = [Peer(proxy) for _ in range(50)]
        branches = [await peer.send("INVITE", body=SDP) for peer in peers]
        await proxy.until(lambda: len([m for m in proxy.seen if m.status in (486, 503)]) >= 45)
        assert len(phone.calls) == 5
        assert [each.status for each in peers[0].answers(branches[0])] == [100]
        assert {each.status for each in proxy.seen if each.status > 200} >= {486, 503}
        call = await anext(aiter(phone))
        await call.answer_with(ANSWER)
        assert call.state is CallState.ACTIVE


async def test_calls_that_are_cancelled_take_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_module, "MAX_WAITING", 3)
    async with one_phone() as (proxy, phone):
        for _ in range(10):
            peer = Peer(proxy)
            branch = await peer.send("INVITE", body=SDP)
            await peer.send("CANCEL", number=1, branch=branch)
            await proxy.until(lambda peer=peer, branch=branch: peer.answers(branch)[2:])
            await peer.send("ACK", number=1, branch=branch)
        assert phone.calls == ()
        assert len(phone._waiting) <= 3
        await eventually(lambda: len(phone._agent.transactions) == 0)


async def test_a_flood_of_messages_leaves_the_loop_its_turns() -> None:
    async with one_phone() as (proxy, _):
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            while True:
                began = time.thread_time()
                await asyncio.sleep(0)
                longest = max(longest, time.thread_time() - began)

        watching = asyncio.ensure_future(watch())
        for _ in range(1000):
            await proxy.say("SIP/2.0 200 OK\r\nVia: SIP/2.0/WS x;branch=z9hG4bKnobody\r\nCSeq: 1 INVITE\r\n\r\n")
        assert (await Peer(proxy).ask("OPTIONS")).status == 200
        watching.cancel()
        assert longest < 1.0


async def test_a_message_that_is_too_large_costs_the_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siperb.phone.connection.PAUSES", (0.02,))
    async with one_phone() as (proxy, phone):
        await proxy.say("SIP/2.0 200 OK\r\nX: " + "x" * MAX_MESSAGE + "\r\n\r\n")
        await proxy.request("REGISTER", 4)
        await eventually(lambda: phone.is_registered)


async def test_a_fault_of_our_own_is_logged_and_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with one_phone() as (proxy, phone):
        phone._agent.transactions._on_request = lambda _: 1 / 0  # type: ignore[assignment, return-value]
        await Peer(proxy).send("OPTIONS")
        await eventually(lambda: any("not understood" in each.getMessage() for each in caplog.records))
        assert phone.is_registered
        caplog.clear()


async def test_headers_of_theirs_make_no_header_of_ours() -> None:
    request = Message(
        0, "", (("via", "x;branch=1"), ("from", "a\r\nX-Evil: 1"), ("to", "b\0"), ("cseq", "1 BYE")), "BYE"
    )
    assert "\r\nX-Evil" not in response(request, 200, "tag")


# Readers.

TEXT = st.text(max_size=200)
LINES = st.lists(
    st.one_of(
        TEXT,
        st.sampled_from(
            [
                "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1",
                "From: <sip:a@b>;tag=1",
                "To: <sip:u700@sip.example.test>",
                "Call-ID: 1",
                "CSeq: 1 INVITE",
                "CSeq: 1 BYE",
                "Contact: <sip:a@b>",
                "Session-Expires: 90",
                "Require: x",
                "Content-Type: application/sdp",
                "Content-Length: 0",
                "Content-Length: -1",
            ]
        ),
    ),
    max_size=12,
)
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS")
STARTS = st.sampled_from([*(f"{method} sip:u700@x SIP/2.0" for method in METHODS), "SIP/2.0 200 OK"])


def messages(bodies: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return st.tuples(STARTS, LINES, bodies).map(
        lambda parts: "\r\n".join([parts[0], *parts[1], "", parts[2]]).encode(errors="replace")
    )


@settings(max_examples=examples(200), deadline=None)
@given(st.one_of(st.binary(max_size=300), messages(TEXT)))
def test_any_message_is_read_or_refused(content: bytes) -> None:
    try:
        message = read_message(content)
    except RegistrarResponseError:
        return
    assert message.status or message.method
    for value in ("from", "to", "contact"):
        for read in (tag_of, uri_of, name_of):
            read(message.first(value))
    assert number_of(message) >= -1
    assert len(transaction_of(message)) == 2


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(messages(st.sampled_from(["", SDP, "v=0"])), max_size=6))
def test_any_messages_leave_the_phone_as_it_was(contents: list[bytes]) -> None:
    asyncio.run(_take_all(contents))


async def _take_all(contents: list[bytes]) -> None:
    sent: list[str] = []
    phone = Phone(PHONE, insecure=True)
    phone._is_open = True
    agent = phone._agent
    agent.transactions = Transactions(sent.append, phone._take)
    for content in contents:
        try:
            agent.transactions.take(read_message(content))
        except RegistrarResponseError:
            continue
    for each in sent:
        assert read_message(each.encode()).status >= 100
    await phone._close()
    assert phone.calls == ()
    assert len(agent.transactions) == 0


SDP_LINES = [*SDP.splitlines(), "m=audio", "m=audio 9", "m=", "a=setup:"]


@settings(max_examples=examples(300), deadline=None)
@given(st.one_of(TEXT, st.lists(st.one_of(TEXT, st.sampled_from(SDP_LINES))).map("\r\n".join)))
def test_any_sdp_is_answered_or_refused(offer: str) -> None:
    answer = sdp.reanswer(ANSWER, SDP, offer, sdp.opposite(sdp.direction_of(offer), holds=False), "active")
    assert answer is None or sdp.has_audio(answer)
    assert sdp.has_audio(offer) or answer is None
    assert isinstance(sdp.telephone_events(offer), dict)
    assert sdp.role_of(offer)


@pytest.mark.parametrize(
    "read",
    [
        lambda n: read_message(b"SIP/2.0 200 OK\r\nVia: " + b"," * n + b"\r\n\r\n").items("via"),
        lambda n: read_message(b"SIP/2.0 200 OK\r\n" + b"a:b\r\n" * (n // 5) + b"\r\n").items("a"),
        lambda n: sdp.has_audio("v=0\r\n" + "m=audio " * n),
        lambda n: sdp.has_audio("v=0\r\nm=audio 9 A " + "1 " * n + "x"),
        lambda n: sdp.direction_of("m=audio 1\r\n" + "a=sendrecv \r\n" * n),
        lambda n: masked("authorization" * n),
        lambda n: name_of('"' + "\\" * n),
        lambda n: name_of(" " * n),
        lambda n: uri_of("<" * n),
        lambda n: sdp.reanswer(ANSWER, SDP, SDP + "m=a 0 0\r\n" * (n // 100), "sendrecv", "active"),
    ],
)
def test_reading_takes_time_in_proportion(read: object) -> None:
    def cost(n: int) -> float:
        def once() -> float:
            began = time.thread_time()
            read(n)  # type: ignore[operator]
            return time.thread_time() - began

        return min(once() for _ in range(3))

    assert cost(32000) < 16 * max(cost(4000), 0.001)


def test_what_is_masked() -> None:
    text = (
        'Authorization: Digest username="u", response="abc"\r\nproxy-authorization: Digest x="abc"\r\n'
        "Authorization: Bearer abc\r\nX-Siperb-Sid: abc\r\nVia: kept\r\n\r\nSignal=abc\r\na=ice-pwd:abc\r\n"
        "a=crypto:1 abc\r\n"
    )
    assert "abc" not in masked(text)
    assert "Via: kept" in masked(text)
    assert re.findall("Authorization: (\\w+) …", masked(text)) == ["Digest", "Bearer"]


def test_requests_show_no_secret() -> None:
    request = Request("REGISTER", "sip:x", "z", (("Authorization", "Digest abc"),), "abc")
    assert "abc" not in repr(request)
    assert "abc" in str(request)


async def test_neither_phone_nor_calls_show_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with one_phone() as (proxy, phone):
            call, _ = await Peer(proxy).call(phone)
            shown = repr(phone) + repr(call)
    assert "s3cret" not in shown + caplog.text
    assert (
        shown == "<Phone sip:u700@sip.example.test, registered><IncomingCall from sip:u701@sip.example.test, ringing>"
    )


async def test_the_session_goes_where_it_belongs() -> None:
    """See `siperb.sip.extra_headers`: on the REGISTER and INVITE of Siperb's own proxy alone."""
    session = Session(user_id="user", session_token="t0ken")
    async with running_proxy() as proxy:
        for mode, expected in (("Proxy", {"REGISTER", "INVITE"}), ("WebSocket", set[str]())):
            proxy.seen.clear()
            made = proxy.phone(registration_mode=mode, sip_jwt="jwt")
            async with Phone(made, session, insecure=True) as phone:
                call = await phone.dial("u700", offer=SDP)
                answering = await anext(aiter(phone))
                await answering.answer_with(ANSWER)
                await call.answered()
                await call.hold()
                await call.hang_up()
            own = [m for m in proxy.seen if m.method and m.first("x-siperb-sid") == "t0ken"]
            assert {each.method for each in own} == expected
            assert all("tag=" not in (each.first("to") or "") for each in own)
            assert all("Bearer jwt" in each.values("authorization") for each in own)


async def test_the_session_is_not_for_the_callee() -> None:
    """A callee who is reached without a proxy in between, as there was no ``Record-Route``."""
    session = Session(user_id="user", session_token="t0ken")
    async with running_proxy() as proxy:
        proxy.on_request = lambda m: "" if m.method == "INVITE" and m.first("proxy-authorization") else None
        async with Phone(proxy.phone(registration_mode="Proxy", sip_jwt="jwt"), session, insecure=True) as phone:
            call = await phone.dial("u701", offer=SDP)
            invite = await proxy.request("INVITE", 2)
            assert "Bearer jwt" in invite.values("authorization")
            contact = ("Contact", "<sip:peer@192.0.2.1;transport=ws>")
            await proxy.say(proxy.reply(invite, "200 OK", [contact], ANSWER, tag="x"))
            await call.answered()
            holding = asyncio.ensure_future(call.hold())
            await proxy.say(proxy.reply(await proxy.request("INVITE", 3), "200 OK", [contact], ANSWER))
            await holding
            within = [await proxy.request("ACK", 2), await proxy.request("INVITE", 3), await proxy.request("ACK", 3)]
            assert [(each.uri, each.first("x-siperb-sid")) for each in within] == [(uri_of(contact[1]), None)] * 3
            assert [value for each in within for value in each.values("authorization") if "jwt" in value] == []


async def test_a_bye_to_a_call_that_rings_ends_its_invite() -> None:
    """RFC 3261, 15.1.2."""
    async with one_phone() as (proxy, phone):
        peer = Peer(proxy)
        call, branch = await peer.call(phone)
        await call.ring()
        to = (await proxy.until(lambda: peer.answers(branch)[1:]))[0].first("to")
        assert (await peer.ask("BYE", to=to)).status == 200
        assert (await peer.final(branch)).status == 487
        await peer.send("ACK", number=1, branch=branch)
        await eventually(lambda: len(phone._agent.transactions) == 0)


async def test_an_invite_that_nobody_answers_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "TIMEOUT", 0.1)
    monkeypatch.setattr(transactions, "PATIENCE", 0.0)
    async with one_phone() as (proxy, phone):
        phone._agent.transactions._on_request = lambda _: None
        peer = Peer(proxy)
        assert (await peer.final(await peer.send("INVITE", body=SDP))).status == 408
        await eventually(lambda: len(phone._agent.transactions) == 0)


@pytest.mark.parametrize("gap", ["\r\n", "\n"])
@pytest.mark.parametrize("name", ["Content-Type", "c"])
def test_a_digit_alone_is_masked(gap: str, name: str) -> None:
    head = f"INFO sip:x SIP/2.0{gap}{name}: application/dtmf{gap}Content-Length: 1"
    assert masked(f"{head}{gap}{gap}7") == f"{head}\r\n\r\n…"


async def test_words_of_theirs_are_short_and_move_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    evil = "\x1b[2J" + "x" * 5000
    with caplog.at_level(logging.INFO):
        async with one_phone() as (proxy, phone):
            peer = Peer(proxy, local=f'"{evil}" <sip:{evil}@sip.example.test>')
            call, _ = await peer.call(phone)
            shown = [repr(call), call.peer, call.peer_name or ""]
            proxy.on_request = lambda m: f"486 {evil}" if m.method == "INVITE" else None
            with pytest.raises(CallFailedError, match="busy") as caught:
                await phone.call("u701", offer=SDP)
            shown += [str(caught.value), caught.value.reason or "", *(each.getMessage() for each in caplog.records)]
    assert "[2Jxxx" in shown[0]
    assert "[2Jxxx" in shown[3]
    assert [each for each in shown if len(each) > 500 or "\x1b" in each] == []
