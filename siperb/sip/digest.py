"""Digest authentication (RFC 7616; for SIP RFC 3261, 22, and RFC 8760): reads challenges, writes answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from attrs import field, frozen

from siperb.sip.message import parameters, quote, split

__all__ = ["Challenge", "authorize", "read_challenges", "strongest"]

MAX_CHALLENGE = 4096  # characters; its realm, nonce and opaque are sent back
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


def _has(algorithm: str) -> bool:
    """Whether the hash can be made here: SHA-512/256 comes from OpenSSL, which may be built without it."""
    try:
        return algorithm in _HASHES and bool(hashlib.new(_HASHES[algorithm], usedforsecurity=False))
    except ValueError:
        return False


def _hash(challenge: Challenge, text: str) -> str:
    # Python may refuse MD5 "for security" (FIPS). The registrar asks for it nevertheless.
    return hashlib.new(_HASHES[challenge.algorithm], text.encode(), usedforsecurity=False).hexdigest()
