"""Reading what a registrar says: torture after RFC 4475, messages after RFC 3665 and 7118, generated input."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siperb import Contact, RegistrarResponseError
from siperb.sip.message import MAX_MESSAGE, Message, MessageReader, contacts, split

OK = "SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bKa\r\nCSeq: 1 REGISTER\r\n"


def read(*pieces: str | bytes) -> list[Message]:
    reader = MessageReader()
    return [answer for piece in pieces for answer in reader.take(piece.encode() if isinstance(piece, str) else piece)]


def bindings(*lines: str) -> list[tuple[str, int | None, str | None]]:
    [answer] = read(OK + "\r\n".join(lines) + "\r\n\r\n")
    return [(contact.uri, contact.expires, contact.user_agent) for contact in contacts(answer)]


def test_a_list_of_bindings_as_in_rfc_3665() -> None:
    """After 2.3, "Request for Current Contact List"."""
    [answer] = read(
        "SIP/2.0 200 OK\r\n"
        "Via: SIP/2.0/TLS client.biloxi.example.com:5061;branch=z9hG4bKnashd92\r\n"
        " ;received=192.0.2.201\r\n"
        "From: Bob <sips:bob@biloxi.example.com>;tag=ja743ks76zlflH\r\n"
        "To: Bob <sips:bob@biloxi.example.com>;tag=jqoiweu75\r\n"
        "Call-ID: 1j9FpLxk3uxtm8tn@biloxi.example.com\r\n"
        "CSeq: 1 REGISTER\r\n"
        "Contact: <sips:bob@client.biloxi.example.com>;expires=3600\r\n"
        "Contact: <mailto:bob@biloxi.example.com>;expires=4294967295\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.answers("z9hG4bKnashd92", "REGISTER")
    assert contacts(answer) == (
        Contact("sips:bob@client.biloxi.example.com", 3600),
        Contact("mailto:bob@biloxi.example.com", 4294967295),
    )


def test_an_answer_over_websocket_as_in_rfc_7118() -> None:
    """After 8.1, F4."""
    [answer] = read(
        "SIP/2.0 200 OK\r\n"
        "Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKasudf\r\n"
        "From: sip:alice@example.com;tag=65bnmj.34asd\r\n"
        "To: sip:alice@example.com;tag=12isjljn8\r\n"
        "Call-ID: aiuy7k9njasd\r\n"
        "CSeq: 1 REGISTER\r\n"
        "Supported: outbound, gruu\r\n"
        'Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>;reg-id=1;+sip.instance="<urn:uuid:f81-7dec-14a06cf1>"'
        ';pub-gruu="sip:alice@example.com;gr=urn:uuid:f81-7dec-14a06cf1"'
        ';temp-gruu="sip:87ash54=3dd.98a@example.com;gr";expires=3600\r\n\r\n'
    )
    assert answer.answers("z9hG4bKasudf", "REGISTER")
    assert contacts(answer) == (Contact("sip:alice@df7jal23ls0d.invalid;transport=ws", 3600),)


def test_a_tortuous_answer() -> None:
    """After RFC 4475, 3.1.1.1: compact and odd names, folded lines, spaces where they may be, an escaped quote."""
    [answer] = read(
        "SIP/2.0 200 OK\r\n"
        "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
        "MaX-fOrWaRdS: 0068\r\n"
        "cSeq: 0009\r\n  REGISTER\r\n"
        "v:  SIP  / 2.0\r\n  / WSS\r\n     a.invalid ;   BRANCH = z9hG4bKa , SIP/2.0/UDP b;branch=z9hG4bKb\r\n"
        "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
        'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n'
        "  secondparam ; q = 0.33 ; EXPIRES = 60\r\n"
        "m: tel:4443322\r\n"
        "l: 0\r\n\r\n"
    )
    assert answer.answers("z9hG4bKa", "REGISTER")
    assert not answer.answers("z9hG4bKb", "REGISTER")
    assert contacts(answer) == (Contact("sip:jdrosen@example.com", 60), Contact("tel:4443322"))


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (
            "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое",
            200,
            "= 2**3 * 5**2 но сто девяносто девять - простое",
        ),
        ("SIP/2.0 100 ", 100, ""),
        ("SIP/2.0 100", 100, ""),
        ("sip/2.0 404 Not\tHere", 404, "Not Here"),
        ("OPTIONS sip:user@example.com SIP/2.0", 0, ""),
    ],
    ids=["unreason", "noreason", "none at all", "case", "request"],
)
def test_start_lines(line: str, status: int, reason: str) -> None:
    [answer] = read(f"{line}\r\n\r\n")
    assert (answer.status, answer.reason) == (status, reason)


@pytest.mark.parametrize(
    "line",
    [
        "SIP/2.0 4294967301 better not break the receiver",
        "SIP/7.0 200 OK",
        "SIP/2.0 700 More",
        "SIP/2.0 099 Less",
        "SIP/2.0 ２00 OK",
        "SIP/2.0  200 OK",
        "HTTP/1.1 400 Bad Request",
        "hello",
        "REGISTER <sip:a> SIP/2.0 ",
        "\x00\xff",
    ],
)
def test_what_is_no_sip_is_refused_and_not_shown(line: str) -> None:
    for rest in ("\r\n", "\r\n\r\n", "\r\nA: b\r\n\r\n"):
        with pytest.raises(RegistrarResponseError, match="does not speak SIP") as caught:
            read(line + rest)
        assert line not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Contact: <sip:a@b>", "Expires: 7"], [("sip:a@b", 7, None)]),
        (["Contact: <sip:a@b>;expires=9", "Expires: 7"], [("sip:a@b", 9, None)]),
        (["Contact: <sip:a@b>;expires=later", "Expires: 7"], [("sip:a@b", None, None)]),
        (["Contact: <sip:a@b>;expires=10000000000000"], [("sip:a@b", None, None)]),
        (
            ['Contact: <sip:a@b>, "C, D" <sip:c@d;x=1>;expires=3,sip:e@f;expires=4'],
            [("sip:a@b", None, None), ("sip:c@d;x=1", 3, None), ("sip:e@f", 4, None)],
        ),
        (['Contact: caller<sip:a@b>;user-agent="Desk; phone, 1.0"'], [("sip:a@b", None, "Desk; phone, 1.0")]),
        (["Contact: sip:u@example.com?Route=%3Csip:p%3E"], [("sip:u@example.com?Route=%3Csip:p%3E", None, None)]),
        (["Contact: <sip:u@example.com?Route=%3Csip:p%3E>"], [("sip:u@example.com?Route=%3Csip:p%3E", None, None)]),
        (['Contact: "Unterminated <sip:a@b>, <sip:c@d>'], [('"Unterminated <sip:a@b>, <sip:c@d>', None, None)]),
        (['Contact: "Esc %00" <sip:null-%00-null@example.com>'], [("sip:null-%00-null@example.com", None, None)]),
        (["Contact: *"], [("*", None, None)]),
        (["Contact: ,, ,"], []),
        (["Contact:"], []),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_contacts(lines: list[str], expected: list[tuple[str, int | None, str | None]]) -> None:
    assert bindings(*lines) == expected


@pytest.mark.parametrize("length", ["0", "-999", "9999999999999999999", "5, 5", "１", "", "0\r\nContent-Length: 5"])
def test_an_answer_is_read_whatever_its_length_is_said_to_be(length: str) -> None:
    [answer] = read(f"{OK}Content-Length: {length}\r\n\r\n")
    assert answer.answers("z9hG4bKa", "REGISTER")


def test_overlarge_numbers() -> None:
    """After RFC 4475, 3.1.2.5."""
    [answer] = read(
        "SIP/2.0 503 Service Unavailable\r\nVia: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw\r\n"
        "CSeq: 9292394834772304023312 OPTIONS\r\nRetry-After: 949302838503028349304023988\r\n"
        "Expires: 949302838503028349304023988\r\nContact: <sip:a@b>\r\n\r\n"
    )
    assert (answer.status, answer.answers("z9hG4bKzzxdiwo34sw", "REGISTER")) == (503, False)
    assert contacts(answer) == (Contact("sip:a@b"),)


FIRST = OK + "Content-Length: 12\r\n\r\nSIP/2.0 x\r\n\r"
SECOND = "\r\n\r\nSIP/2.0 404 Not Found\r\n\r\n"


@given(st.lists(st.integers(0, len(FIRST + SECOND)), max_size=6))
def test_messages_split_and_joined_anywhere(cuts: list[int]) -> None:
    """The body, which looks like SIP, is passed over; so are keep-alives."""
    whole = FIRST + SECOND
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert [answer.status for answer in read(*pieces)] == [200, 404]


def test_without_a_length_the_body_is_the_rest_of_the_websocket_message() -> None:
    assert [answer.status for answer in read(OK + "\r\nSIP/2.0 500 No\r\n\r\n", "SIP/2.0 404 A\r\n\r\n")] == [200, 404]


def test_a_head_without_an_end_is_refused() -> None:
    reader = MessageReader()
    assert list(reader.take(OK.encode() + b"X: ")) == []
    for _ in range(MAX_MESSAGE // 1024 - 1):
        assert list(reader.take(b"x" * 1024)) == []
    with pytest.raises(RegistrarResponseError, match="larger than 64 KiB"):
        list(reader.take(b"x" * 1024))


@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: (OK + text + "\r\n\r\n").encode()))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    try:
        for answer in MessageReader().take(content):
            contacts(answer)
            answer.answers("z9hG4bKa", "REGISTER")
    except RegistrarResponseError:
        pass


@given(st.text())
def test_items_are_parts_of_the_text(text: str) -> None:
    at = 0
    for item in split(text, ","):
        at = text.index(item, at) + len(item)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_pieces_take_time_in_proportion_to_what_came(size: int) -> None:
    """What reads all that is pending for each piece takes half a minute here."""
    began = time.process_time()
    reader = MessageReader()
    assert list(reader.take((OK + "a:b\r\n" * 10_000).encode())) == []
    for _ in range(10_000 if size == 0 else 5_000 // size):
        assert list(reader.take(b"x" * size)) == []
    assert [answer.status for answer in reader.take(b"\r\n\r\n")] == [200]
    assert time.process_time() - began < 3.0


def take_until_refused(reader: MessageReader, piece: bytes) -> int:
    """How many of these pieces it takes."""
    for taken in range(2**20):
        try:
            list(reader.take(piece))
        except RegistrarResponseError as error:
            assert re.search("more than 1 MiB|larger than 64 KiB", str(error))  # noqa: PT017
            return taken
    raise AssertionError("it has no end")


@pytest.mark.parametrize("piece", [b"", b"\r\n", b"x", b"SIP/2.0 100 Trying\r\n\r\n" * 100])
def test_a_conversation_has_an_end(piece: bytes) -> None:
    assert take_until_refused(MessageReader(), piece) <= 2**20 // 64


def test_a_body_that_never_comes_whole_has_an_end_too() -> None:
    reader = MessageReader()
    assert len(list(reader.take(f"{OK}Content-Length: 999999999\r\n\r\n".encode()))) == 1
    assert take_until_refused(reader, b"x" * 65536) == 15


@pytest.mark.parametrize("unit", ['"', "<", '\\"', '"\\', ",", ";", "a=", " ", "\r\n ", "\t", '<"', '"<', '="'])
def test_reading_takes_time_in_proportion_to_the_length(unit: str) -> None:
    def seconds(length: int) -> float:
        content = (OK + "Contact: " + unit * (length // len(unit)) + "\r\n\r\n").encode()
        began = time.process_time()
        for answer in MessageReader().take(content):
            contacts(answer)
            answer.answers("z9hG4bKa", "REGISTER")
        return time.process_time() - began

    assert seconds(65000) < 1.0  # what takes time by the square of the length takes many seconds here
