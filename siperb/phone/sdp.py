"""SDP (RFC 8866) as text: enough of offer and answer (RFC 3264) to hold and to refresh a call without its media."""

from __future__ import annotations

import re

_DIRECTION = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\r?$", re.MULTILINE)
_STATIC = {"0": "pcmu/8000", "8": "pcma/8000", "9": "g722/8000"}  # RFC 3551, 6
_SENDS = {"sendrecv", "sendonly"}
_RECEIVES = {"sendrecv", "recvonly"}
MAX_CANDIDATES = 32
MAX_NAMES = 4  # among them that end in .local


def sections(sdp: str) -> list[str]:
    """The lines of the session, and those of each medium."""
    return re.split(r"(?m)^(?=m=)", sdp)


def has_audio(sdp: str) -> bool:
    """Whether it describes a session with audio that somebody can answer."""
    return sdp.startswith("v=0") and any(
        re.match(r"m=audio [1-9][0-9]{0,4}(/[0-9]+)? [A-Z/]+( [0-9]{1,3})+\s", section) for section in sections(sdp)
    )


def with_few_candidates(sdp: str) -> str:
    """The first of its candidates alone: each of them is called, and each name is looked up."""
    kept: list[str] = []
    left, names_left = MAX_CANDIDATES, MAX_NAMES
    for line in sdp.splitlines(keepends=True):
        if line.startswith("a=candidate:"):
            is_name = ".local" in line.lower()
            left, names_left = left - 1, names_left - is_name
            if left < 0 or (is_name and names_left < 0):
                continue
        kept.append(line)
    return "".join(kept)


def telephone_events(sdp: str) -> dict[int, int]:
    """The payload types of DTMF (RFC 4733), each with its clock rate."""
    found = re.findall(r"(?mi)^a=rtpmap:([0-9]{1,3}) telephone-event/([0-9]{1,6})", sdp)
    return {int(number): int(rate) for number, rate in found}


def direction_of(sdp: str) -> str:
    """The direction of its audio."""
    session, *media = sections(sdp)
    audio = next((each for each in media if each.startswith("m=audio ")), "")
    found = _DIRECTION.search(audio) or _DIRECTION.search(session)
    return found[1] if found else "sendrecv"


def direction(*, sends: bool, receives: bool) -> str:
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (sends, receives), "inactive"
    )


def opposite(offered: str, *, holds: bool) -> str:
    """The direction to answer (RFC 3264, 6.1): whoever holds the call receives nothing."""
    return direction(sends=offered in _RECEIVES, receives=offered in _SENDS and not holds)


def reoffer(local: str, *, holds: bool) -> str:
    """The session as we have it, offered once more. Its direction is what we want."""
    own = direction(sends=True, receives=not holds)
    session, *media = sections(_renumbered(local))
    return session + "".join(each if _is_off(each) else _with(each, own, "actpass") for each in media)


def reanswer(local: str, before: str, offer: str, own: str, role: str) -> str | None:
    """The answer to an offer in a call that stands: the same session. None where another one is offered.

    before: the other side's description until now.
    role: ours in DTLS, "active" or "passive".
    """
    offered, ours = sections(offer)[1:], sections(local)[1:]
    if not has_audio(offer) or not is_same_session(offer, before) or len(offered) < len(ours):
        return None
    made: list[str] = []
    for index, theirs in enumerate(offered):
        mine = ours[index] if index < len(ours) else ""
        if mine.split(" ")[0] == theirs.split(" ")[0] and not _is_off(mine):
            common = _with(_with_formats_of(mine, theirs), own, role)
            if not re.match(r"m=\S+ \S+ \S+ [0-9]", common):
                return None
            made.append(common)
        else:
            made.append(refused(theirs))
    return sections(_renumbered(local))[0] + "".join(made)


def is_same_session(one: str, other: str) -> bool:
    """Whether two descriptions are of the same media: their ICE has the same names."""
    return _credentials(one) == _credentials(other)


def refused(section: str) -> str:
    """The answer to a medium that is not taken."""
    head = re.sub(r"^(m=\S+) \S+", r"\1 0", section.splitlines()[0])
    mid = re.search(r"(?m)^a=mid:.*?\r?$", section)
    return "\r\n".join([head, "c=IN IP4 0.0.0.0", "a=inactive", *([mid[0].strip()] if mid else []), ""])


def role_of(sdp: str) -> str:
    """Who begins DTLS (RFC 5763): "active", "passive" or "actpass"."""
    found = re.search(r"(?m)^a=setup:(\w+)", sdp)
    return found[1] if found else "active"


def _is_off(section: str) -> bool:
    return re.match(r"m=\S+ 0 ", section) is not None


def _credentials(sdp: str) -> set[str]:
    """A restart of ICE, or another other side, has new ones."""
    return set(re.findall(r"(?m)^a=ice-ufrag:(\S+)", sdp))


def _renumbered(sdp: str) -> str:
    """RFC 3264, 8: the version grows by one."""
    return re.sub(r"(?m)^(o=\S+ \S+ )([0-9]{1,19})", lambda found: f"{found[1]}{int(found[2]) + 1}", sdp, count=1)


def _with(section: str, own: str, role: str) -> str:
    section = re.sub(r"(?m)^a=setup:\w+", f"a=setup:{role}", section)
    if _DIRECTION.search(section):
        return _DIRECTION.sub(lambda found: f"a={own}" + "\r" * found[0].endswith("\r"), section)
    return f"{section.rstrip()}\r\na={own}\r\n"


def _with_formats_of(mine: str, theirs: str) -> str:
    """Our medium with the formats alone that theirs has too, under the same numbers."""
    head = mine.splitlines()[0].split(" ")
    offered = set(theirs.splitlines()[0].split(" ")[3:])
    kept = [number for number in head[3:] if number in offered and _format(mine, number) == _format(theirs, number)]
    lines = [" ".join([*head[:3], *kept])]
    for line in mine.splitlines()[1:]:
        found = re.match(r"a=(?:rtpmap|fmtp|rtcp-fb):([0-9]+)", line)
        if not found or found[1] in kept:
            lines.append(line)
    return "\r\n".join([*lines, ""])


def _format(section: str, number: str) -> str:
    found = re.search(rf"(?m)^a=rtpmap:{number} (\S+)", section)
    return found[1].lower().removesuffix("/1") if found else _STATIC.get(number, number)
