"""Writes SIP requests, and reads messages, as they go over a WebSocket (RFC 3261, 7118).

Reading is lenient: it skips headers that make no sense. It takes time in proportion to the length, and it has an end.
Input that does not begin as SIP, or is too long, is a `RegistrarResponseError`, which does not show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from siperb.errors import RegistrarResponseError
from siperb.sip.fields import printable
from siperb.sip.registration import Contact

__all__ = [
    "ADVICE",
    "MAX_ALL",
    "MAX_MESSAGE",
    "Message",
    "MessageReader",
    "contacts",
    "parameters",
    "quote",
    "read_address",
    "read_message",
    "seconds",
    "split",
    "write",
]

MAX_MESSAGE = 65536  # bytes
MAX_ALL = 2**20  # bytes of one conversation
OVERHEAD = 64  # bytes that a WebSocket message counts on top of its own: an empty one is work too
ADVICE = "check SipWssServer, SipWebsocketPort and SipServerPath in the device's settings at Siperb"

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_START = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?|([!-~]+) ([!-~]+) SIP/2\.0", re.IGNORECASE)
_MARK = re.compile(r'\\.|[",;<>]', re.DOTALL)
_CLOSING = {'"': '"', "<": ">"}
_PARAMETER = re.compile(rf'([^\s="]+)\s*(?:=\s*(?:{_QUOTED}|([^\s"]*)))?', re.DOTALL)
_NAME_ADDR = re.compile(rf'(?:{_QUOTED}|[^<"])*<([^>]*)>(.*)', re.DOTALL)
_COMPACT = {  # RFC 3261, 7.3.3, of those that are looked at
    "c": "content-type",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "t": "to",
    "v": "via",
    "x": "session-expires",
}


@frozen
class Message:
    """A response, or a request of the registrar's.

    status: 0 in a request, which has a `method` and a `uri` instead.
    headers: name and value in their order, the name in lower case and its long form.
    body: of `read_message` alone.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    method: str = ""
    uri: str = ""
    body: str = ""

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def first(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)

    def items(self, name: str) -> list[str]:
        """The values of a header that may list several in one line."""
        return [item for value in self.values(name) for item in split(value, ",")]

    def answers(self, branch: str, method: str) -> bool:
        """Whether it is the response to the request of this branch (RFC 3261, 17.1.3)."""
        via = next(iter(self.items("via")), "")
        cseq = (self.first("cseq") or "").split()
        return parameters(split(via, ";")).get("branch") == branch and cseq[1:] == [method]


class MessageReader:
    """Takes what the WebSocket brings, and yields each message once its head is complete. Bodies are skipped.

    A WebSocket message is one SIP message (RFC 7118, 5). A SIP message in several of them, and several in one, are
    read too. Each byte is looked at once, however it comes.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._seen = 0  # bytes at their front, in which no head ends
        self._is_sip = False  # whether their first line is
        self._body_to_come = 0  # bytes
        self._left = MAX_ALL

    def take(self, piece: bytes) -> Iterator[Message]:
        """Yield the messages that the piece completes.

        Raises:
            RegistrarResponseError: It is no SIP, its head has more than `MAX_MESSAGE` bytes, or all pieces together
                have more than `MAX_ALL`.
        """
        self._left -= len(piece) + OVERHEAD
        if self._left < 0:
            raise RegistrarResponseError(f"The registrar sends more than {MAX_ALL // 2**20} MiB: {ADVICE}.")
        skipped = min(self._body_to_come, len(piece))
        self._body_to_come -= skipped
        self._pending += piece[skipped:]
        while head := self._next_head():
            answer = _read_head(head)
            length = _content_length(answer)
            whole = len(self._pending) if length is None else length
            self._body_to_come = max(whole - len(self._pending), 0)
            del self._pending[:whole]
            yield answer

    def _next_head(self) -> bytes:
        """Take the head of the next message off the pending bytes; empty if it is not complete."""
        pending = self._pending
        if not self._seen:
            keep_alives = re.match(rb"[\r\n]+", pending)  # RFC 7118, 6
            del pending[: keep_alives.end() if keep_alives else 0]
        end = _HEAD_END.search(pending, max(self._seen - 3, 0))
        length = end.start() if end else len(pending)
        if length > MAX_MESSAGE:
            raise too_large()
        head = bytes(pending[:length]) if end else b""
        if end:
            del pending[: end.end()]
        elif not self._is_sip and (line := pending.find(b"\n", self._seen)) >= 0:
            self._is_sip = bool(_read_head(bytes(pending[:line])))  # raises at once if it is none
        self._seen = 0 if end else length
        self._is_sip = self._is_sip and not end
        return head


def read_message(content: bytes) -> Message:
    """Return the SIP message that a whole WebSocket message is (RFC 7118, 5), with its body.

    Raises:
        RegistrarResponseError: It is no SIP, half a message, or larger than `MAX_MESSAGE`.
    """
    content = content.lstrip(b"\r\n")
    end = _HEAD_END.search(content)
    message = _read_head(content[: end.start()] if end else content)
    body = content[end.end() :] if end else b""
    length = _content_length(message)
    if len(content) > MAX_MESSAGE:
        raise too_large()
    if not end or len(body) < (length or 0):
        raise RegistrarResponseError(f"The registrar sends half a message: {ADVICE}.")
    return evolve(message, body=body[:length].decode(errors="replace"))


def write(start: str, headers: Iterable[tuple[str, str]], body: str = "") -> str:
    """Return a message. Its start line and its values may have no line break."""
    lines = [start, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(body.encode())}"]
    return "\r\n".join([*lines, "", body])


def contacts(answer: Message) -> tuple[Contact, ...]:
    """Return the bindings that the answer lists; a malformed one too, as it stands for a phone."""
    at_large = seconds(answer.first("expires"))
    found: list[Contact] = []
    for item in answer.items("contact"):
        uri, given = read_address(item)
        expires = seconds(given["expires"]) if "expires" in given else at_large
        found.append(Contact(uri, expires, given.get("user-agent") or None))
    return tuple(found)


def read_address(value: str) -> tuple[str, dict[str, str]]:
    """Return the URI in a ``Contact``, ``From``, ``To`` or ``Route``, and the parameters of the header."""
    if name_addr := _NAME_ADDR.fullmatch(value):
        uri, rest = name_addr[2], name_addr[3]
    else:  # what follows a bare address is the header's, not the address's (RFC 3261, 20)
        uri, _, rest = value.partition(";")
    return uri.strip(), parameters(split(rest, ";"))


def split(value: str, separator: str) -> list[str]:
    """Return the items between commas or semicolons, except those within quotes or angle brackets."""
    items: list[str] = []
    start, closing = 0, ""
    for mark in _MARK.finditer(value):
        if closing:
            closing = "" if mark[0] == closing else closing
        elif mark[0] == separator:
            items.append(value[start : mark.start()])
            start = mark.end()
        else:
            closing = _CLOSING.get(mark[0], "")
    items.append(value[start:])
    return [item.strip() for item in items if item.strip()]


def parameters(items: Iterable[str]) -> dict[str, str]:
    """Return each ``name=value``: the name in lower case, the value without quotes. The first of a name counts."""
    found: dict[str, str] = {}
    for item in items:
        if parameter := _PARAMETER.fullmatch(item):
            name, quoted, bare = parameter.groups()
            found.setdefault(name.lower(), bare or re.sub(r"\\(.)", r"\1", quoted or "", flags=re.DOTALL))
    return found


def quote(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def too_large() -> RegistrarResponseError:
    return RegistrarResponseError(f"The registrar's answer is larger than {MAX_MESSAGE // 1024} KiB: {ADVICE}.")


def _read_head(head: bytes) -> Message:
    first, _, rest = head.decode(errors="replace").partition("\n")
    text = re.sub(r"\r?\n[ \t]+", " ", rest)  # folded lines (RFC 3261, 7.3.1)
    start = _START.fullmatch(first.removesuffix("\r"))
    if start is None:
        raise RegistrarResponseError(f"What answers at the registrar's address does not speak SIP: {ADVICE}.")
    headers: list[tuple[str, str]] = []
    for line in re.split(r"\r?\n", text):
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers.append((_COMPACT.get(name, name), value.strip()))
    return Message(
        int(start[1] or 0), printable(start[2] or "").strip(), tuple(headers), start[3] or "", start[4] or ""
    )


def _content_length(answer: Message) -> int | None:
    """None where there is none, or no telling: the body is then the rest of the WebSocket message (RFC 7118, 5)."""
    lengths = set(answer.values("content-length"))
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if re.fullmatch(r"[0-9]{1,9}", length) else None


def seconds(value: str | None) -> int | None:
    """RFC 3261, 25.1: delta-seconds, of at most 2^32-1."""
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,10}", value) else None
