"""What the loopback API answers: the routes, sessions and users, devices and their documents."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from plain_client import FULL, ask, get, get_document, log_in

from siperb.testing import MISSING, SiperbServer


class Clock:
    def __init__(self) -> None:
        self.time = 1_790_000_000.5

    def __call__(self) -> float:
        return self.time


def jwt_claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


# The routes


def test_login_gives_the_session(server: SiperbServer) -> None:
    status, session = log_in(server, server.pat)
    assert status == 200
    assert session["UserId"] == server.user.user_id
    assert session["SessionToken"] == server.user.session_token
    assert set(session) > {"UserId", "SessionToken"}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic {pat}", "{pat}"])
def test_login_refuses_any_other_authorization(server: SiperbServer, authorization: str) -> None:
    headers = {"Authorization": authorization.format(pat=server.pat)}
    assert ask(server, "POST", "/Login", headers)[0] == 401


def test_values_have_the_shape_of_real_ones(server: SiperbServer) -> None:
    user = server.user
    assert re.fullmatch(r"[0-9a-f]{32}", user.user_id)
    assert re.fullmatch(r"[0-9A-Za-z]{62},[0-9a-f]{64}", user.session_token)
    for device in user.devices:
        assert re.fullmatch(r"t[0-9a-f]{64}", device.token)


def test_the_list_has_devices_of_every_platform_in_order(server: SiperbServer) -> None:
    status, devices = get(server, "/Devices/")
    assert status == 200
    assert [(device["Platform"], device["Description"]) for device in devices] == [
        ("script", "Front Desk"),
        ("ios", "A phone"),
        ("script", "Door bell"),
    ]
    assert [device["DeviceToken"] for device in devices] == [device.token for device in server.user.devices]


def test_a_document_says_what_a_real_one_says(server: SiperbServer) -> None:
    document = get_document(server, server.user.devices[0])
    assert document["SipWebsocketPort"] == document["WebSocketPort"] == "443"
    assert document["SipServerPath"] == document["ServerPath"] == "/ws"
    assert document["SipWssServer"] == document["wssServer"]
    assert document["ContactUserName"] == document["SipContact"]
    assert document["profileName"] == document["ProfileUserName"]
    assert document["profileName"].startswith("Front Desk | ")
    assert document["RegistrationMode"] == "Proxy"
    assert document["welcomeScreen"] is None
    assert 2000 <= len(json.dumps(document)) <= 6000


def test_a_jwt_is_dated_by_the_clock_and_names_what_the_document_names() -> None:
    clock = Clock()
    with SiperbServer(now=clock, jwt_lifetime=120) as server:
        document = get_document(server, server.user.devices[0])
        header, claims = jwt_claims(document["SipJwt"])
        clock.time += 60
        later = jwt_claims(get_document(server, server.user.devices[0])["SipJwt"])[1]
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "v1"}
    assert claims == {
        "sub": f"{document['SipUsername']}@{document['SipDomain']}",
        "sip_user": document["SipUsername"],
        "domain": document["SipDomain"],
        "user_id": server.user.user_id,
        "scope": "sip:register sip:invite",
        "iat": 1_790_000_000,
        "exp": 1_790_000_120,
        "aud": document["SipWssServer"],
    }
    assert 800 <= len(document["SipJwt"]) <= 1000
    assert later["exp"] == claims["exp"] + 60


@pytest.mark.parametrize(
    ("query", "settings", "secrets"),
    [
        ("", False, False),
        ("?password=yes", False, False),
        ("?settings_json=yes", True, False),
        ("?password=no&settings_json=yes", True, False),
        (FULL, True, True),
    ],
)
def test_settings_and_secrets_are_said_if_asked_for(
    server: SiperbServer, query: str, settings: bool, secrets: bool
) -> None:
    status, entry = get(server, f"/Devices/{server.user.devices[0].token}/{query}")
    assert status == 200
    assert ("Settings_json" in entry) is settings
    document = entry.get("Settings_json", {})
    assert ("SipPassword" in document, "SipJwt" in document) == (secrets, secrets)


def test_the_profile(server: SiperbServer) -> None:
    status, profile = get(server, "")
    assert status == 200
    assert (profile["UserId"], profile["Name"], profile["Email"]) == (
        server.user.user_id,
        server.user.name,
        server.user.email,
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Users/{user}/Devices", 200),
        ("GET", "/Users/{user}/Devices/{device}", 200),
        ("GET", "/Users/{user}/", 200),
        ("GET", "/Users/{user}/devices/", 404),
        ("GET", "/Users/", 404),
        ("GET", "/Users//Devices/", 404),
        ("POST", "/login", 404),
        ("GET", "/", 404),
        ("GET", "//Users/{user}/Devices/", 404),
        ("GET", "/Users/{user}/Devices//", 404),
        ("GET", "/Users/{user}/Devices/t0/", 404),
        ("GET", "/Login", 405),
        ("PATCH", "/Users/{user}/Devices/", 405),
        ("GET", "/Users/0123/Devices/", 403),
        ("GET", "/Users/%2e/Devices/", 403),
        ("GET", "/Users/{user}/Devices/%74{rest}/", 200),
        ("GET", "http://127.0.0.1:{port}/Users/{user}/Devices/", 200),
        ("GET", "http://127.0.0.1:{port}/Users/{user}/Devices//", 404),
    ],
)
def test_a_path_is_taken_to_the_letter_but_for_its_last_slash(
    server: SiperbServer, method: str, path: str, status: int
) -> None:
    user, device = server.user, server.user.devices[0].token
    path = path.format(user=user.user_id, device=device, rest=device[1:], port=server.port)
    assert ask(server, method, path, {"X-Api-Key": user.session_token})[0] == status


# Sessions and users


def test_a_session_is_handed_out_until_it_expires() -> None:
    clock = Clock()
    with SiperbServer(now=clock, session_lifetime=100) as server:
        first = log_in(server, server.pat)[1]["SessionToken"]
        clock.time += 99
        assert log_in(server, server.pat)[1]["SessionToken"] == first
        assert get(server, "/Devices/")[0] == 200
        clock.time += 1
        assert get(server, "/Devices/")[0] == 401
        assert log_in(server, server.pat)[1]["SessionToken"] != first
        assert get(server, "/Devices/")[0] == 200


def test_expired_sessions_get_401_and_the_next_login_another(server: SiperbServer) -> None:
    old = log_in(server, server.pat)[1]["SessionToken"]
    server.expire_sessions()
    path = f"/Users/{server.user.user_id}/Devices/"
    assert ask(server, "GET", path, {"X-Api-Key": old})[0] == 401
    new = log_in(server, server.pat)[1]["SessionToken"]
    assert new != old
    assert ask(server, "GET", path, {"X-Api-Key": new})[0] == 200


def test_a_revoked_pat_gets_401_while_its_session_stays_good(server: SiperbServer) -> None:
    server.revoke_pat()
    assert log_in(server, server.pat)[0] == 401
    assert get(server, "/Devices/")[0] == 200


def test_a_user_sees_nothing_of_another(server: SiperbServer) -> None:
    other = server.add_user()
    device = server.add_device(other)
    assert log_in(server, other.pat)[1]["UserId"] == other.user_id != server.user.user_id
    key = {"X-Api-Key": server.user.session_token}
    assert ask(server, "GET", f"/Users/{other.user_id}", key)[0] == 403
    assert ask(server, "GET", f"/Users/{other.user_id}/Devices/", key)[0] == 403
    assert ask(server, "GET", f"/Users/{other.user_id}/Devices/{device.token}/", key)[0] == 403
    assert get(server, f"/Devices/{device.token}/")[0] == 404


def test_two_users_have_one_pat_each(server: SiperbServer) -> None:
    with pytest.raises(ValueError, match="another user has this PAT"):
        server.add_user(pat=server.pat)
    with pytest.raises(ValueError, match="at least 1"):
        SiperbServer(users=0)


def test_values_follow_from_the_seed() -> None:
    def values(server: SiperbServer) -> set[str]:
        devices = {device.token for user in server.users for device in user.devices}
        return devices.union(*({user.user_id, user.pat, user.session_token} for user in server.users))

    assert len(values(SiperbServer(users=3))) == 3 * (3 + 3)
    assert values(SiperbServer(users=3)) == values(SiperbServer(users=3))
    assert values(SiperbServer(users=3)).isdisjoint(values(SiperbServer(users=3, seed=1)))


# Devices


def test_a_setting_is_set_under_each_of_its_names_or_under_one(server: SiperbServer) -> None:
    device = server.add_device(
        settings={
            "sip_wss_server": "127.0.0.1",
            "sip_websocket_port": 8443,
            "SipServerPath": "/other",
            "welcomeScreen": "hello",
            "sip_username": "700",
            "sip_domain": MISSING,
        }
    )
    document = get_document(server, device)
    assert document["SipWssServer"] == document["wssServer"] == "127.0.0.1"
    assert document["SipWebsocketPort"] == document["WebSocketPort"] == 8443
    assert (document["SipServerPath"], document["ServerPath"]) == ("/other", "/ws")
    assert document["welcomeScreen"] == "hello"
    assert "SipDomain" not in document
    claims = jwt_claims(document["SipJwt"])[1]
    assert (claims["sip_user"], claims["aud"]) == ("700", "127.0.0.1")
    assert "domain" not in claims


def test_settings_are_laid_over_those_before(server: SiperbServer) -> None:
    device = server.user.devices[0]
    server.set_settings(device, {"sip_domain": "one.example", "sip_username": "700"})
    server.set_settings(device, {"SipDomain": "two.example"})
    document = get_document(server, device)
    assert (document["SipDomain"], document["SipUsername"]) == ("two.example", "700")
    server.set_settings(device, None)
    assert get(server, f"/Devices/{device.token}/{FULL}")[1]["Settings_json"] is None
    server.set_settings(device, MISSING)
    assert "Settings_json" not in get(server, f"/Devices/{device.token}/{FULL}")[1]
    server.set_settings(device, {"sip_username": "701"})
    document = get_document(server, device)
    assert document["SipUsername"] == "701"
    assert document["SipDomain"] != "two.example"


def test_a_device_is_changed_in_its_place_and_removed(server: SiperbServer) -> None:
    first, second, third = server.user.devices
    server.change_device(second, platform="script", description="Back door")
    assert [device["Description"] for device in get(server, "/Devices/")[1]] == ["Front Desk", "Back door", "Door bell"]
    server.remove_device(first)
    assert [device["DeviceToken"] for device in get(server, "/Devices/")[1]] == [second.token, third.token]
    assert get(server, f"/Devices/{first.token}/")[0] == 404
    with pytest.raises(KeyError, match="removed"):
        server.remove_device(first)
    with pytest.raises(KeyError, match="another server"):
        server.remove_device(SiperbServer(seed="other").user.devices[0])


def test_a_hundred_thousand_devices_fit_the_longest_body_and_are_encoded_once(server: SiperbServer) -> None:
    devices = server.add_devices(100_000)
    status, listed = get(server, "/Devices/")
    assert status == 200
    assert len(listed) == 100_003
    assert listed[-1]["DeviceToken"] == devices[-1].token
    body = server.user.devices.to_json()
    assert len(body) < 32 * 1024 * 1024
    assert server.user.devices.to_json() is body
