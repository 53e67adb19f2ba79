"""The SIP messages of a phone: requests, responses, and their form for the log, without secrets."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from attrs import field, frozen

from siperb._version import __version__
from siperb.sip.fields import printable
from siperb.sip.message import Message, parameters, read_address, split, write

Headers = Iterable[tuple[str, str]]

USER_AGENT = f"siperb-python/{__version__}"
ALLOW = "ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, UPDATE"
EXTENSIONS = {"timer", "gruu", "outbound", "path"}  # that a request may require
SDP = "application/sdp"
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    400: "Bad Request",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}
TIMED_OUT = Message(408, "No answer in time")  # in the place of an answer (RFC 3261, 8.1.3.1)
LOST = Message(503, "Connection lost")
OVER = Message(481, "The call is over")


@frozen
class Request:
    """A request of ours.

    branch: the name of its transaction.
    """

    method: str
    uri: str
    branch: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: str = field(default="", repr=False)

    def __str__(self) -> str:
        return write(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)

    def within(self, method: str, to: str | None = None) -> Request:
        """The CANCEL of this INVITE, or the ACK of its refusal: in the same transaction (RFC 3261, 9.1, 17.1.1.3)."""
        number = next(value.split()[0] for name, value in self.headers if name == "CSeq")
        changed = {"CSeq": f"{number} {method}", **({"To": to} if to else {})}
        kept = {"Via", "Route", "Max-Forwards", "From", "To", "Call-ID", "CSeq"}
        headers = tuple((name, changed.get(name, value)) for name, value in self.headers if name in kept)
        return Request(method, self.uri, self.branch, headers)


def response(request: Message, status: int, tag: str, headers: Headers = (), body: str = "") -> str:
    """Return the response to a request (RFC 3261, 8.2.6). `tag` is for a ``To`` that has none."""
    to = request.first("to") or ""
    if status > 100 and not tag_of(to):
        to = f"{to};tag={tag}"
    copied = [("Via", via) for via in request.values("via")]
    if request.method == "INVITE" and 100 < status < 300:
        copied += [("Record-Route", route) for route in request.values("record-route")]
    copied += [("From", request.first("from") or ""), ("To", to)]
    copied += [("Call-ID", request.first("call-id") or ""), ("CSeq", request.first("cseq") or "")]
    written = [(name, re.sub(r"[\x00-\x1f\x7f]", " ", value)) for name, value in [*copied, *headers]]
    written += [("User-Agent", USER_AGENT), *([("Content-Type", SDP)] if body else [])]
    return write(f"SIP/2.0 {status} {REASONS.get(status, 'Refused')}", written, body)


def random() -> str:
    return secrets.token_hex(8)


def tag_of(value: str | None) -> str:
    return read_address(value or "")[1].get("tag", "")


def uri_of(value: str | None) -> str:
    return read_address(value or "")[0]


def name_of(value: str | None) -> str | None:
    """The display name of a ``From`` or ``To``."""
    found = re.match(r'(?:"((?:[^"\\]|\\.)*)"[^<"]*|([^<"]*))<', (value or "").lstrip())
    quoted, bare = found.groups() if found else (None, "")
    return printable((bare or "").strip() or re.sub(r"\\(.)", r"\1", quoted or "")) or None


def number_of(message: Message) -> int:
    """The number in ``CSeq``; -1 if it has none, or names another method."""
    found = re.fullmatch(r"([0-9]{1,10})\s+(\S+)", message.first("cseq") or "")
    return int(found[1]) if found and (message.status or found[2] == message.method) and int(found[1]) < 2**31 else -1


def transaction_of(request: Message) -> tuple[str, str]:
    """The branch of a request, and who sent it (RFC 3261, 17.2.3)."""
    via = next(iter(request.items("via")), "")
    return parameters(split(via, ";")).get("branch", ""), via.partition(";")[0]


def is_complete(request: Message) -> bool:
    """Whether a request has the headers that an answer repeats, and a sense (RFC 3261, 8.1.1)."""
    has_all = all(request.first(name) for name in ("via", "from", "to", "call-id"))
    return has_all and bool(tag_of(request.first("from")) and transaction_of(request)[0]) and number_of(request) >= 0


def masked(text: str) -> str:
    """The message for the log: without credentials, keys of the media, and the digits of an INFO."""
    text = re.sub(r"(?im)^((?:proxy-)?authorization: *\w*)[^\r\n]*", r"\1 …", text)
    text = re.sub(r"(?im)^(x-siperb-sid|a=ice-pwd|a=crypto)(: *)[^\r\n]*", r"\1\2…", text)
    head, *body = re.split(r"\r?\n\r?\n", text, maxsplit=1)
    if body and re.search(r"(?im)^(content-type|c) *: *application/dtmf", head):
        return f"{head}\r\n\r\n…"
    return re.sub(r"(?im)^(signal *=)[^\r\n]*", r"\1…", text)
