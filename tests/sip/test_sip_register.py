"""The conversation with a registrar as transcripts: what is sent, what is said, what comes of it. No network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

import attrs
import pytest
from sip_registrars import CHALLENGE, PHONE, answer

from siperb import ConfigurationError, IncompleteProvisioningError, Registration, Session
from siperb.sip.digest import MAX_REQUESTS
from siperb.sip.message import parameters, split
from siperb.sip.register import Conversation, Question

SESSION = Session(user_id="68d1786bbc42833885d1f092a5ba29d4", session_token="havHcBwB,ad328846aa18")


def ask(**changes: object) -> tuple[Conversation, str]:
    """A conversation, and its first request."""
    numbers = count(1)
    question = Question.of(attrs.evolve(PHONE, **changes), SESSION)  # type: ignore[arg-type]
    conversation = question.ask("test/1", lambda: f"r{next(numbers)}")
    first = next(conversation)
    assert first
    return conversation, first


def end(conversation: Conversation, said: str) -> Registration:
    with pytest.raises(StopIteration) as caught:
        conversation.send(said.encode())
    registration: Registration = caught.value.value
    return registration


def go_on(conversation: Conversation, said: str) -> str:
    request = conversation.send(said.encode())
    assert request
    return request


def credentials(request: str, name: str = "Authorization") -> Iterator[dict[str, str]]:
    for value in re.findall(rf"^{name}: Digest (.*)\r$", request, re.MULTILINE):
        yield parameters(split(value, ","))


def test_the_request_asks_and_changes_nothing() -> None:
    """A REGISTER as RFC 3261, 10.2, wants it, over WebSocket as RFC 7118, 5, does, without a Contact and an Expires."""
    _, request = ask()
    assert request == (
        "REGISTER sip:sip.example.test SIP/2.0\r\n"
        "Via: SIP/2.0/WSS r1.invalid;branch=z9hG4bKr4\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:u700@sip.example.test>;tag=r2\r\n"
        "To: <sip:u700@sip.example.test>\r\n"
        "Call-ID: r3\r\n"
        "CSeq: 1 REGISTER\r\n"
        "Supported: path\r\n"
        "User-Agent: test/1\r\n"
        "Content-Length: 0\r\n\r\n"
    )


def test_a_challenge_is_answered_in_a_transaction_of_its_own() -> None:
    conversation, first = ask()
    second = go_on(conversation, answer(first, "401 Unauthorized", CHALLENGE))
    assert "CSeq: 2 REGISTER" in second
    assert re.findall("branch=.*", first) != re.findall("branch=.*", second)
    for name in ("From", "To", "Call-ID"):
        assert re.findall(f"{name}: .*", first) == re.findall(f"{name}: .*", second)
    [sent] = credentials(second)
    assert (sent["username"], sent["realm"], sent["uri"]) == ("u700", "sip.example.test", "sip:sip.example.test")
    ok = answer(second, "200 OK", "Contact: <sip:c700@192.0.2.1>;expires=60", "Server: pbx 1")
    registration = end(conversation, ok)
    assert (registration.accepted, registration.status, registration.reason) == (True, 200, "OK")
    assert [contact.uri for contact in registration.contacts] == ["sip:c700@192.0.2.1"]
    assert (registration.server, registration.answered_challenge) == ("pbx 1", True)


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "503 Service Unavailable", "600 Busy"])
def test_a_refusal_is_told_and_ends_it(status: str) -> None:
    conversation, first = ask()
    registration = end(conversation, answer(first, status, "Contact: <sip:elsewhere@example.com>"))
    assert f"{registration.status} {registration.reason}" == status
    assert (registration.accepted, registration.contacts, registration.answered_challenge) == (False, (), False)


def test_a_redirect_is_not_followed() -> None:
    conversation, first = ask()
    registration = end(conversation, answer(first, "302 Moved Temporarily", "Contact: <sip:evil.example>"))
    assert (registration.status, registration.accepted, registration.contacts) == (302, False, ())


def test_a_password_that_is_refused_is_not_sent_again() -> None:
    conversation, first = ask()
    second = go_on(conversation, answer(first, "401 Unauthorized", CHALLENGE))
    other_nonce = CHALLENGE.replace("n0nce", "n1")
    assert end(conversation, answer(second, "401 Unauthorized", other_nonce)).status == 401


def test_a_stale_nonce_is_replaced() -> None:
    conversation, first = ask()
    second = go_on(conversation, answer(first, "401 Unauthorized", CHALLENGE))
    third = go_on(conversation, answer(second, "401 Unauthorized", f"{CHALLENGE}, stale=true".replace("n0nce", "n1")))
    [sent] = credentials(third)
    assert (sent["nonce"], sent["nc"]) == ("n1", "00000001")


def test_nonces_that_are_always_stale_have_an_end() -> None:
    conversation, request = ask()
    for _ in range(MAX_REQUESTS - 1):
        request = go_on(conversation, answer(request, "401 Unauthorized", f"{CHALLENGE}, stale=true"))
    assert end(conversation, answer(request, "401 Unauthorized", f"{CHALLENGE}, stale=true")).status == 401


def test_a_proxy_and_the_registrar_want_an_answer_each() -> None:
    """RFC 3261, 22.3: the proxy's is sent again, and its nonce is used a second time."""
    conversation, first = ask()
    proxys = 'Proxy-Authenticate: Digest realm="proxy", nonce="p", qop="auth"'
    second = go_on(conversation, answer(first, "407 Proxy Authentication Required", proxys))
    assert [sent["nc"] for sent in credentials(second, "Proxy-Authorization")] == ["00000001"]
    assert not list(credentials(second))
    third = go_on(conversation, answer(second, "401 Unauthorized", CHALLENGE))
    assert [(sent["realm"], sent["nc"]) for sent in credentials(third, "Proxy-Authorization")] == [
        ("proxy", "00000002")
    ]
    assert [(sent["realm"], sent["nc"]) for sent in credentials(third)] == [("sip.example.test", "00000001")]
    assert end(conversation, answer(third, "200 OK")).accepted


def test_the_strongest_of_a_realm_is_answered_and_every_realm() -> None:
    """RFC 8760, 2.4."""
    conversation, first = ask()
    challenges = [
        f'WWW-Authenticate: Digest realm="{realm}", nonce="n", qop="auth", algorithm={algorithm}'
        for realm in ("a", "b")
        for algorithm in ("MD5", "SHA-256")
    ]
    second = go_on(conversation, answer(first, "401 Unauthorized", *challenges))
    assert [(sent["realm"], sent["algorithm"]) for sent in credentials(second)] == [("a", "SHA-256"), ("b", "SHA-256")]


def test_two_realms_are_answered_however_many_there_are() -> None:
    conversation, first = ask()

    def challenges(letter: str) -> str:
        return ", ".join(f"Digest realm={letter}{number}, nonce=n" for number in range(1600))

    second = go_on(conversation, answer(first, "401 Unauthorized", f"WWW-Authenticate: {challenges('a')}"))
    assert [sent["realm"] for sent in credentials(second)] == ["a0", "a1"]
    assert len(second) < 2000
    assert end(conversation, answer(second, "401 Unauthorized", f"WWW-Authenticate: {challenges('b')}")).status == 401


def test_a_challenge_is_not_sent_back_at_any_size() -> None:
    conversation, first = ask()
    huge = CHALLENGE.replace("n0nce", "n" * 5000)
    assert end(conversation, answer(first, "401 Unauthorized", huge)).answered_challenge is False


@pytest.mark.parametrize(
    ("status", "is_challenged", "accepted", "meaning", "advice"),
    [
        ("200 OK", True, True, "takes the account", "None"),
        ("400 Missing Contact", True, True, "accepted; the registrar lists no phones", "None"),
        ("400 Missing Contact", False, False, "does not answer this question", "try with a phone"),
        ("400 Bad Request", True, False, "says no", "SipUsername"),
        ("403 Forbidden", True, False, "user or password is refused", "SipPassword"),
        ("403 Forbidden", False, False, "without asking for the password", "the password is not the cause"),
        ("401 Unauthorized", True, False, "user or password is refused", "SipPassword"),
        ("407 Elsewhere", False, False, "authentication that is not known", "digest"),
        ("302 Moved Temporarily", True, False, "to another address, which is not followed", "SipWssServer"),
        ("423 Interval Too Brief", True, False, "register for longer", "RegisterExpires"),
        ("404 Not Found", False, False, "says no", "SipUsername"),
        ("503 Service Unavailable", True, False, "in trouble", "try again later"),
    ],
)
def test_an_answer_is_told_for_what_it_is(
    status: str, is_challenged: bool, accepted: bool, meaning: str, advice: str
) -> None:
    conversation, request = ask()
    if is_challenged:
        request = go_on(conversation, answer(request, "401 Unauthorized", CHALLENGE))
    scheme = "WWW-Authenticate: Basic realm=r"
    registration = end(conversation, answer(request, status, scheme))
    assert (registration.accepted, registration.contacts) == (accepted, ())
    assert meaning in registration.meaning
    assert registration.meaning.endswith(f"({status})")
    assert advice in str(registration.advice)


def test_an_authentication_of_another_kind_is_not_answered() -> None:
    conversation, first = ask()
    registration = end(conversation, answer(first, "401 Unauthorized", 'WWW-Authenticate: Basic realm="r"'))
    assert (registration.status, registration.answered_challenge) == (401, False)


def test_what_is_no_final_answer_to_the_request_is_passed_over() -> None:
    conversation, first = ask()
    others = [
        answer(first, "100 Trying"),
        answer(first, "200 OK").replace("z9hG4bK", "z9hG4bKx"),
        answer(first, "200 OK").replace("1 REGISTER", "1 OPTIONS"),
        "OPTIONS sip:u700@x.invalid SIP/2.0\r\nVia: SIP/2.0/WSS pbx;branch=z9hG4bKr4\r\nCSeq: 1 REGISTER\r\n\r\n",
        "\r\n\r\n",
    ]
    for other in others:
        assert conversation.send(other.encode()) is None
    assert conversation.send("".join(others).encode()) is None
    assert end(conversation, answer(first, "100 Trying") + answer(first, "403 No")).status == 403


@pytest.mark.parametrize("mode", ["Proxy", "WebSocket"])
def test_siperbs_headers_go_to_siperbs_proxy_alone(mode: str) -> None:
    host = "ws.siperb.com" if mode == "Proxy" else "127.0.0.1"
    conversation, first = ask(registration_mode=mode, sip_jwt="aaa.bbb.ccc", sip_wss_server=host)
    second = go_on(conversation, answer(first, "401 Unauthorized", CHALLENGE))
    for request in first, second:
        found = re.findall("X-Siperb-[^\r]*|Authorization: Bearer [^\r]*", request)
        assert found == (
            [
                f"X-Siperb-Sid: {SESSION.session_token}",
                f"X-Siperb-Uid: {SESSION.user_id}",
                "Authorization: Bearer aaa.bbb.ccc",
            ]
            if mode == "Proxy"
            else []
        )


def test_a_plain_registrar_sees_ws_in_the_via() -> None:
    question = Question.of(PHONE, None, insecure=True)
    assert question.url == "ws://127.0.0.1:443/ws"
    assert "Via: SIP/2.0/WS r.invalid;" in (next(question.ask("a", lambda: "r")) or "")


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(IncompleteProvisioningError) as caught:
        ask(sip_password=None, sip_domain="", sip_server_path=None, sip_jwt="a b", sip_username="a\r\nX: y")
    assert set(caught.value.missing) == {"SipUsername", "SipPassword", "SipDomain", "SipServerPath", "SipJwt"}


def test_plain_websockets_are_for_loopback() -> None:
    with pytest.raises(ConfigurationError, match="loopback alone"):
        Question.of(attrs.evolve(PHONE, sip_wss_server="pbx.example.test"), None, insecure=True)


def test_the_question_shows_no_secret() -> None:
    assert "s3cret" not in repr(Question.of(PHONE, SESSION))
