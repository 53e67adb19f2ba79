"""What is refused, in either mode, before anything is sent; and whose token is used."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from facades import Facade, chain, said

from siperb import APIError, AsyncSiperb, ConfigurationError, MemoryCache, MissingCredentialsError, Siperb
from siperb.testing import SiperbServer

# What is refused, in either mode, before anything is sent.

BAD_OPTIONS: list[dict[str, Any]] = [
    {"pat": ""},
    {"pat": "two words"},
    {"pat": "line\nbreak"},
    {"pat": b"bytes"},
    {"pat": 5},
    {"base_url": ""},
    {"base_url": "api.example"},
    {"base_url": "http://api.example"},
    {"base_url": "https://user:pw@api.example"},
    {"base_url": "https://api.example?x=1"},
    {"base_url": "https://api.example#x"},
    {"base_url": 5},
    {"timeout": 0},
    {"timeout": -1},
    {"timeout": float("nan")},
    {"timeout": float("inf")},
    {"timeout": "30"},
    {"timeout": None},
    {"timeout": True},
    {"max_retries": -1},
    {"max_retries": 1.5},
    {"max_retries": None},
    {"max_retries": True},
    {"app_info": "a\r\nX-Evil: 1"},
    {"app_info": ""},
    {"app_info": 5},
]


@pytest.mark.parametrize("options", BAD_OPTIONS, ids=str)
@pytest.mark.parametrize("kind", [Siperb, AsyncSiperb])
def test_an_option_that_cannot_be_used_is_refused(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**options)
    assert chain(caught.value) == [caught.value]
    (value,) = options.values()
    assert not isinstance(value, str) or len(value) < 2 or value not in str(caught.value)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_client_that_was_never_made_ends_in_silence() -> None:
    for kind in (Siperb, AsyncSiperb):
        with pytest.raises(TypeError):
            kind(no_such_option=1)  # type: ignore[call-arg]
        with pytest.raises(ConfigurationError):
            kind(timeout=-1)
    gc.collect()


BAD_CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("login", (5,), {}),
    ("login", ("",), {}),
    ("login", ("two words",), {}),
    ("login", ("cut\0off",), {}),
    ("login", (), {"login_key": None}),
    ("login", (), {"login_key": 5, "enable_cache": True}),
    ("get_devices", (), {"user_id": "ann"}),
    ("get_devices", (), {"session_token": "t"}),
    ("get_devices", (), {"user_id": "", "session_token": "t"}),
    ("get_devices", (), {"user_id": "..", "session_token": "t"}),
    ("get_devices", (), {"user_id": 5, "session_token": "t"}),
    ("get_devices", (), {"user_id": "ann", "session_token": ""}),
    ("get_devices", (), {"user_id": "ann", "session_token": 5}),
    ("get_devices", (), {"user_id": "ann", "session_token": "t\r\nX-Evil: 1"}),
    ("get_devices", (), {"session_key": None}),
    ("get_provisioning", (None,), {}),
    ("get_provisioning", (5,), {}),
    ("get_provisioning", ("",), {}),
    ("get_provisioning", (".",), {}),
    ("get_provisioning", ("..",), {}),
    ("get_provisioning", ("a\0b",), {}),
    ("get_provisioning", ("t",), {"user_id": "ann"}),
    ("get_provisioning", ("t",), {"session_token": "t"}),
    ("get_provisioning", ("t",), {"provisioning_key": 5}),
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("name", "arguments", "options"), BAD_CALLS, ids=str)
def test_misuse_is_refused_in_either_mode(
    facade: Facade, strict: bool, name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    client = facade.client(strict=strict)
    with pytest.raises(ConfigurationError) as caught:
        facade.call(getattr(client, name), *arguments, **options)
    assert chain(caught.value) == [caught.value]
    assert facade.server.requests == []


@pytest.mark.parametrize("strict", [False, True])
def test_no_credentials_anywhere_is_misuse(facade: Facade, strict: bool) -> None:
    client = facade.bare_client(base_url=facade.server.base_url, strict=strict, cache=MemoryCache())
    for method, arguments in (client.login, ()), (client.get_devices, ()), (client.get_provisioning, ("t",)):
        with pytest.raises(MissingCredentialsError):
            facade.call(method, *arguments)
    assert facade.server.requests == []


# Whose token.


def pats_sent(server: SiperbServer) -> list[str]:
    return [request.headers["Authorization"].removeprefix("Bearer ") for request in server.requests]


def test_the_pat_of_the_argument_the_constructor_the_environment_the_keyring(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, cache = facade.server, MemoryCache()
    for pat in ("argument", "constructor", "environment", "keyring"):
        server.add_user(pat=f"pat-{pat}")
    url = server.base_url
    first = facade.client("pat-keyring", cache=cache)
    facade.call(first.login)
    assert facade.call(first.save_pat, "pat-keyring") is True
    server.clear()
    monkeypatch.setenv("SIPERB_PAT", "pat-environment")
    facade.call(facade.client("pat-constructor", cache=cache).login, "pat-argument")
    facade.call(facade.client("pat-constructor", cache=cache).login)
    facade.call(facade.bare_client(base_url=url, cache=cache).login)
    monkeypatch.setenv("SIPERB_PAT", "")  # as good as unset
    facade.call(facade.bare_client(base_url=url, cache=cache).login)
    monkeypatch.delenv("SIPERB_PAT")
    facade.call(facade.bare_client(base_url=url, cache=cache).login)
    assert pats_sent(server) == [
        f"pat-{which}" for which in ("argument", "constructor", "environment", "keyring", "keyring")
    ]


def test_a_malformed_pat_in_the_environment_is_refused_by_name(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPERB_PAT", "cut off")
    client = facade.bare_client(base_url=facade.server.base_url)
    with pytest.raises(ConfigurationError, match="SIPERB_PAT") as caught:
        facade.call(client.login)
    assert "cut off" not in str(caught.value)
    user = facade.server.user
    assert facade.call(client.get_devices, user_id=user.user_id, session_token=user.session_token)


def test_a_pat_is_saved_for_one_origin(facade: Facade, other_server: SiperbServer) -> None:
    cache = MemoryCache()
    client = facade.client(cache=cache)
    facade.call(client.login)
    facade.call(client.save_pat, facade.server.pat)
    elsewhere = facade.bare_client(base_url=other_server.base_url, cache=cache)
    with pytest.raises(MissingCredentialsError):
        facade.call(elsewhere.login)
    assert other_server.requests == []


def test_only_a_pat_that_the_api_took_is_saved(facade: Facade) -> None:
    cache = MemoryCache()
    client = facade.client(cache=cache)
    with pytest.raises(ConfigurationError):
        facade.call(client.save_pat, facade.server.pat)
    facade.call(client.login)
    with pytest.raises(ConfigurationError):
        facade.call(client.save_pat, "two words")
    assert repr(cache) == repr(MemoryCache())


def test_the_address_comes_from_the_environment_when_it_is_used(
    facade: Facade, other_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = facade.client(base_url=None)
    monkeypatch.setenv("SIPERB_BASE_URL", facade.server.base_url + "/")
    facade.call(client.login)
    assert said(facade.server) == ["login"]
    monkeypatch.setenv("SIPERB_BASE_URL", "http://api.example")
    with pytest.raises(ConfigurationError):
        facade.call(client.login)
    monkeypatch.setenv("SIPERB_BASE_URL", other_server.base_url)
    pinned = facade.client()
    facade.call(pinned.login)
    assert (len(facade.server.requests), len(other_server.requests)) == (2, 0)


def test_a_session_never_reaches_another_origin(
    facade: Facade, other_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = facade.client(base_url=None)
    monkeypatch.setenv("SIPERB_BASE_URL", facade.server.base_url)
    session = facade.call(client.login)
    monkeypatch.setenv("SIPERB_BASE_URL", other_server.base_url)
    assert facade.call(client.get_devices) is None  # logs in over there, which does not know this PAT
    assert said(other_server) == ["login"]
    assert session.session_token not in str([request.headers for request in other_server.requests])
    monkeypatch.setenv("SIPERB_BASE_URL", facade.server.base_url)
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices"]


def test_the_pat_of_an_argument_never_reaches_another_origin(
    facade: Facade, other_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = facade.bare_client(cache=MemoryCache())
    monkeypatch.setenv("SIPERB_BASE_URL", facade.server.base_url)
    facade.call(client.login, facade.server.pat)
    monkeypatch.setenv("SIPERB_BASE_URL", other_server.base_url)
    with pytest.raises(MissingCredentialsError):
        facade.call(client.get_devices)
    assert other_server.requests == []


def test_a_base_url_may_have_a_path(facade: Facade) -> None:
    client = facade.client(base_url=facade.server.base_url + "/prefix/")
    with pytest.raises(APIError):
        facade.call(client.login)
    assert facade.server.requests[0].path_qs == "/prefix/Login"
