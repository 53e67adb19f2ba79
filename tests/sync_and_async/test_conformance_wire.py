"""Both facades against the loopback API: each row of the wire notes, and each trap, has its test.

The requests
    login                                  test_login_request
    list devices                           test_devices_request
    one device                             test_provisioning_request
    paths end in a slash just as written   test_devices_request, test_provisioning_request, test_login_request
    asking again for a session is safe     test_a_second_login_gets_the_same_session

What the JavaScript SDK makes of the answers
    200, well formed                       test_login_keeps_the_whole_object, test_only_script_devices_in_order,
                                           test_provisioning_is_the_settings_of_a_script_device
    200, empty or nothing usable           test_login_that_is_none_is_raised, test_devices_that_are_none,
                                           test_provisioning_that_is_none, test_provisioning_without_a_document
    401, 403, 404, 5xx, unreachable        test_a_failure_is_raised_by_login_and_is_none_for_the_others
    caching on, key given                  test_cache_refresh.py, test_cache_owner.py

Global state                               test_state.py

Traps
    the port is a string, or an integer    test_trap_port_is_a_string, test_trap_port_is_an_integer
    the path has a leading slash           test_trap_path_has_a_leading_slash
    one value under two names              test_trap_same_value_under_two_names,
                                           test_trap_contact_user_name_wins_over_sip_contact
    mixed case                             test_trap_mixed_case
    null values                            test_trap_null_values
    the JWT's exp                          test_trap_jwt_exp
    a document of 2 to 6 KB                test_trap_the_document_is_long
    a session token with a comma           test_trap_session_token_with_a_comma
    a user id of 32 hex digits             test_trap_user_id
    a device token in the path             test_trap_device_token_in_the_path
    unknown fields                         test_trap_unknown_fields_survive
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from facades import Facade, chain, said, warnings_of

from siperb import (
    APIConnectionError,
    APIError,
    APIResponseError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    Provisioning,
    ProvisioningError,
    Session,
    SiperbError,
    __version__,
)
from siperb.testing import MISSING, Body, Drop, Fault, Json, RecordedRequest, Status

ADDED_BY_THE_LIBRARY = {"host", "accept", "accept-encoding", "connection", "content-length", "user-agent"}


def headers_of(request: RecordedRequest) -> dict[str, str]:
    """The headers that matter; each came once."""
    names = [name.lower() for name in request.headers]
    assert len(names) == len(set(names))
    return {name: value for name, value in request.headers.items() if name.lower() not in ADDED_BY_THE_LIBRARY}


def with_document(facade: Facade, **settings: object) -> Provisioning:
    """The provisioning of a device with these settings laid over."""
    facade.server.set_settings(facade.server.user.devices[0], settings)
    found = facade.call(facade.client(strict=True).get_provisioning, facade.server.user.devices[0].token)
    assert isinstance(found, Provisioning)
    return found


# The requests.


def test_login_request(facade: Facade) -> None:
    facade.call(facade.client().login)
    (request,) = facade.server.requests
    assert (request.method, request.path_qs, request.body) == ("POST", "/Login", b"")
    assert headers_of(request) == {
        "Authorization": f"Bearer {facade.server.pat}",
        "Content-Type": "application/json",
    }


def test_devices_request(facade: Facade) -> None:
    user = facade.server.user
    facade.call(facade.client().get_devices, user_id=user.user_id, session_token=user.session_token)
    (request,) = facade.server.requests
    assert (request.method, request.path_qs, request.body) == ("GET", f"/Users/{user.user_id}/Devices/", b"")
    assert headers_of(request) == {"X-Api-Key": user.session_token, "Content-Type": "application/json"}


def test_provisioning_request(facade: Facade) -> None:
    user, device = facade.server.user, facade.server.user.devices[0]
    facade.call(facade.client().get_provisioning, device.token, user_id=user.user_id, session_token=user.session_token)
    (request,) = facade.server.requests
    path = f"/Users/{user.user_id}/Devices/{device.token}/?password=yes&settings_json=yes"
    assert (request.method, request.path_qs, request.body) == ("GET", path, b"")
    assert headers_of(request) == {"X-Api-Key": user.session_token, "Content-Type": "application/json"}


def test_every_request_says_who_asks(facade: Facade) -> None:
    client = facade.client(app_info="pbx-sync/2.1")
    facade.call(client.get_devices)
    for request in facade.server.requests:
        agent = request.headers["User-Agent"]
        assert re.fullmatch(rf"siperb-python/{re.escape(__version__)} python/[\d.]+\S* pbx-sync/2\.1", agent)


def test_a_second_login_gets_the_same_session(facade: Facade) -> None:
    client = facade.client()
    assert facade.call(client.login) == facade.call(client.login)
    assert said(facade.server) == ["login", "login"]


# What is made of a good answer.


def test_login_keeps_the_whole_object(facade: Facade) -> None:
    answer = {"Zone": 1, "UserId": "ann", "SessionToken": "t,1", "Plan": None, "deep": {"a": [1, None]}}
    facade.server.fail("login", Json(answer))
    session = facade.call(facade.client().login)
    assert session == Session("ann", "t,1", raw=answer)
    assert list(session.raw) == list(answer)


def test_only_script_devices_in_order(facade: Facade) -> None:
    server = facade.server
    for platform in ("Script", "android", "script", "SCRIPT", "web", "script"):
        server.add_device(platform=platform)
    devices = facade.call(facade.client().get_devices)
    assert [device.device_token for device in devices] == [
        device.token for device in server.user.devices if device.platform == "script"
    ]
    assert [device.description for device in devices[:2]] == ["Front Desk", "Door bell"]
    assert {device.platform for device in devices} == {"script"}


def test_provisioning_is_the_settings_of_a_script_device(facade: Facade) -> None:
    document = with_document(facade, sip_domain="sip.example", sip_password="p1")
    assert document.sip_domain == "sip.example"
    assert document.sip_password == "p1"
    assert document.sip_username == document.raw["SipUsername"]
    assert document.sip_jwt == document.raw["SipJwt"]
    assert document.registration_mode == "Proxy"


# What is made of no good answer.

HTML = Body("<html>Sign in to the hotel's network</html>", "text/html")
NOT_JSON: list[Fault] = [HTML, Body(""), Body("{"), Body("undefined"), Body(b"\xff\xfe\x00"), Body("NaN")]


def named(faults: list[Any]) -> Any:
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: re.sub(r"[^\w=-]+", " ", repr(fault))[:40])


@named(
    [
        *NOT_JSON,
        Json(None),
        Json([]),
        Json({}),
        Json("x"),
        Json({"UserId": "ann"}),
        Json({"UserId": 1, "SessionToken": 2}),
    ]
)
def test_login_that_is_none_is_raised(facade: Facade, fault: Fault) -> None:
    facade.server.fail("login", fault)
    client = facade.client()
    with pytest.raises(APIResponseError) as caught:
        facade.call(client.login)
    assert chain(caught.value) == [caught.value]
    assert client.session is None
    assert client.state.session is None


@named([*NOT_JSON, Json(None), Json({}), Json({"Devices": []}), Json("x")])
def test_devices_that_are_none(facade: Facade, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    facade.server.fail("devices", fault, times=2)
    client, strict = facade.client(), facade.client(strict=True)
    assert facade.call(client.get_devices) is None
    assert len(warnings_of(caplog)) == 1
    assert client.state.DEVICES is None
    with pytest.raises(APIResponseError):
        facade.call(strict.get_devices)


@named([Json([]), Json([{"Platform": "ios"}, {"DeviceToken": "t"}, {}])])
def test_no_script_device_is_an_empty_list(facade: Facade, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    facade.server.fail("devices", fault)
    assert facade.call(facade.client().get_devices) == []
    assert warnings_of(caplog) == []


SETTINGS = {"SipDomain": "sip.example"}


@named(
    [
        *NOT_JSON,
        Json(None),
        Json([]),
        Json({"Settings_json": SETTINGS}),
        Json({"Platform": None, "Settings_json": SETTINGS}),
        Json({"Platform": "ios", "Settings_json": SETTINGS}),
        Json({"Platform": "Script", "Settings_json": SETTINGS}),
    ]
)
def test_provisioning_that_is_none(facade: Facade, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    facade.server.fail("provisioning", fault, times=2)
    token = facade.server.user.devices[0].token
    client, strict = facade.client(), facade.client(strict=True)
    assert facade.call(client.get_provisioning, token) is None
    assert len(warnings_of(caplog)) == 1
    assert client.state.PROVISIONING is None
    with pytest.raises((APIResponseError, ProvisioningError)):
        facade.call(strict.get_provisioning, token)


@pytest.mark.parametrize("settings", [None, MISSING])
def test_provisioning_without_a_document(facade: Facade, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    facade.server.set_settings(facade.server.user.devices[0], settings)
    found = facade.call(facade.client().get_provisioning, facade.server.user.devices[0].token)
    assert found == Provisioning()
    assert dict(found.raw) == {}
    assert warnings_of(caplog) == []


FAILURES = [
    (Status(401), AuthenticationError),
    (Status(403), PermissionDeniedError),
    (Status(404), NotFoundError),
    (Status(500), InternalServerError),
    (Status(503), InternalServerError),
    (Drop(), APIConnectionError),
]


@pytest.mark.parametrize(("fault", "error"), FAILURES, ids=lambda value: getattr(value, "__name__", repr(value)[:12]))
def test_a_failure_is_raised_by_login_and_is_none_for_the_others(
    facade: Facade, fault: Fault, error: type[APIError], caplog: pytest.LogCaptureFixture
) -> None:
    token = facade.server.user.devices[0].token
    for strict in (False, True):
        client = facade.client(max_retries=0, strict=strict)
        facade.call(client.login)
        for route, method, arguments in (
            ("devices", client.get_devices, ()),
            ("provisioning", client.get_provisioning, (token,)),
        ):
            caplog.clear()
            facade.server.fail(route, fault, times=None)  # type: ignore[arg-type]
            if strict:
                with pytest.raises(error):
                    facade.call(method, *arguments)
                assert warnings_of(caplog) == []
            else:
                assert facade.call(method, *arguments) is None
                assert len(warnings_of(caplog)) == 1
            facade.server.clear_faults()
        facade.server.fail("login", fault)
        with pytest.raises(error) as caught:
            facade.call(client.login)
        assert str(caught.value).startswith("POST /Login ")
        assert all(isinstance(one, SiperbError) for one in chain(caught.value))


def test_an_api_that_cannot_be_reached(facade: Facade) -> None:
    facade.server.stop()
    client = facade.client(max_retries=0)
    with pytest.raises(APIConnectionError) as caught:
        facade.call(client.login)
    assert chain(caught.value) == [caught.value]
    assert facade.call(client.get_devices) is None


# The traps.


def test_trap_port_is_a_string(facade: Facade) -> None:
    document = with_document(facade, sip_websocket_port="443")
    assert (document.sip_websocket_port, document.raw["SipWebsocketPort"]) == (443, "443")


def test_trap_port_is_an_integer(facade: Facade) -> None:
    document = with_document(facade, sip_websocket_port=8443)
    assert (document.sip_websocket_port, document.raw["SipWebsocketPort"]) == (8443, 8443)


def test_trap_path_has_a_leading_slash(facade: Facade) -> None:
    """It stays as it came; `siperb.sip` joins it without a second one, which `test_sip` looks at."""
    assert with_document(facade, sip_server_path="/ws").sip_server_path == "/ws"


@pytest.mark.parametrize(
    ("field", "documented", "other"),
    [
        ("sip_wss_server", "SipWssServer", "wssServer"),
        ("sip_server_path", "SipServerPath", "ServerPath"),
        ("profile_name", "profileName", "ProfileUserName"),
        ("sip_websocket_port", "SipWebsocketPort", "WebSocketPort"),
    ],
)
def test_trap_same_value_under_two_names(facade: Facade, field: str, documented: str, other: str) -> None:
    one, two = ("443", "8443") if field == "sip_websocket_port" else ("one", "two")
    kind = int if field == "sip_websocket_port" else str
    assert getattr(with_document(facade, **{documented: one, other: two}), field) == kind(one)
    assert getattr(with_document(facade, **{documented: None}), field) == kind(two)
    assert getattr(with_document(facade, **{documented: MISSING}), field) == kind(two)


def test_trap_contact_user_name_wins_over_sip_contact(facade: Facade) -> None:
    assert with_document(facade, ContactUserName="c1", SipContact="c2").contact_user_name == "c1"
    assert with_document(facade, ContactUserName=MISSING).contact_user_name == "c2"


def test_trap_mixed_case(facade: Facade) -> None:
    document = with_document(facade, SipUsername=MISSING, SIPUsername="u1")
    assert document.sip_username == "u1"
    assert document.raw["SIPUsername"] == "u1"


def test_trap_null_values(facade: Facade) -> None:
    document = with_document(facade, sip_domain=None, sip_password=None, sip_websocket_port=None, welcomeScreen=None)
    assert (document.sip_domain, document.sip_password, document.sip_websocket_port) == (None, None, None)
    assert document.raw["welcomeScreen"] is None
    assert document.raw["SipDomain"] is None


def test_trap_jwt_exp(facade: Facade) -> None:
    issued = time.time()
    document = with_document(facade)
    assert document.jwt_expires_at is not None
    assert issued - 1 <= document.jwt_expires_at.timestamp() - 86400 <= time.time()


def test_trap_the_document_is_long(facade: Facade) -> None:
    text = "x" * 6000
    assert with_document(facade, welcomeScreen=text).raw["welcomeScreen"] == text


def test_trap_session_token_with_a_comma(facade: Facade) -> None:
    client = facade.client()
    session = facade.call(client.login)
    assert "," in session.session_token
    assert facade.call(client.get_devices)
    assert facade.server.requests[-1].headers.getall("X-Api-Key") == [session.session_token]


def test_trap_user_id(facade: Facade) -> None:
    session = facade.call(facade.client().login)
    assert re.fullmatch(r"[0-9a-f]{32}", session.user_id)
    assert session.user_id == facade.server.user.user_id


@pytest.mark.parametrize(
    "token", ["t/../../Login", "t?password=no", "t#x", "t%2F", "t x", "té", "...", "t;v=1", "a:b@c"]
)
def test_trap_device_token_in_the_path(facade: Facade, token: str) -> None:
    facade.server.add_device(token=token)
    found = facade.call(facade.client(strict=True).get_provisioning, token)
    assert found.sip_username
    path = facade.server.requests[-1].path_qs
    assert path.count("/") == 5
    assert path.endswith("/?password=yes&settings_json=yes")
    assert facade.server.requests[-1].route == "provisioning"


def test_trap_device_token_in_the_path_is_a_secret(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0, "siperb")
    client = facade.client(strict=True)
    with pytest.raises(NotFoundError) as caught:
        facade.call(client.get_provisioning, "t-very-secret")
    assert caught.value.path_template == "/Users/{id}/Devices/{device}/"
    assert "t-very-secret" not in caplog.text + str(caught.value) + repr(caught.value)


def test_trap_unknown_fields_survive(facade: Facade) -> None:
    settings = {"zeta": 1, "Alpha": [None, {"deep": "x"}], "umlaut": "ä\u2028", "float": 0.6, "yes": True}
    document = with_document(facade, **settings)
    assert {name: document.raw[name] for name in settings} == settings
    assert [name for name in document.raw if name in settings] == list(settings)


def test_the_samples_are_understood(facade: Facade) -> None:
    """Bodies of the shape of real ones: an account's list, a device's document."""
    sample = json.loads((Path(__file__).parents[1] / "helpers" / "sample_device.json").read_text())
    facade.server.fail("provisioning", Json(sample))
    document = facade.call(facade.client().get_provisioning, sample["DeviceToken"])
    assert dict(document.raw) == sample["Settings_json"]
    assert (document.sip_wss_server, document.sip_websocket_port) == ("ws-eu-west-1.siperb.com", 443)
    assert (document.sip_server_path, document.profile_name) == ("/ws", "Front Desk | 700")
    assert document.jwt_expires_at is not None
    assert document.jwt_expires_at.isoformat() == "2026-09-22T14:13:20+00:00"
