"""The typed calls of an administrator, on both facades, against the loopback API."""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import Any

import pytest
from facades import Facade

from siperb import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    AsyncSiperb,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
)
from siperb.testing import Delay, Fault, Hold, Json, Lost, SiperbServer, Status, User

EMAIL = "anna@contact.example"


def methods(facade: Facade, route: str) -> list[str]:
    return [request.method for request in facade.server.requests if request.route == route]


@pytest.fixture
def anna(facade: Facade) -> User:
    return facade.server.add_domain_user(EMAIL, "Anna")


def test_a_domain_user_is_made_changed_and_removed(facade: Facade) -> None:
    client = facade.client()
    made = facade.call(client.create_domain_user, EMAIL, "Anna")
    assert json.loads(facade.server.requests[-1].body) == {
        "Email": EMAIL,
        "Description": "Anna",
        "SendWelcomeEmail": False,
        "JoinMailingList": False,
        "UserType": "Internal",
    }
    user = facade.server.user.domain_users[made.user_id]
    assert (made.email, made.raw["UserDescription"]) == (EMAIL, "Anna")
    permissions = {"EnableDevices": True}
    assert facade.call(client.update_domain_user, made.user_id, description="Ann", permissions=permissions) is None
    assert user.profile["UserDescription"] == "Ann"
    assert user.profile["EnableDevices"] is True
    assert facade.call(client.delete_domain_user, made.user_id) is None
    assert facade.server.requests[-1].path_qs.endswith("?send_exit_email=no")
    assert not facade.server.user.domain_users


def test_mails_are_sent_when_asked_for(facade: Facade) -> None:
    client = facade.client()
    made = facade.call(client.create_domain_user, EMAIL, send_welcome_email=True, join_mailing_list=True)
    body = json.loads(facade.server.requests[-1].body)
    assert (body["SendWelcomeEmail"], body["JoinMailingList"]) == (True, True)
    facade.call(client.delete_domain_user, made.user_id, send_exit_email=True)
    assert facade.server.requests[-1].path_qs.endswith("?send_exit_email=yes")


def test_a_user_that_exists(facade: Facade, anna: User) -> None:
    client = facade.client()
    with pytest.raises(UnprocessableEntityError) as caught:
        facade.call(client.create_domain_user, EMAIL)
    assert not caught.value.maybe_done
    assert facade.call(client.create_domain_user, EMAIL.upper(), exist_ok=True).user_id == anna.user_id
    assert methods(facade, "domain_users") == ["POST", "GET"]


def test_no_seat_left(facade: Facade) -> None:
    facade.server.seats = 0
    for exist_ok in False, True:
        with pytest.raises(PermissionDeniedError) as caught:
            facade.call(facade.client().create_domain_user, EMAIL, exist_ok=exist_ok)
        assert caught.value.detail == "No available seats: buy another one first"
    assert methods(facade, "domain_users") == ["POST", "GET", "POST"]


@pytest.mark.parametrize("fault", [Lost(), Lost(504), Json({}, 201), Json(None, 200), Status(204, body=b"")], ids=repr)
def test_a_lost_answer_is_looked_for(facade: Facade, fault: Fault) -> None:
    if not isinstance(fault, Lost):
        facade.server.fail("domain_users", Lost(), fault, method="POST")
    else:
        facade.server.fail("domain_users", fault, method="POST")
    made = facade.call(facade.client().create_domain_user, EMAIL, exist_ok=True)
    assert made.email == EMAIL
    assert len(facade.server.user.domain_users) == 1
    assert methods(facade, "domain_users") == ["GET", "POST", "GET"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Lost(), APIConnectionError), (Lost(500), InternalServerError), (Status(500), InternalServerError)],
)
def test_a_lost_answer_is_an_error_else(facade: Facade, fault: Fault, error: type[Exception]) -> None:
    facade.server.fail("devices", fault, method="POST")
    with pytest.raises(error) as caught:
        facade.call(facade.client().create_device, "Headset")
    assert caught.value.maybe_done  # type: ignore[attr-defined]
    assert methods(facade, "devices") == ["POST"]


@pytest.mark.parametrize("look", [Delay(0), Status(403)], ids=repr)
def test_what_was_not_done_raises_what_came_of_it(facade: Facade, look: Fault) -> None:
    facade.server.fail("devices", Status(500), method="POST")
    facade.server.fail("devices", Delay(0), method="GET")
    facade.server.fail("devices", look, method="GET")
    with pytest.raises(InternalServerError) as caught:
        facade.call(facade.client().create_device, "Headset", exist_ok=True)
    assert caught.value.maybe_done
    assert methods(facade, "devices") == ["GET", "POST", "GET"]


def test_time_is_kept_for_the_second_look(facade: Facade) -> None:
    facade.server.fail("devices", Lost(), Hold(), method="POST")
    facade.server.fail("devices", Hold(), method="POST")
    assert facade.call(facade.client(timeout=3).create_device, "Headset", exist_ok=True).description == "Headset"
    facade.server.fail("devices", Hold(), method="POST")
    with pytest.raises(APITimeoutError):
        facade.call(facade.client(timeout=1.5).create_device, "Other", exist_ok=True)


def test_a_create_that_is_cancelled_is_not_sent_again(siperb_server: SiperbServer) -> None:
    server = siperb_server
    server.fail("devices", Hold(), method="POST", times=None)

    async def cancelled() -> None:
        async with AsyncSiperb(server.pat, base_url=server.base_url) as client:
            task = asyncio.create_task(client.create_device("Headset", exist_ok=True))
            await server.requests_arrived(2, route="devices")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    assert [request.method for request in server.requests if request.route == "devices"] == ["GET", "POST"]


def test_a_session_that_expires_in_the_middle(facade: Facade) -> None:
    client = facade.client()
    facade.server.fail("devices", Status(401), method="POST")
    facade.call(client.create_device, "Headset", exist_ok=True)
    assert methods(facade, "devices") == ["GET", "POST", "POST"]
    assert [device.description for device in facade.server.user.devices].count("Headset") == 1


def test_a_device_is_made_changed_and_removed(facade: Facade) -> None:
    client = facade.client(strict=True)
    made = facade.call(client.create_device, "Headset", registration={"RegistrationMode": "WebSocket"})
    assert (made.platform, made.description) == ("script", "Headset")
    provisioning = facade.call(client.get_provisioning, made.device_token)
    assert provisioning.registration_mode == "WebSocket"
    facade.call(client.update_device, made.device_token, settings={"Mine": 1})
    settings = {"EnableCallRecording": True, "Mine": None}
    assert facade.call(client.update_device, made.device_token, description="Desk", settings=settings) is None
    changed = facade.call(client.get_provisioning, made.device_token)
    assert changed.raw["EnableCallRecording"] is True
    assert "Mine" not in changed.raw
    assert facade.call(client.delete_device, made.device_token) is None
    with pytest.raises(NotFoundError):
        facade.call(client.get_provisioning, made.device_token)


def test_a_device_that_is_there(facade: Facade) -> None:
    client = facade.client()
    first = facade.call(client.create_device, "Headset", exist_ok=True)
    assert facade.call(client.create_device, "Headset", exist_ok=True) == first
    other = facade.call(client.create_device, "Headset", platform="ios", exist_ok=True)
    assert other.platform == "ios"
    assert methods(facade, "devices") == ["GET", "POST", "GET", "GET", "POST"]
    facade.call(client.create_device, "Headset")
    with pytest.raises(ConflictError, match="2 of this name"):
        facade.call(client.create_device, "Headset", exist_ok=True)


def test_devices_of_every_platform(facade: Facade) -> None:
    client = facade.client(strict=True)
    everything = facade.call(client.get_devices, platform=None)
    assert [device.device_token for device in everything] == [device.token for device in facade.server.user.devices]
    assert {device.platform for device in everything} > {"script"}
    assert client.state.DEVICES is None
    [ios] = {device.platform for device in facade.call(client.get_devices, platform=everything[-1].platform)}
    assert ios == everything[-1].platform
    with pytest.raises(ConfigurationError):
        facade.call(client.get_devices, platform=5)


def test_settings(facade: Facade, anna: User) -> None:
    view = facade.client().for_user(anna.user_id)
    assert facade.call(view.update_settings, {"EnableCallRecording": True}) is None
    assert anna.settings == {"EnableCallRecording": True}
    assert any(each.get("Value") is True for each in facade.call(view.get_settings))


def test_pats(facade: Facade, anna: User) -> None:
    view = facade.client().for_user(anna.user_id)
    made = facade.call(view.create_pat, "phone", days=1)
    assert made.token not in repr(made)
    session = facade.call(facade.client(made.token).login)
    assert session.user_id == anna.user_id
    [listed] = facade.call(view.get_pats)
    assert (listed.pat_id, listed.name, listed.token) == (made.pat_id, "phone", None)
    assert facade.call(view.delete_pat, made.pat_id) is None
    assert not anna.pats


def test_a_pat_is_not_lost_for_want_of_an_id(facade: Facade) -> None:
    facade.server.fail("pats", Json({"PersonalAccessToken": "pat-1"}, 201))
    assert facade.call(facade.client().create_pat, "ci").token == "pat-1"
    facade.server.fail("pats", Json({"Id": "x"}, 201))
    with pytest.raises(APIResponseError) as caught:
        facade.call(facade.client().create_pat, "ci")
    assert caught.value.maybe_done


def test_logs(facade: Facade) -> None:
    token, client = next(iter(facade.server.user.devices)).token, facade.client()
    for name in "RegisterLog", "NetworkLatencyLog", "SipTraceLog", "ConsoleLog":
        facade.server.add_log(f"Devices/{token}/{name}", {"Message": name})
    for kind, name in (("register", "Register"), ("latency", "NetworkLatency"), ("trace", "SipTrace")):
        [entry] = facade.call(client.get_log, kind, token, limit=5)
        assert entry["Message"] == f"{name}Log"
    assert facade.call(client.get_log, "register", token, date=datetime.date(2020, 1, 2)) == []
    assert facade.server.requests[-1].path_qs.endswith("?date=2020-01-02")
    assert len(facade.call(client.get_log, "console", token)) == 1


MISUSE: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("create_domain_user", ("",), {}),
    ("create_domain_user", (None,), {"exist_ok": True}),
    ("update_domain_user", ("u1",), {}),
    ("update_domain_user", ("..",), {"description": "x"}),
    ("delete_domain_user", ("",), {}),
    ("create_device", (" ",), {}),
    ("create_device", ("x",), {"platform": 5}),
    ("create_device", ("x",), {"registration": {"a": float("nan")}}),
    ("update_device", ("t1",), {}),
    ("delete_device", ("",), {}),
    ("update_settings", ({},), {}),
    ("create_pat", ("ci",), {"days": 0}),
    ("create_pat", ("ci",), {"days": True}),
    ("delete_pat", ("",), {}),
    ("get_log", ("sip", "t1"), {}),
    ("get_log", ("console", "t1"), {"limit": 5}),
    ("get_log", ("register", "t1"), {"date": "2020-01-02"}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), MISUSE)
def test_misuse(facade: Facade, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        facade.call(getattr(facade.client(), name), *arguments, **options)
    assert not facade.server.requests


def test_a_view_changes_no_domain_users(facade: Facade, anna: User) -> None:
    view = facade.client().for_user(anna.user_id)
    for call, arguments in (
        (view.create_domain_user, ("x@y.example",)),
        (view.update_domain_user, (anna.user_id, "x")),
        (view.delete_domain_user, (anna.user_id,)),
    ):
        options = {"description": arguments[1]} if len(arguments) > 1 else {}
        with pytest.raises(ConfigurationError, match="view"):
            facade.call(call, arguments[0], **options)
    assert not facade.server.requests
