"""Both facades: what is refused before anything is sent, whose token is used, sessions, retries, the end."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Callable
from typing import Any

import pytest
from facades import Facade, chain, said, warnings_of

from siperb import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AsyncSiperb,
    AuthenticationError,
    ConfigurationError,
    InternalServerError,
    MemoryCache,
    MissingCredentialsError,
    RateLimitError,
    Siperb,
    SiperbError,
)
from siperb.testing import Delay, Drop, Hold, SiperbServer, Status, Truncate

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


# Sessions.


def test_a_call_logs_in_by_itself_and_remembers(facade: Facade) -> None:
    client = facade.client()
    assert client.session is None
    assert facade.call(client.get_devices)
    assert client.session.user_id == facade.server.user.user_id
    assert facade.call(client.get_provisioning, facade.server.user.devices[0].token)
    assert said(facade.server) == ["login", "devices", "provisioning"]


def test_a_session_that_expired_is_renewed_once(facade: Facade) -> None:
    client = facade.client()
    old = facade.call(client.login)
    facade.server.expire_sessions()
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices", "login", "devices"]
    assert client.session.session_token not in (None, old.session_token)
    assert facade.call(client.get_devices)
    assert len(facade.server.requests) == 5


def test_the_pat_of_the_login_is_the_one_that_logs_in_again(facade: Facade) -> None:
    facade.server.add_user(pat="pat-second")
    client = facade.client()
    facade.call(client.login, "pat-second")
    facade.server.expire_sessions()
    assert facade.call(client.get_devices) == []  # the second user has none
    logins = [request.headers["Authorization"] for request in facade.server.requests if request.route == "login"]
    assert logins == ["Bearer pat-second"] * 2


def test_a_session_that_is_refused_again_is_the_callers(facade: Facade) -> None:
    facade.server.fail("devices", Status(401), times=None)
    client = facade.client(strict=True)
    with pytest.raises(AuthenticationError):
        facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices", "login", "devices"]


def test_a_401_from_login_never_loops(facade: Facade) -> None:
    facade.server.revoke_pat()
    client = facade.client(strict=True)
    for method in client.login, client.get_devices:
        facade.server.clear()
        with pytest.raises(AuthenticationError) as caught:
            facade.call(method)
        assert caught.value.path_template == "/Login"
        assert said(facade.server) == ["login"]


def test_a_pat_that_was_revoked_is_found_out_when_the_session_ends(facade: Facade) -> None:
    client = facade.client(strict=True)
    facade.call(client.login)
    facade.server.revoke_pat()
    assert facade.call(client.get_devices)
    facade.server.expire_sessions()
    with pytest.raises(AuthenticationError) as caught:
        facade.call(client.get_devices)
    assert caught.value.path_template == "/Login"


def test_a_session_that_was_passed_is_never_renewed(facade: Facade) -> None:
    client = facade.client(strict=True)
    with pytest.raises(AuthenticationError) as caught:
        facade.call(client.get_devices, user_id="ann", session_token="gone")
    assert caught.value.path_template == "/Users/{id}/Devices/"
    assert said(facade.server) == ["devices"]
    assert client.session is None


def test_a_session_that_was_passed_leaves_the_clients_own_alone(facade: Facade) -> None:
    other = facade.server.add_user()
    client = facade.client()
    own = facade.call(client.login)
    given = {"user_id": other.user_id, "session_token": other.session_token}
    assert facade.call(client.get_devices, **given) == []
    assert client.session == own


def test_an_automatic_login_that_is_refused_is_the_calls_failure(
    facade: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    facade.server.revoke_pat()
    client = facade.client()
    assert facade.call(client.get_devices) is None
    assert len(warnings_of(caplog)) == 1
    assert warnings_of(caplog)[0].startswith("get_devices returns None: POST /Login answered 401")


# Trying again.


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No jitter is no wait."""
    monkeypatch.setattr("siperb.facade.client._random", lambda: 0.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [Status(503), Status(429), Status(408), Drop(), Status(500, retry_after=0)], ids=repr)
def test_what_a_second_try_may_mend_is_mended(facade: Facade, fault: Any) -> None:
    facade.server.fail("login", fault, times=2)
    assert facade.call(facade.client().login)
    assert said(facade.server) == ["login"] * 3
    assert not facade.server.faults


@pytest.mark.usefixtures("quick")
def test_a_third_failure_is_the_callers(facade: Facade) -> None:
    facade.server.fail("login", Status(503), times=None)
    with pytest.raises(InternalServerError):
        facade.call(facade.client().login)
    assert len(facade.server.requests) == 3


def test_a_long_retry_after_is_raised(facade: Facade) -> None:
    facade.server.fail("login", Status(429, retry_after=3600))
    with pytest.raises(RateLimitError) as caught:
        facade.call(facade.client().login)
    assert caught.value.retry_after == 3600.0
    assert len(facade.server.requests) == 1


def test_a_wait_past_the_deadline_is_not_begun(facade: Facade) -> None:
    facade.server.fail("login", Status(503, retry_after=20))
    with pytest.raises(InternalServerError) as caught:
        facade.call(facade.client(timeout=5).login)
    assert caught.value.retry_after == 20.0


def test_one_deadline_for_all(facade: Facade) -> None:
    facade.server.fail("devices", Delay(30), times=None)
    client = facade.client(timeout=0.3, strict=True)
    with pytest.raises(APITimeoutError) as caught:
        facade.call(client.get_devices)
    assert chain(caught.value) == [caught.value]


def test_no_library_exception_hangs_on_an_error(facade: Facade) -> None:
    for fault in Drop(), Drop("head"), Drop("body"), Drop(reset=True), Truncate():
        facade.server.fail("login", fault)
        with pytest.raises(APIConnectionError) as caught:
            facade.call(facade.client(max_retries=0).login)
        assert all(isinstance(one, SiperbError) for one in chain(caught.value))


def test_the_programs_own_random_numbers_are_left_alone(facade: Facade) -> None:
    random.seed(7)
    state = random.getstate()
    facade.server.fail("login", Drop())
    client = facade.client(cache=MemoryCache())
    facade.call(client.get_devices, enable_cache=True)
    assert random.getstate() == state


def test_records_of_two_processes_with_one_seed_have_two_generations(facade: Facade) -> None:
    generations = set()
    for _ in range(2):
        random.seed(7)
        cache = MemoryCache()
        facade.call(facade.client(cache=cache).get_devices, enable_cache=True)
        generations |= {record.generation for record, _ in cache._records.values()}
    assert len(generations) == 4


# At the same time.


def test_twelve_calls_that_find_the_session_expired_make_one_login(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.login)
    devices = [facade.server.add_device() for _ in range(12)]
    facade.server.expire_sessions()
    facade.server.clear()
    hold = Hold()
    facade.server.fail("provisioning", hold, times=12)

    def release() -> None:
        facade.server.wait_for_requests(12, route="provisioning")
        hold.release()

    calls: list[Callable[[], Any]] = [lambda token=device.token: client.get_provisioning(token) for device in devices]
    results = facade.together(*calls, meanwhile=release)
    assert [result.sip_username is not None for result in results] == [True] * 12
    assert said(facade.server).count("login") == 1
    assert said(facade.server).count("provisioning") == 24


def test_the_same_call_at_the_same_time_is_one_request(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.login)
    facade.server.clear()
    hold = Hold()
    facade.server.fail("devices", hold)

    def release() -> None:
        facade.server.wait_for_requests(1)
        hold.release()

    results = facade.together(*[client.get_devices] * 5, meanwhile=release)
    assert results == [results[0]] * 5
    assert len(results[0]) == 2
    assert len({id(result) for result in results}) == 5, "a list each, that its owner may change"
    # A thread that came late found the first one's flight ended.
    assert len(facade.server.requests) < 5 if not facade.is_async else len(facade.server.requests) == 1


def test_a_failure_is_shared_too_and_each_has_an_error_of_its_own(facade: Facade) -> None:
    client = facade.client(strict=True)
    hold = Hold()
    facade.server.fail("login", hold, Status(403), times=None)

    def release() -> None:
        facade.server.wait_for_requests(1)
        hold.release()

    results = facade.together(*[client.login] * 4, meanwhile=release)
    assert {type(result).__name__ for result in results} == {"PermissionDeniedError"}
    assert {result.status_code for result in results} == {403}
    assert len({id(result) for result in results}) == 4


def test_other_arguments_are_another_call(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.login)
    hold = Hold()
    facade.server.clear()
    facade.server.fail("provisioning", hold, times=2)

    def release() -> None:
        facade.server.wait_for_requests(2)
        hold.release()

    tokens = [facade.server.user.devices[index].token for index in (0, 2)]
    calls: list[Callable[[], Any]] = [lambda token=token: client.get_provisioning(token) for token in tokens]
    one, two = facade.together(*calls, meanwhile=release)
    assert one.sip_username != two.sip_username


# The end.


def test_logout_forgets_the_session(facade: Facade) -> None:
    client = facade.client()
    facade.call(client.get_devices)
    facade.call(client.logout)
    assert (client.session, client.state.session, client.state.DEVICES) == (None, None, None)
    facade.server.clear()
    assert facade.call(client.get_devices)
    assert said(facade.server) == ["login", "devices"]


def test_logout_without_a_login(facade: Facade) -> None:
    facade.call(facade.client(cache=MemoryCache()).logout)
    facade.call(facade.bare_client(cache=MemoryCache()).logout)
    assert facade.server.requests == []


def test_close_twice_and_no_call_after(facade: Facade) -> None:
    client = facade.client(strict=False)
    facade.call(client.get_devices)
    facade.server.clear()
    facade.close(client)
    facade.close(client)
    for method, arguments in (client.login, ()), (client.get_devices, ()), (client.get_provisioning, ("t",)):
        with pytest.raises(ConfigurationError, match="closed"):
            facade.call(method, *arguments)
    assert facade.server.requests == []


def test_close_without_use(facade: Facade) -> None:
    facade.close(facade.client())


def test_a_context_manager_closes(server: SiperbServer) -> None:
    with Siperb(server.pat, base_url=server.base_url) as client:
        assert client.login()
    with pytest.raises(ConfigurationError):
        client.login()
    with pytest.raises(ZeroDivisionError), client:
        _ = 1 / 0


async def test_an_async_context_manager_closes(server: SiperbServer) -> None:
    async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
        assert await client.login()
    with pytest.raises(ConfigurationError):
        await client.login()


def test_an_async_client_outlives_its_event_loop(server: SiperbServer) -> None:
    client = AsyncSiperb(server.pat, base_url=server.base_url)
    assert asyncio.run(client.get_devices())
    assert asyncio.run(client.get_devices())
    assert said(server) == ["login", "devices", "devices"]
    asyncio.run(client.close())


def test_a_client_that_is_left_open_is_told_of(server: SiperbServer) -> None:
    def use_and_forget(kind: Any) -> None:
        client = kind(server.pat, base_url=server.base_url)
        result = client.login()
        if asyncio.iscoroutine(result):
            asyncio.run(result)
        del client, result
        gc.collect()

    for kind in Siperb, AsyncSiperb:
        with pytest.warns(ResourceWarning, match=f"unclosed <{kind.__name__} .*close"):
            use_and_forget(kind)


def test_a_client_that_was_not_used_need_not_be_closed() -> None:
    AsyncSiperb("pat")
    Siperb("pat")
    gc.collect()


# What is said.


def test_a_repr_shows_no_secret(facade: Facade) -> None:
    client = facade.client()
    session = facade.call(client.login)
    for shown in repr(client), str(client):
        assert session.user_id in shown
        assert facade.server.pat not in shown
        assert session.session_token not in shown
    facade.close(client)
    assert "closed" in repr(client)


def test_logs_name_no_secret_and_errors_none(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "siperb")
    client = facade.client(max_retries=0)
    device = facade.server.user.devices[0]
    document = facade.call(client.get_provisioning, device.token)
    facade.server.fail("provisioning", Status(500))
    facade.call(client.get_provisioning, device.token)
    facade.server.stop()
    facade.call(client.get_provisioning, device.token)
    secrets = [
        facade.server.pat,
        client.session.session_token,
        device.token,
        document.sip_password,
        document.sip_jwt,
    ]
    assert len(caplog.records) >= 4
    for record in caplog.records:
        if record.name.startswith("siperb"):
            assert not [secret for secret in secrets if secret in record.getMessage() + repr(record.args)]
    infos = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO and r.name == "siperb"]
    assert infos == [f"Logged in as user {facade.server.user.user_id}", "Got the provisioning of a device"]
