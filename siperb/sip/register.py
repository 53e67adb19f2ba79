"""Asks whether a registrar takes an account, as a conversation: yields what to send, and is sent what came.

A REGISTER without a ``Contact`` asks for the bindings of the account and changes none (RFC 3261, 10.2.3). Over
WebSocket it is a text message of the subprotocol ``sip`` (RFC 7118).
"""

# pyright: reportUnusedCallResult=error

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from attrs import frozen

from siperb.models import Provisioning, Session
from siperb.sip.addresses import sip_uri, websocket_url
from siperb.sip.digest import MAX_REQUESTS, Wallet
from siperb.sip.fields import bare, read
from siperb.sip.message import Message, MessageReader, contacts, write
from siperb.sip.options import extra_headers
from siperb.sip.registration import Registration

__all__ = ["Conversation", "Question"]

Conversation: TypeAlias = Generator[str | None, bytes, Registration]
"""Yields a message to send, or None to be sent the next one that came; a piece of one will do too."""

_ACCOUNT = ("SipUsername", "SipPassword", "SipDomain", "SipWssServer", "SipWebsocketPort", "SipServerPath", "SipJwt")


@frozen(repr=False)
class Question:
    """Who asks, and where.

    Attributes:
        url: The WebSocket's.
        target: Of the request: the domain.
        address: Of the account.
        extra_headers: See `siperb.sip.extra_headers`.
    """

    url: str
    target: str
    address: str
    username: str
    password: str
    extra_headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    @bare
    def of(cls, provisioning: Provisioning, session: Session | None, *, insecure: bool = False) -> Question:
        """Make the question, or raise what `siperb.sip.jssip` raises."""
        username, password, domain, *_ = read(provisioning, *_ACCOUNT)
        headers = [header.partition(": ") for header in extra_headers(provisioning, session, insecure=insecure)]
        return cls(
            websocket_url(provisioning, insecure=insecure),
            f"sip:{domain}",
            sip_uri(provisioning),
            username,
            password,
            tuple((name, value) for name, _, value in headers),
        )

    def ask(self, user_agent: str, random: Callable[[], str]) -> Conversation:
        """Return the conversation, which ends with the registrar's answer.

        Args:
            user_agent: The name of who asks, for the registrar's log.
            random: Makes a token that nobody can guess, of letters and digits.

        Raises:
            RegistrarResponseError: What comes is no SIP, or too much.
        """
        reader, wallet = MessageReader(), Wallet(self.username, self.password, random)
        host, tag, call_id = f"{random()}.invalid", random(), random()
        number = 0
        while True:
            number += 1
            branch = f"z9hG4bK{random()}"  # RFC 3261, 8.1.1.7
            headers = [
                ("Via", f"SIP/2.0/{self.url.partition(':')[0].upper()} {host};branch={branch}"),
                ("Max-Forwards", "70"),
                ("From", f"<{self.address}>;tag={tag}"),
                ("To", f"<{self.address}>"),
                ("Call-ID", call_id),
                ("CSeq", f"{number} REGISTER"),
                ("Supported", "path"),  # as phones do: a registrar may insist (RFC 3327, 5.3)
                ("User-Agent", user_agent),
                # Before a Bearer, as SIP.js has them: a registrar may look at the first alone.
                *wallet.headers("REGISTER", self.target),
                *self.extra_headers,
            ]
            answer = yield from _exchange(write(f"REGISTER {self.target} SIP/2.0", headers), branch, reader)
            if number == MAX_REQUESTS or not wallet.learn(answer):
                return _registration(answer, answered_challenge=number > 1)


def _exchange(request: str, branch: str, reader: MessageReader) -> Generator[str | None, bytes, Message]:
    """Return the final response to the request, and pass over all that comes before it."""
    to_send: str | None = request
    while True:
        piece = yield to_send
        to_send = None
        for answer in reader.take(piece):
            if answer.status >= 200 and answer.answers(branch, "REGISTER"):
                return answer


def _registration(answer: Message, *, answered_challenge: bool) -> Registration:
    lists = 200 <= answer.status < 300
    # Some registrars want a Contact in every REGISTER. They say so after they have checked the password.
    misses_contact = answer.status == 400 and answered_challenge and "contact" in answer.reason.lower()
    return Registration(
        lists or misses_contact,
        answer.status,
        answer.reason,
        contacts(answer) if lists else (),
        answer.first("server") or None,
        answered_challenge,
    )
