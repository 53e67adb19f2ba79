"""SIP messages as they go over a WebSocket: a request to write, answers to read from what comes in (RFC 3261, 7118).

Reading is lenient, and takes time in proportion to the length whatever comes: what makes no sense is passed over, and
what does not even begin as SIP, or has no end, is a `RegistrarResponseError`, which does not show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import frozen

from siperb.errors import RegistrarResponseError
from siperb.sip.registration import Contact

__all__ = [
    "ADVICE",
    "MAX_MESSAGE",
    "Answer",
    "MessageReader",
    "contacts",
    "parameters",
    "quote",
    "split",
    "too_large",
    "write_request",
]

MAX_MESSAGE = 65536  # bytes
ADVICE = "check SipWssServer, SipWebsocketPort and SipServerPath in the device's settings at Siperb"

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_START = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?|[!-~]+ [!-~]+ SIP/2\.0", re.IGNORECASE)
_MARK = re.compile(r'\\.|[",;<>]', re.DOTALL)
_CLOSING = {'"': '"', "<": ">"}
_PARAMETER = re.compile(rf'([^\s="]+)\s*(?:=\s*(?:{_QUOTED}|([^\s"]*)))?', re.DOTALL)
_NAME_ADDR = re.compile(rf'(?:{_QUOTED}|[^<"])*<([^>]*)>(.*)', re.DOTALL)
_COMPACT = {"l": "content-length", "m": "contact", "v": "via"}  # RFC 3261, 7.3.3, of those that are looked at


@frozen
class Answer:
    """The head of a response.

    status: 0 where it is not a response but a request of the registrar's.
    headers: name and value in their order, the name in lower case and its long form.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def first(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)

    def answers(self, branch: str, method: str) -> bool:
        """Whether it is the response to the request of this branch (RFC 3261, 17.1.3)."""
        via = next(iter(split(self.first("via") or "", ",")), "")
        cseq = (self.first("cseq") or "").split()
        return parameters(split(via, ";")).get("branch") == branch and cseq[1:] == [method]


class MessageReader:
    """Takes what the WebSocket brings, and gives the messages of which the head is there; bodies are passed over.

    A WebSocket message is one SIP message (RFC 7118, 5). One that comes in several, or several in one, are read too.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._body_to_come = 0  # bytes

    def take(self, piece: bytes) -> Iterator[Answer]:
        """Raises `RegistrarResponseError` for what is no SIP, and for a head of more than `MAX_MESSAGE` bytes."""
        skipped = min(self._body_to_come, len(piece))
        self._body_to_come -= skipped
        self._pending += piece[skipped:]
        while True:
            self._pending = self._pending.lstrip(b"\r\n")  # keep-alives too (RFC 7118, 6)
            end = re.search(rb"\r?\n\r?\n", self._pending)
            head = self._pending[: end.start()] if end else self._pending
            if len(head) > MAX_MESSAGE:
                raise too_large()
            if not end:
                if b"\n" in head:
                    _read_head(head)  # raises at once for what is no SIP
                return
            answer, rest = _read_head(head), self._pending[end.end() :]
            length = _content_length(answer)
            self._pending = b"" if length is None else rest[length:]
            self._body_to_come = max((length or 0) - len(rest), 0)
            yield answer


def write_request(method: str, uri: str, headers: Iterable[tuple[str, str]]) -> str:
    """A request without a body. The caller sees to it that no value has a line break."""
    lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in headers), "Content-Length: 0"]
    return "\r\n".join([*lines, "", ""])


def contacts(answer: Answer) -> tuple[Contact, ...]:
    """The bindings that it lists. What is malformed comes as it is: something is registered there all the same."""
    at_large = _seconds(answer.first("expires"))
    found: list[Contact] = []
    for item in (item for value in answer.values("contact") for item in split(value, ",")):
        if name_addr := _NAME_ADDR.fullmatch(item):
            uri, rest = name_addr[2], name_addr[3]
        else:  # what follows a bare address is the header's, not the address's (RFC 3261, 20)
            uri, _, rest = item.partition(";")
        given = parameters(split(rest, ";"))
        expires = _seconds(given["expires"]) if "expires" in given else at_large
        found.append(Contact(uri.strip(), expires, given.get("user-agent") or None))
    return tuple(found)


def split(value: str, separator: str) -> list[str]:
    """The items between commas or semicolons; those within quotes or angle brackets do not count."""
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
    """Each ``name=value``: names in lower case, values out of their quotes; the first of a name counts."""
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


def _read_head(head: bytes) -> Answer:
    text = re.sub(r"\r?\n[ \t]+", " ", head.decode(errors="replace"))  # folded lines (RFC 3261, 7.3.1)
    first, *lines = re.split(r"\r?\n", text)
    start = _START.fullmatch(first)
    if start is None:
        raise RegistrarResponseError(f"What answers at the registrar's address does not speak SIP: {ADVICE}.")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers.append((_COMPACT.get(name, name), value.strip()))
    return Answer(int(start[1] or 0), (start[2] or "").strip(), tuple(headers))


def _content_length(answer: Answer) -> int | None:
    """None where there is none, or no telling: the body is then the rest of the WebSocket message (RFC 7118, 5)."""
    lengths = set(answer.values("content-length"))
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if re.fullmatch(r"[0-9]{1,9}", length) else None


def _seconds(value: str | None) -> int | None:
    """RFC 3261, 25.1: delta-seconds, of at most 2^32-1."""
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,10}", value) else None
