"""A dialog: whom the requests of a call go to, and in which order (RFC 3261, 12)."""

from __future__ import annotations

from attrs import define, evolve, field

from siperb.phone.messages import number_of, random, tag_of, uri_of
from siperb.sip.message import Message, read_address


@define(eq=False)
class Dialog:
    """One side's view of a call, or of a registration.

    local, remote: ``From`` and ``To`` of requests.
    target: the other side's address.
    routes: the proxies in between.
    """

    local: str
    remote: str
    target: str
    routes: tuple[str, ...] = ()
    call_id: str = field(factory=random)
    local_number: int = 0
    remote_number: int = -1

    @classmethod
    def to(cls, address: str, remote: str, target: str) -> Dialog:
        """The dialog that a request of ours may begin."""
        return cls(f"<{address}>;tag={random()}", f"<{remote}>", target)

    @classmethod
    def of(cls, invite: Message) -> Dialog:
        """The dialog that somebody else's INVITE begins."""
        return cls(
            f"{invite.first('to')};tag={random()}",
            invite.first("from") or "",
            uri_of(next(iter(invite.items("contact")), invite.first("from"))),
            tuple(invite.items("record-route")),
            invite.first("call-id") or "",
            remote_number=number_of(invite),
        )

    @property
    def local_tag(self) -> str:
        return tag_of(self.local)

    def confirmed(self, answer: Message) -> Dialog:
        """The dialog that an answer to our INVITE makes of it: of several forks each makes its own."""
        routes = tuple(reversed(answer.items("record-route")))
        made = evolve(self, remote=answer.first("to") or self.remote, routes=routes)
        made.learn(answer)
        return made

    def learn(self, message: Message) -> None:
        """Take the other side's new address, if the message has one (RFC 3261, 12.2.1.2)."""
        if contact := next(iter(message.items("contact")), ""):
            self.target = uri_of(contact)

    def refusal_of(self, request: Message) -> int | None:
        """The status for a request that does not belong here, or comes out of order (RFC 3261, 12.2.2)."""
        if tag_of(request.first("from")) != tag_of(self.remote):
            return 481
        if request.method != "ACK" and number_of(request) < self.remote_number:  # JsSIP asks again with the same number
            return 500
        self.remote_number = max(self.remote_number, number_of(request))
        return None

    def way(self) -> tuple[str, list[tuple[str, str]]]:
        """The request's address and its ``Route`` headers; a proxy of RFC 2543 gets the request to itself."""
        if not self.routes or _is_loose(self.routes[0]):
            return self.target, [("Route", route) for route in self.routes]
        return uri_of(self.routes[0]), [("Route", route) for route in [*self.routes[1:], f"<{self.target}>"]]


def _is_loose(route: str) -> bool:
    """Whether the proxy's address has the parameter ``lr``, which may have a value (RFC 3261, 19.1.1)."""
    _, *options = read_address(route)[0].partition("?")[0].split(";")
    return any(option.partition("=")[0].strip().lower() == "lr" for option in options)
