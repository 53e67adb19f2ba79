"""What the loopback API keeps of a user: devices, connections, settings, logs, and plain documents."""

from __future__ import annotations

from typing import Any

import pytest
from plain_client import FULL, get_document, send

from siperb.testing import SiperbServer

HEADSET = {"platform": "script", "provision_name": "Headset"}
LINE = {"Name": "Line", "Type": "OutboundRegistration"}
NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z


# Devices


def test_each_post_makes_another_device(server: SiperbServer) -> None:
    status, first = send(server, "POST", "/Devices", HEADSET)
    second = send(server, "POST", "/Devices/", HEADSET)[1]
    assert (status, first["Platform"], first["Description"]) == (201, "script", "Headset")
    tokens = {first["DeviceToken"], second["DeviceToken"]}
    documents = [get_document(server, device) for device in server.user.devices if device.token in tokens]
    assert len({document["ContactUserName"] for document in documents}) == 2
    assert [device["Description"] for device in send(server, "GET", "/Devices")[1]][-2:] == ["Headset", "Headset"]


def test_a_device_registers_as_it_was_told(server: SiperbServer) -> None:
    registration = {"RegistrationMode": "WebSocket", "WebSocketServer": "pbx.example", "WebSocketPort": 8089}
    token = send(server, "POST", "/Devices", {**HEADSET, **registration, "WebSocketPath": "/sip"})[1]["DeviceToken"]
    document = send(server, "GET", f"/Devices/{token}{FULL}")[1]["Settings_json"]
    told = {"RegistrationMode": "WebSocket", "SipWssServer": "pbx.example", "SipWebsocketPort": "8089"}
    assert document.items() >= {**told, "SipServerPath": "/sip"}.items()


def test_a_devices_settings_are_merged_and_null_takes_one_away(server: SiperbServer) -> None:
    device = server.user.devices[0]
    path = f"/Devices/{device.token}"
    send(server, "PUT", "/Provisioning", {"RecordAllCalls": True, "profileName": "of the user"})
    send(server, "PUT", path, {"Settings_json": {"profileName": "x" * 2000, "SipDomain": "pbx.example"}})
    status, entry = send(server, "PUT", f"{path}/", {"Description": "Desk", "Settings_json": {"SipDomain": None}})
    assert (status, entry["Description"]) == (200, "Desk")
    document = get_document(server, device)
    assert (document["profileName"], document["RecordAllCalls"]) == ("x" * 1024, True)
    assert document["SipDomain"].startswith("d")
    send(server, "PUT", path, {"Settings_json": {"profileName": None}})
    assert get_document(server, device)["profileName"] == "of the user"
    assert send(server, "PUT", path, {"Settings_json": []})[0] == 400


def test_a_removed_device_is_gone(server: SiperbServer) -> None:
    path = f"/Devices/{server.user.devices[0].token}"
    assert send(server, "DELETE", path) == (204, None)
    assert [send(server, method, path, {})[0] for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]
    assert [request.route for request in server.requests[1:]] == ["provisioning", "device", "device"]


@pytest.mark.parametrize("body", [{}, {"platform": "script"}, {**HEADSET, "platform": "fax"}, [], "text", None])
def test_a_device_needs_a_platform_and_a_name(server: SiperbServer, body: Any) -> None:
    status, answer = send(server, "POST", "/Devices", body)
    assert (status, answer["message"] != "Bad Request") == (400, True)
    assert len(server.user.devices) == 3


# Connections


def test_a_connection_is_replaced_as_a_whole(server: SiperbServer) -> None:
    status, made = send(server, "POST", "/Connections", {**LINE, "Registration": {"Server": "pbx.example"}})
    assert status == 201
    path = f"/Connections/{made['ConnectionId']}"
    assert send(server, "GET", "/Connections/") == (200, [{"ConnectionId": made["ConnectionId"], **LINE}])
    whole = send(server, "GET", path)[1]
    assert (whole["Registration"], whole["DialPattern"]) == ({"Server": "pbx.example"}, ".")
    send(server, "PUT", path, {**whole, "Expiry": {"End": "2026-12-31"}})
    assert send(server, "GET", path)[1] == {**whole, "Expiry": {"End": "2026-12-31"}}
    send(server, "PUT", path, LINE)
    assert send(server, "GET", path)[1] == {"ConnectionId": made["ConnectionId"], **LINE}
    assert send(server, "PUT", path, {"Name": "Line"})[0] == send(server, "POST", "/Connections", {})[0] == 400
    assert send(server, "DELETE", path)[0] == 204
    assert [send(server, method, path, LINE)[0] for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]


# Settings


def test_settings_are_listed_with_type_and_default(server: SiperbServer) -> None:
    def said() -> dict[str, Any]:
        return {setting.pop("Key"): setting for setting in send(server, "GET", "/Provisioning/")[1]}

    recording = {"Type": "boolean", "Label": "Enable call recording", "Default": False}
    assert said()["EnableCallRecording"] == {**recording, "Value": None}
    assert send(server, "PUT", "/Provisioning", {"EnableCallRecording": True, "profileName": "y" * 1025})[0] == 200
    assert said()["EnableCallRecording"] == {**recording, "Value": True}
    assert said()["profileName"]["Value"] == "y" * 1024
    send(server, "PUT", "/Provisioning", {"EnableCallRecording": None})
    assert said()["EnableCallRecording"]["Value"] is None
    assert said()["profileName"]["Type"] == "string"


# Logs


def test_a_log_has_one_day_or_the_last_24_hours() -> None:
    with SiperbServer(now=lambda: NOW) as server:
        path = f"Devices/{server.user.devices[0].token}/RegisterLog"
        days = [{"Ts": f"2026-09-{day}T15:00:00Z", "Event": "insert"} for day in (19, 20)]
        server.add_log(path, *days, {"Event": "update"}, {"Event": "delete"})
        events = {
            query: [entry["Event"] for entry in send(server, "GET", f"/{path}{query}")[1]]
            for query in ("", "?date=2026-09-19", "?date=2026-09-18", "?limit=2")
        }
        assert events == {
            "": ["insert", "update", "delete"],
            "?date=2026-09-19": ["insert"],
            "?date=2026-09-18": [],
            "?limit=2": ["insert", "update"],
        }
        assert send(server, "GET", f"/{path}")[1][-1]["Ts"] == "2026-09-21T14:13:20Z"
        for query in ("?date=today", "?limit=many", "?limit=10000"):
            assert send(server, "GET", f"/{path}{query}")[0] == 400
        assert send(server, "GET", "/Devices/t0/RegisterLog")[0] == 404
        assert send(server, "GET", "/Connections/c0/SipTraceLog")[0] == 404


def test_a_console_log_is_what_the_phone_posts(server: SiperbServer) -> None:
    path = f"/Devices/{server.user.devices[0].token}/ConsoleLog"
    entry = {"Ts": 1_782_205_200_123, "Message": "Registration failed: 403"}
    assert send(server, "POST", path, [entry])[0] == 201
    assert send(server, "GET", path) == (200, [entry])
    assert send(server, "POST", path, {})[0] == 400


def test_logs_of_a_domain_user(server: SiperbServer) -> None:
    anna = server.add_domain_user()
    server.add_log("PAT/AccessLog", {"Ip": "192.0.2.7"}, user=anna)
    entries = send(server, "GET", f"/DomainUsers/{anna.user_id}/PAT/AccessLog")[1]
    assert [entry["Ip"] for entry in entries] == ["192.0.2.7"]
    assert send(server, "GET", "/PAT/AccessLog") == (200, [])


# Anything else


@pytest.mark.parametrize("path", ["/AddressBook", "/Tickets/", "/AddressBook/0/Sources"])
def test_anything_else_is_a_collection_of_documents(server: SiperbServer, path: str) -> None:
    assert send(server, "GET", path) == (200, [])
    status, made = send(server, "POST", path, {"Name": "Ben", "Phone": "701"})
    assert status == 201
    one = f"{path.rstrip('/')}/{made['Id']}"
    assert send(server, "PUT", one, {"Phone": "702"}) == (200, {**made, "Phone": "702"})
    assert send(server, "GET", f"{one}/") == (200, {**made, "Phone": "702"})
    assert send(server, "GET", path) == (200, [{**made, "Phone": "702"}])
    assert send(server, "DELETE", one) == (204, None)
    assert [send(server, method, one, {})[0] for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]


def test_what_is_one_document_is_made_by_a_put(server: SiperbServer) -> None:
    assert send(server, "PUT", "/vCard", {"TitleDesc": "Agent"}) == (200, {"TitleDesc": "Agent"})
    assert send(server, "PUT", "/Voicemail", {"pin": "1234"})[0] == 200
    send(server, "PUT", "/Voicemail", {"Email": "anna@contact.example"})
    assert send(server, "GET", "/Voicemail/") == (200, {"pin": "1234", "Email": "anna@contact.example"})
    assert send(server, "DELETE", "/Voicemail")[0] == 204
    assert send(server, "GET", "/Voicemail") == (200, [])
