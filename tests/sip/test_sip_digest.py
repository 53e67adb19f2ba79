"""Digest authentication: the RFCs' own vectors, and challenges of every kind."""

from __future__ import annotations

import hashlib
import re

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from siperb.sip.digest import Challenge, authorize, read_challenges, strongest
from siperb.sip.message import parameters, split

VECTORS = [
    pytest.param(
        Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093"),
        ("Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b"),
        "6629fae49393a05397450978507c4ef1",
        id="RFC 2617, 3.5",
    ),
    pytest.param(
        Challenge("http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
        ("Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
        "8ca523f5e9506fed4657c9700eebdbec",
        id="RFC 7616, 3.9.1, MD5",
    ),
    pytest.param(
        Challenge("http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "SHA-256"),
        ("Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        id="RFC 7616, 3.9.1, SHA-256",
    ),
    pytest.param(
        Challenge("api@example.org", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "SHA-512-256"),
        ("Jäsøn Doe", "Secret, or not?", "GET", "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
        id="RFC 7616, 3.9.2, SHA-512-256, with erratum 4897",
    ),
]


@pytest.mark.parametrize(("challenge", "given", "response"), VECTORS)
def test_the_vectors_of_the_rfcs(challenge: Challenge, given: tuple[str, str, str, str, str], response: str) -> None:
    if challenge.algorithm == "SHA-512-256" and "sha512_256" not in hashlib.algorithms_available:
        assert read_challenges(['Digest realm="r", nonce="n", algorithm=SHA-512-256']) == []
        return
    written = read(authorize(challenge, *given))
    assert written["response"] == response
    assert (written["algorithm"], written["qop"], written["nc"]) == (challenge.algorithm, "auth", "00000001")
    assert (written["cnonce"], written["uri"]) == (given[4], given[3])


def read(authorization: str) -> dict[str, str]:
    return parameters(split(authorization.removeprefix("Digest "), ","))


def test_without_qop_there_is_neither_a_count_nor_a_cnonce() -> None:
    """RFC 2617, 3.2.2.1, as RFC 2069 had it."""
    written = read(authorize(Challenge("r", "n", qop=None), "u", "p", "REGISTER", "sip:r", "unused"))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    assert written["response"] == md5(f"{md5('u:r:p')}:n:{md5('REGISTER:sip:r')}")
    assert not {"cnonce", "nc", "qop"} & written.keys()


def test_the_count_is_eight_hex_digits() -> None:
    assert read(authorize(Challenge("r", "n"), "u", "p", "M", "sip:r", "c", 26))["nc"] == "0000001a"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Digest realm="r", nonce="n"', Challenge("r", "n", qop=None)),
        ('DIGEST REALM="r" ,NONCE = "n",algorithm=sha-256,Qop="auth-int, auth"', Challenge("r", "n", "SHA-256")),
        ('Digest realm="r",nonce="n",algorithm="MD5",qop=auth', Challenge("r", "n")),
        (r'Digest realm="a \"b\", c\\d", nonce="n", qop="auth"', Challenge(r'a "b", c\d', "n")),
        ('Digest realm="Digest a=b, c", nonce="n",qop="auth"', Challenge("Digest a=b, c", "n")),
        ('Digest realm="", nonce="", opaque="", qop="auth"', Challenge("", "", opaque="")),
        (
            'Digest realm="r", nonce="n", qop="auth", stale=TRUE, opaque="o"',
            Challenge("r", "n", opaque="o", stale=True),
        ),
        ('Digest realm="r", realm="other", nonce="n", qop="auth"', Challenge("r", "n")),
    ],
)
def test_a_challenge_is_read(header: str, expected: Challenge) -> None:
    assert read_challenges([header]) == [expected]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Digest",
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r, nonce="n"',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r", nonce="n", algorithm=MD5-sess',
        'Digest realm="r", nonce="n", algorithm=AKAv1-MD5',
        'Digest realm="r\r", nonce="n"',
        'Basic realm="r"',
        "NoOneKnowsThisScheme opaque-data=here",
    ],
)
def test_what_cannot_be_answered_is_no_challenge(header: str) -> None:
    assert read_challenges([header]) == []


@pytest.mark.parametrize("joined", [True, False], ids=["in one header", "in many"])
def test_several_challenges_and_the_strongest(joined: bool) -> None:
    """RFC 8760, 2.4: one header each. RFC 9110, 11.6.1, allows them in one."""
    headers = [
        'Digest realm="r", nonce="1", qop="auth", algorithm=MD5',
        'Basic realm="r"',
        'Digest realm="r", nonce="2", qop="auth", algorithm=SHA-512-512',
        'Digest realm="r", nonce="3", qop="auth", algorithm=SHA-256',
    ]
    challenges = read_challenges([", ".join(headers)] if joined else headers)
    assert [challenge.nonce for challenge in challenges] == ["1", "3"]
    assert strongest(challenges).algorithm == "SHA-256"


def test_a_python_without_sha_512_256_takes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    real = hashlib.new

    def new(name: str, *args: bytes, **options: bool) -> object:
        if name == "sha512_256":
            raise ValueError("unsupported hash type")
        return real(name, *args, **options)

    monkeypatch.setattr(hashlib, "new", new)
    headers = [f'Digest realm="r", nonce="n", algorithm={name}' for name in ("MD5", "SHA-512-256", "SHA-256")]
    assert strongest(read_challenges(headers)).algorithm == "SHA-256"
    assert read_challenges(headers[1:2]) == []


@given(username=st.text(), realm=st.text(), nonce=st.text())
def test_quotes_and_backslashes_read_back(username: str, realm: str, nonce: str) -> None:
    written = read(authorize(Challenge(realm, nonce), username, "p", "M", "sip:r", "c"))
    assert (written["username"], written["realm"], written["nonce"]) == (username, realm, nonce)


@settings(max_examples=examples(100))
@given(st.lists(st.text() | st.from_regex(r'Digest( ?[a-z]+=("[^"]*"?|[a-z]*),?)*', fullmatch=True)))
def test_whatever_comes_is_read_or_passed_over(headers: list[str]) -> None:
    for challenge in read_challenges(headers):
        assert not re.search(r"[\x00-\x1f\x7f]", challenge.realm + challenge.nonce + (challenge.opaque or ""))


def test_a_challenge_shows_no_nonce() -> None:
    assert "n0nce" not in repr(Challenge("r", "n0nce", opaque="n0nce"))
