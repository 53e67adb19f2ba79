"""Digest authentication (RFC 7616; for SIP RFC 3261, 22, and RFC 8760): reads challenges, writes answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Iterable

from attrs import field, frozen

from siperb.sip.message import Message, parameters, quote, split

__all__ = ["Challenge", "Wallet", "authorize", "read_challenges", "strongest"]

MAX_REQUESTS = 6  # until it is given up: a proxy's challenge, the registrar's, and nonces that are too old
MAX_REALMS = 2  # that are answered, of a proxy's and of a registrar's
MAX_CHALLENGE = 4096  # characters; its realm, nonce and opaque are sent back
_CHALLENGES = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
_HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}  # the strongest first


@frozen
class Challenge:
    """A server's question for the password.

    Attributes:
        qop: "auth", or None if the challenge has none (RFC 2069).
        opaque: The answer gives it back.
        stale: The last answer was right, but its nonce was too old.
    """

    realm: str
    nonce: str = field(repr=False)
    algorithm: str = "MD5"
    qop: str | None = "auth"
    opaque: str | None = field(default=None, repr=False)
    stale: bool = False


def read_challenges(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges of ``WWW-Authenticate`` or ``Proxy-Authenticate`` headers that can be answered.

    Other schemes and hashes, ``auth-int`` alone, a challenge without a realm or a nonce, and a huge one cannot.
    """
    found: list[Challenge] = []
    for value in values:
        scheme, items = "", list[str]()
        for item in [*split(value, ","), ""]:
            begins = re.match(r"([^\s=\"]+)\s+(?=[^\s=]+\s*=)", item)
            if (begins or not item) and scheme == "digest":
                found += _read_challenge(parameters(items))
            if begins:
                scheme, items = begins[1].lower(), []
            items.append(item[begins.end() if begins else 0 :])
    return found


def _read_challenge(given: dict[str, str]) -> Iterable[Challenge]:
    algorithm = given.get("algorithm", "MD5").upper()
    offered = {option.strip().lower() for option in given.get("qop", "").split(",")} - {""}
    values = "".join(given.values())
    is_usable = len(values) <= MAX_CHALLENGE and not re.search(r"[\x00-\x1f\x7f]", values)
    if is_usable and {"realm", "nonce"} <= given.keys() and _has(algorithm) and (not offered or "auth" in offered):
        qop = "auth" if offered else None
        is_stale = given.get("stale", "").lower() == "true"
        yield Challenge(given["realm"], given["nonce"], algorithm, qop, given.get("opaque"), is_stale)


def strongest(challenges: Iterable[Challenge]) -> Challenge:
    """Return the challenge with the strongest hash, the first of equals. RFC 8760, 2.4, leaves the choice to us."""
    return min(challenges, key=lambda challenge: list(_HASHES).index(challenge.algorithm))


def authorize(
    challenge: Challenge, username: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> str:
    """Return the value of the ``Authorization`` header. `count` numbers the requests with this nonce, from 1."""
    secret = _hash(challenge, f"{username}:{challenge.realm}:{password}")
    request = _hash(challenge, f"{method}:{uri}")
    nc = f"{count:08x}"
    middle = f"{challenge.nonce}:{nc}:{cnonce}:{challenge.qop}" if challenge.qop else challenge.nonce
    quoted = {
        "username": username,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
        "response": _hash(challenge, f"{secret}:{middle}:{request}"),
        **({"opaque": challenge.opaque} if challenge.opaque is not None else {}),
        **({"cnonce": cnonce} if challenge.qop else {}),
    }
    bare = [f"algorithm={challenge.algorithm}", *([f"qop={challenge.qop}", f"nc={nc}"] if challenge.qop else [])]
    return "Digest " + ", ".join([*(f"{name}={quote(value)}" for name, value in quoted.items()), *bare])


class Wallet:
    """The answers to the challenges of one request. None is given twice, unless its nonce had become stale.

    trusted: the realms that get one; None for any.
    """

    def __init__(
        self, username: str, password: str, random: Callable[[], str], trusted: Container[str] | None = None
    ) -> None:
        self._account = username, password
        self._random = random
        self._trusted = trusted
        self._challenges: dict[tuple[str, str], Challenge] = {}  # by header and realm
        self._uses: dict[tuple[str, str], int] = {}

    def learn(self, answer: Message) -> bool:
        """Whether there is something to say that the registrar has not heard."""
        asks, header = _CHALLENGES.get(answer.status, ("", ""))
        challenges = read_challenges(answer.values(asks))
        if self._trusted is not None:
            challenges = [challenge for challenge in challenges if challenge.realm in self._trusted]
        has_news = False
        for realm in list(dict.fromkeys(challenge.realm for challenge in challenges))[:MAX_REALMS]:
            challenge = strongest(challenge for challenge in challenges if challenge.realm == realm)
            known = [place for place in self._challenges if place[0] == header]
            if (header, realm) in known and not challenge.stale:
                return False
            if (header, realm) in known or len(known) < MAX_REALMS:
                self._challenges[header, realm] = challenge
                self._uses[header, realm] = 0
                has_news = True
        return has_news

    @property
    def realms(self) -> set[str]:
        """Those that have asked."""
        return {realm for _, realm in self._challenges}

    def headers(self, method: str, uri: str) -> list[tuple[str, str]]:
        """Return an answer to each challenge so far."""
        made: list[tuple[str, str]] = []
        for place, challenge in self._challenges.items():
            self._uses[place] += 1
            value = authorize(challenge, *self._account, method, uri, self._random(), self._uses[place])
            made.append((place[0], value))
        return made


def _has(algorithm: str) -> bool:
    """Whether the hash can be made here: SHA-512/256 comes from OpenSSL, which may be built without it."""
    try:
        return algorithm in _HASHES and bool(hashlib.new(_HASHES[algorithm], usedforsecurity=False))
    except ValueError:
        return False


def _hash(challenge: Challenge, text: str) -> str:
    # Python may refuse MD5 "for security" (FIPS). The registrar asks for it nevertheless.
    return hashlib.new(_HASHES[challenge.algorithm], text.encode(), usedforsecurity=False).hexdigest()
