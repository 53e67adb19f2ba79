"""A distinctive value for every kind of secret, and a search for it in all that a program may print, log or pickle.

In logs every logger counts, at DEBUG: `urllib3` writes down each path, and a path holds the device token.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import pickle
import reprlib
import traceback
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any

import attrs
import pytest
from facades import Facade, chain
from hostile import Proxy, Raw, head

from siperb import MemoryCache, SiperbError
from siperb.testing import (
    Body,
    Delay,
    Drip,
    Drop,
    Endless,
    Fault,
    GzipBomb,
    Hold,
    Json,
    Redirect,
    SiperbServer,
    Status,
    Truncate,
)

SECRETS = {
    "pat": "pat-canary-0123456789abcdef",
    "device token": "t0canary0device0token",
    "sip password": "canary-sip-password",
    "jwt": "canaryheader.canarypayload.canarysignature",
}

FAULTS: dict[str, tuple[Fault, ...]] = {
    **{str(status): (Status(status),) for status in (204, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503)},
    "503 with a date": (Status(503, retry_after="Thu, 01 Jan 1970 00:00:00 GMT"),),
    "html": (Body("<html>", "text/html"),),
    "gzip that is none": (Body(encoding="gzip"),),
    "secrets in the wrong places": (Json([{"Platform": "script", "DeviceToken": 1, **SECRETS}]),),
    "secrets of the wrong type": (Json({"UserId": [SECRETS["pat"]], "SessionToken": {"a": SECRETS["jwt"]}}),),
    "secrets that cannot be sent": (Json({"UserId": "x", "SessionToken": SECRETS["pat"] + "\n"}),),
    "secrets in another platform's device": (Json({"Platform": "ios", "Settings_json": SECRETS}),),
    "secrets in settings that are none": (Json({"Platform": "script", "Settings_json": list(SECRETS.values())}),),
    "secrets in no JSON": (Body("{" + repr(SECRETS)),),
    "secrets in an error": (Status(400, body=repr(SECRETS).encode()),),
    "secrets in the reason": (Raw(b"HTTP/1.1 400 " + SECRETS["pat"].encode() + b"\r\nContent-Length: 0\r\n\r\n"),),
    "secrets in no HTTP": (Raw(SECRETS["pat"].encode() + b"\r\n\r\n"),),
    "a secret in Retry-After": (Status(503, retry_after=SECRETS["jwt"]),),
    "a redirect with secrets": (Redirect("http://127.0.0.1:9/" + SECRETS["device token"]),),
    "headers that are none": (Raw(head(b"no colon", b" folded") + b"<body>"),),
    "a length and chunks": (Raw(head(b"Content-Length: 9", b"Transfer-Encoding: chunked") + b"2\r\n[]\r\n0\r\n\r\n"),),
    "two lengths": (Raw(head(b"Content-Length: 2", b"Content-Length: 3") + b"[] "),),
    "dropped": (Drop(),),
    "reset": (Drop(reset=True),),
    "cut in the head": (Drop("head"),),
    "cut in the body": (Drop("body"),),
    "half": (Truncate(),),
    "silence": (Hold(),),
    "late": (Delay(30),),
    "a dripping head": (Drip("head", 1),),
    "a dripping body": (Drip("body", 1),),
    "endless": (Endless(),),
    "a bomb": (GzipBomb(40 * 2**20),),
}
SCRUBBED = {"password", "secret", "auth", "credentials", "token", "session", "authorization"}
"""Local variables that an error tracker sends no value of; of all others it does."""

SLOW = {"silence", "late", "a dripping head", "a dripping body"}


def is_public(frame: FrameType) -> bool:
    """Whether it is that of a method which a program calls: its arguments are the program's own."""
    return frame.f_code.co_name == "__init__" or not frame.f_code.co_name.startswith("_")


class Witness(logging.Handler):
    """Hears all that is said, and finds a secret in it."""

    def __init__(self, capfd: pytest.CaptureFixture[str], server: SiperbServer) -> None:
        super().__init__(logging.DEBUG)
        self._capfd, self._server = capfd, server
        self._heard: list[str] = []
        self.loggers: set[str] = set()
        self.secrets = dict(SECRETS)

    def emit(self, record: logging.LogRecord) -> None:
        self.loggers.add(record.name)
        self._heard += [logging.Formatter("%(name)s %(message)s").format(record), repr(record.args)]

    def hear(self, *things: object) -> None:
        self._heard += [text for thing in things for text in (repr(thing), str(thing))]

    def hear_error(self, error: BaseException) -> None:
        """Its texts, its traceback with all variables, the same of all that hangs on it; and its pickle."""
        for one in chain(error):
            assert isinstance(one, SiperbError), f"{type(one)} hangs on {error!r}"
            self.hear(one, vars(one), *traceback.format_exception(one), repr(pickle.dumps(one)))
            for frame, _ in traceback.walk_tb(one.__traceback__):
                if not frame.f_globals["__name__"].startswith(("test_", "facades", "_pytest")):
                    own = inspect.getargs(frame.f_code).args if is_public(frame) else []
                    self.hear({name: value for name, value in frame.f_locals.items() if name not in {*SCRUBBED, *own}})
            again = pickle.loads(pickle.dumps(one))
            assert (type(again), str(again), vars(again)) == (type(one), str(one), vars(one))

    def assert_nothing_leaked(self) -> None:
        self._heard += self._capfd.readouterr()
        self.secrets["session token"] = self._server.user.session_token
        assert self._heard
        for name, secret in self.secrets.items():
            where = [text for text in self._heard if secret in text]
            assert not where, f"a {name} was heard in: {where[0]}"


@pytest.fixture
def witness(
    facade: Facade,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Witness]:
    # In Python 3.10 the repr of a connecting socket's handle goes round until the stack is full: whatever is finalized
    # meanwhile fails, and fails the test.
    monkeypatch.setattr(asyncio.Handle, "__repr__", reprlib.recursive_repr()(asyncio.Handle.__repr__))
    server = facade.server
    user = server.add_user(pat=SECRETS["pat"])
    server.users.insert(0, server.users.pop())
    assert server.user is user
    settings = {"sip_password": SECRETS["sip password"], "sip_jwt": SECRETS["jwt"]}
    server.add_device(user, token=SECRETS["device token"], settings=settings)
    facade.loop.set_debug(True)
    facade.loop.slow_callback_duration = 0.0  # every step is logged
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        witness = Witness(capfd, server)
        logging.getLogger().addHandler(witness)
        for name in ("siperb", "urllib3", "aiohttp", "asyncio", "requests"):
            caplog.set_level(logging.DEBUG, name)
        yield witness
        logging.getLogger().removeHandler(witness)
        witness.hear(*(warning.message for warning in heard))
        witness.assert_nothing_leaked()


def use(facade: Facade, client: Any, witness: Witness) -> None:
    """Everything a program does, and everything it may print of it."""
    for call, arguments in (
        (client.login, ()),
        (client.get_devices, ()),
        (client.get_provisioning, (SECRETS["device token"],)),
        (client.get_user, ()),
    ):
        try:
            result = facade.call(call, *arguments)
        except SiperbError as error:
            witness.hear_error(error)
        else:
            witness.hear(result, client, client.session, client.state)


def test_success_says_nothing(facade: Facade, witness: Witness) -> None:
    client = facade.client(cache=MemoryCache())
    use(facade, client, witness)
    assert {"siperb", "asyncio" if facade.is_async else "urllib3.connectionpool"} <= witness.loggers
    provisioning = facade.call(client.get_provisioning, SECRETS["device token"], enable_cache=True)
    assert (provisioning.sip_password, provisioning.sip_jwt) == (SECRETS["sip password"], SECRETS["jwt"])
    facade.call(client.get_provisioning, SECRETS["device token"], enable_cache=True)
    facade.close(client)
    witness.hear(client, attrs.evolve(provisioning))
    facade.call(facade.client(cache=MemoryCache()).logout)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("route", ["login", "provisioning"])
def test_failure_says_nothing(
    facade: Facade, witness: Witness, route: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siperb.client.steps.random_number", lambda: 0.0)  # no wait between tries
    timeout = 0.15 if name in SLOW else 10
    facade.server.fail(route, *FAULTS[name], times=None)
    use(facade, facade.client(strict=True, timeout=timeout, max_retries=0 if name in SLOW else 1), witness)
    if name not in SLOW:
        use(facade, facade.client(), witness)
    assert facade.server.requests


def test_an_unreachable_api_says_nothing(facade: Facade, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"user_id": facade.server.user.user_id, "session_token": facade.server.user.session_token}
    with Proxy(refusal=b"HTTP/1.1 407 X\r\n\r\n") as proxy:
        for base_url, address in (
            ("http://127.0.0.1:9", ""),
            ("https://127.0.0.1:9", ""),
            (facade.server.base_url.replace("http", "https"), ""),
            ("https://api.siperb.invalid", ""),
            ("https://api.siperb.example", f"http://ann:{SECRETS['sip password']}@{proxy.address}"),
            ("https://api.siperb.example", f"http://ann:{SECRETS['sip password']}@127.0.0.1:9"),
            ("https://api.siperb.example", f"socks5://ann:{SECRETS['sip password']}@127.0.0.1:9"),
        ):
            monkeypatch.setenv("HTTPS_PROXY", address)
            client = facade.client(base_url=base_url, max_retries=0, strict=True)
            use(facade, client, witness)
            with pytest.raises(SiperbError) as caught:
                facade.call(client.get_provisioning, SECRETS["device token"], **own)
            witness.hear_error(caught.value)


def test_misuse_says_nothing(facade: Facade, witness: Witness) -> None:
    client = facade.client(strict=True)
    bad = SECRETS["pat"] + "\n"
    for misuse in (
        lambda: facade.client(bad),
        lambda: facade.client(base_url=f"https://ann:{SECRETS['sip password']}@h"),
        lambda: facade.client(app_info=bad),
        lambda: facade.call(client.login, bad),
        lambda: facade.call(client.get_devices, user_id=bad, session_token="s"),
        lambda: facade.call(client.get_devices, user_id="u", session_token=bad),
        lambda: facade.call(client.get_devices, session_token=SECRETS["pat"]),
        lambda: facade.call(client.get_provisioning, SECRETS["device token"] + "\0"),
    ):
        with pytest.raises(SiperbError) as caught:
            misuse()
        witness.hear_error(caught.value)


def test_a_client_left_open_says_nothing(facade: Facade, witness: Witness) -> None:
    client = type(facade.client())(facade.server.pat, base_url=facade.server.base_url, state=None)
    use(facade, client, witness)
    del client
    gc.collect()


def test_the_witness_hears(facade: Facade, witness: Witness) -> None:
    """What is said is found: else the tests above would prove nothing."""
    secret = witness.secrets["pat"]
    for say in (
        lambda: witness.hear([secret]),
        lambda: witness.hear_error(SiperbError(secret)),
        lambda: logging.getLogger("urllib3.connectionpool").debug("GET %s", secret),
        lambda: print(secret),
    ):
        say()
        with pytest.raises(AssertionError, match="a pat was heard"):
            witness.assert_nothing_leaked()
        witness._heard.clear()
    witness.hear("all is well")
