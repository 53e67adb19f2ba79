"""What an error says: who failed, where, until when, and what to do next."""

from __future__ import annotations

import json
import logging
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
from facades import Facade, warnings_of
from hostile import Raw, head

from siperb import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AsyncSiperb,
    ConfigurationError,
    Device,
    DomainUser,
    KeyringCache,
    MemoryCache,
    NotFoundError,
    RateLimitError,
    Session,
    Siperb,
    SiperbState,
    User,
)
from siperb.testing import Hold, Status

FACADES = pytest.mark.parametrize("kind", [Siperb, AsyncSiperb])
DEVICE = Device("the-token", "script")


def test_a_404_of_the_login_speaks_of_the_base_url(facade: Facade) -> None:
    client = facade.client(base_url=f"{facade.server.base_url}/v2", max_retries=0)
    with pytest.raises(NotFoundError, match=r"^POST /Login answered 404: there is no API .*; check the base_url\.$"):
        facade.call(client.login)


def test_a_404_of_a_device_speaks_of_the_device(facade: Facade) -> None:
    with pytest.raises(NotFoundError, match="check the device token"):
        facade.call(facade.client(strict=True).get_provisioning, "t0")


def test_https_to_a_plain_port_is_no_tls(facade: Facade) -> None:
    client = facade.client(base_url=facade.server.base_url.replace("http:", "https:"), max_retries=0)
    with pytest.raises(APIConnectionError, match="speaks no TLS; check the port") as caught:
        facade.call(client.login)
    assert "certificate" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "host"), [("http://127.0.0.1:1", "127.0.0.1:1"), ("https://nobody.invalid", "nobody.invalid")]
)
def test_no_connection_names_the_host(facade: Facade, base_url: str, host: str) -> None:
    with pytest.raises(APIConnectionError, match=f"{host} (refused|has no address)"):
        facade.call(facade.client(base_url=base_url, max_retries=0).login)


def test_no_answer_in_time_names_the_host(facade: Facade) -> None:
    facade.server.fail("login", Hold())
    host = facade.server.base_url.removeprefix("http://")
    with pytest.raises(APITimeoutError, match=f"got no answer: the time for {host} was up"):
        facade.call(facade.client(timeout=0.3).login)


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_that_asks_to_wait_says_until_when(facade: Facade, status: int) -> None:
    facade.server.fail("login", Status(status, retry_after=90))
    before = int(time.time())
    with pytest.raises(APIStatusError) as caught:
        facade.call(facade.client().login)
    times = {time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(before + 90 + late)) for late in range(30)}
    assert str(caught.value).partition("not before ")[2].removesuffix(".") in times
    facade.server.fail("login", Status(429, retry_after=0))
    with pytest.raises(RateLimitError, match=r"429: too many requests; wait and try again\.$"):
        facade.call(facade.client(max_retries=0).login)


# Options.


@FACADES
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cache": True}, r"^cache must be an object .* as MemoryCache\(\) is, not bool\.$"),
        ({"cache": MemoryCache}, "not the class MemoryCache"),
        ({"cache": KeyringCache}, "not the class KeyringCache"),
        ({"cache": object()}, "not object"),
        ({"cache": {}}, "load, save, evict, forget.* not dict"),
        ({"state": 1}, "^state must be a SiperbState, not int"),
        ({"state": SiperbState}, "not the class SiperbState"),
        ({"strict": "no"}, "^strict must be a bool, not str"),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused_at_once(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kind("pat", **options)


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda client: client.get_provisioning(DEVICE), r"a str, not Device: pass device\.device_token"),
        (lambda client: client.get_devices(user_id=DomainUser("u"), session_token="s"), r"pass user\.user_id"),
        (lambda client: client.get_devices(user_id=User("u"), session_token="s"), r"pass user\.user_id"),
        (lambda client: client.get_devices(user_id="u", session_token=Session("u", "s")), r"session\.session_token"),
        (lambda client: client.get_provisioning(None), r"device_token must be a str, not NoneType\.$"),
    ],
)  # fmt: skip
def test_a_model_where_its_field_is_wanted(facade: Facade, call: Callable[[Any], Any], advice: str) -> None:
    with pytest.raises(ConfigurationError, match=advice) as caught:
        facade.call(call, facade.client())
    assert "the-token" not in str(caught.value)
    assert facade.server.requests == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_pat_of_the_environment_loses_the_line_break_of_a_mounted_secret(
    facade: Facade, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPERB_PAT", facade.server.pat + end)
    monkeypatch.setenv("SIPERB_BASE_URL", facade.server.base_url)
    assert facade.call(facade.bare_client().login).user_id == facade.server.user.user_id
    monkeypatch.setenv("SIPERB_PAT", f"two{end}lines")
    with pytest.raises(ConfigurationError, match="PAT in SIPERB_PAT is malformed"):
        facade.call(facade.bare_client().login)


# The API's own name for a request.


@pytest.mark.parametrize(
    ("status", "more", "body"),
    [
        (b"404 Not Found", b"X: 1", b"{}"),
        (b"500 Trouble", b"X: 1", b""),
        (b"302 Found", b"Location: /", b""),
        (b"200 OK", b"X: 1", b"<html>"),
        (b"200 OK", b"X: 1", b"{}"),
        (b"200 OK", b"X: 1", b'[{"Platform": "script"}]'),
        (b"200 OK", b"X-Next-Token: 2", b"{}"),
        (b"200 OK", b"Content-Encoding: br", b"[]"),
    ],
)
def test_an_error_carries_the_request_id(facade: Facade, status: bytes, more: bytes, body: bytes) -> None:
    length = b"Content-Length: %d" % len(body)
    answer = head(b"X-Request-Id: req-7f3a", more, length, status=b"HTTP/1.1 " + status) + body
    facade.server.fail("devices", Raw(answer))
    client = facade.client(strict=True, max_retries=0)
    with pytest.raises((APIStatusError, APIResponseError)) as caught:
        facade.call(client.get_devices)
    error = caught.value
    assert error.request_id == "req-7f3a"
    assert pickle.loads(pickle.dumps(error)).request_id == "req-7f3a"
    assert type(error)(*json.loads(json.dumps(error.args))).request_id == "req-7f3a"


@pytest.mark.parametrize("said", ["", "two words", "x" * 129])
def test_a_request_id_that_is_none(facade: Facade, said: str) -> None:
    facade.server.fail("devices", Status(404, headers={"X-Request-Id": said} if said else {}))
    with pytest.raises(NotFoundError) as caught:
        facade.call(facade.client(strict=True).get_devices)
    assert caught.value.request_id is None
    assert APIError("no").request_id is None


# Retries.


def test_a_retry_is_logged_with_its_reason_and_its_wait(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="siperb")
    facade.server.fail("provisioning", Status(503, retry_after=0), times=2)
    token = facade.server.user.devices[0].token
    assert facade.call(facade.client(strict=True).get_provisioning, token)
    told = [record.getMessage() for record in caplog.records if "Trying again" in record.getMessage()]
    where = "GET /Users/{id}/Devices/{device}/"
    assert told == [f"Trying again in 0.0 s: {where} answered 503: the API is in trouble; try again later."] * 2
    assert token not in caplog.text
    assert warnings_of(caplog) == []
