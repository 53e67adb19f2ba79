"""The user agent: the account at its registrar, and requests with their challenges answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import define

from siperb.models import Provisioning, Session
from siperb.phone.connection import Connection
from siperb.phone.dialog import Dialog
from siperb.phone.messages import ALLOW, LOST, SDP, USER_AGENT, Headers, Request, random, tag_of
from siperb.phone.transactions import TIMEOUT, Client, Transactions
from siperb.sip.addresses import check, contact_uri
from siperb.sip.digest import MAX_REQUESTS, Wallet
from siperb.sip.message import Message
from siperb.sip.register import Question


@define(eq=False)
class Attempt:
    """An INVITE on its way, which may be cancelled, whatever has been sent of it.

    on_sign: is called with each provisional response.
    """

    on_sign: Callable[[Message], None] | None = None
    client: Client | None = None
    is_cancelled: bool = False
    has_sign: bool = False


class UserAgent:
    """Sends the requests of the account, each with a final answer, and answers those of others."""

    def __init__(
        self,
        provisioning: Provisioning,
        session: Session | None,
        *,
        insecure: bool,
        on_request: Callable[[Message], None],
        on_change: Callable[[bool], None],
    ) -> None:
        check(provisioning)
        self.account: Question = Question.of(provisioning, session, insecure=insecure)
        self.contact_uri: str = contact_uri(provisioning)
        self.contact: str = f"<{self.contact_uri}>"  # in dialogs; a GRUU (RFC 5627) once the registrar gives one
        self.domain: str = self.account.target.partition(":")[2]
        self._realms = {self.domain}  # which the password is for: the registrar's own
        self._on_change = on_change
        self._host = f"{random()}.invalid"  # RFC 7118, 5
        self.connection: Connection = Connection(self.account.url, self._take, self._changed)
        self.transactions: Transactions = Transactions(self.connection.send, on_request)

    def make(self, method: str, dialog: Dialog, number: int, headers: Headers = (), body: str = "") -> Request:
        """Return a request within the dialog, in a transaction of its own."""
        uri, routes = dialog.way()
        branch = f"z9hG4bK{random()}"
        kind = self.account.url.partition(":")[0].upper()
        basic = [
            ("Via", f"SIP/2.0/{kind} {self._host};branch={branch}"),
            *routes,
            ("Max-Forwards", "70"),
            ("From", dialog.local),
            ("To", dialog.remote),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{number} {method}"),
        ]
        return Request(method, uri, branch, (*basic, *headers, ("User-Agent", USER_AGENT)), body)

    async def request(
        self,
        method: str,
        dialog: Dialog,
        headers: Headers = (),
        body: str = "",
        *,
        kind: str = SDP,
        attempt: Attempt | None = None,
    ) -> Message:
        """Return the final answer, or `TIMED_OUT` or `LOST`.

        Challenges of the registrar's realms are answered: a request may reach anybody, a REGISTER the registrar alone.
        """
        attempt = attempt or Attempt()
        trusted = None if method == "REGISTER" else self._realms
        wallet = Wallet(self.account.username, self.account.password, random, trusted)
        answer = LOST
        for _ in range(MAX_REQUESTS):
            if not await self._is_connected():
                return LOST
            if attempt.is_cancelled:
                return Message(487, "Request Terminated")
            attempt.has_sign = False
            dialog.local_number += 1
            uri, _ = dialog.way()
            request = self._ask(method, dialog, [*headers, *wallet.headers(method, uri)], body, kind)
            attempt.client = self.transactions.start(request, lambda sign: self._sign(attempt, sign))
            answer = await attempt.client.final
            if attempt.is_cancelled or not wallet.learn(answer):
                break
        if method == "REGISTER":
            self._realms |= wallet.realms
        return answer

    def _ask(self, method: str, dialog: Dialog, own: list[tuple[str, str]], body: str, kind: str) -> Request:
        """Make a request. The secrets among its headers are in no frame that waits."""
        if method == "REGISTER" or (method == "INVITE" and not tag_of(dialog.remote)):
            own += self.account.extra_headers
        if method in ("INVITE", "UPDATE", "REFER"):
            own += [("Contact", self.contact), ("Allow", ALLOW), ("Supported", "timer, gruu, outbound")]
        if body:
            own.append(("Content-Type", kind))
        return self.make(method, dialog, dialog.local_number, own, body)

    def acknowledge(self, dialog: Dialog, client: Client) -> str:
        """Send the ACK of a 2xx, with the digests of its INVITE (RFC 3261, 22.1), and return it."""
        number = next(int(value.split()[0]) for name, value in client.request.headers if name == "CSeq")
        names = "Authorization", "Proxy-Authorization"
        credentials = [h for h in client.request.headers if h[0] in names and h[1].startswith("Digest ")]
        text = str(self.make("ACK", dialog, number, credentials))
        self.connection.send(text)
        return text

    def cancel(self, attempt: Attempt) -> None:
        """Cancel an INVITE: at once, or with the first sign of it (RFC 3261, 9.1)."""
        attempt.is_cancelled = True
        if attempt.has_sign and attempt.client and not attempt.client.final.done():
            self.transactions.start(attempt.client.request.within("CANCEL"))
            self.transactions.hasten(attempt.client)

    def _sign(self, attempt: Attempt, sign: Message) -> None:
        is_first, attempt.has_sign = not attempt.has_sign, True
        if attempt.is_cancelled:
            if is_first:
                self.cancel(attempt)
        elif attempt.on_sign:
            attempt.on_sign(sign)

    async def _is_connected(self) -> bool:
        try:
            await asyncio.wait_for(self.connection.is_up.wait(), TIMEOUT)
        except asyncio.TimeoutError:
            return False
        return True

    def _take(self, message: Message) -> None:
        self.transactions.take(message)

    def _changed(self, is_up: bool) -> None:
        if not is_up:
            self.transactions.lose()
        self._on_change(is_up)
