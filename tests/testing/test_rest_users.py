"""The administrator's part of the loopback API: domain users, seats, acting for one, PATs and their sessions."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from plain_client import log_in, send

from siperb.testing import SiperbServer

EMAIL = "anna@contact.example"


class Clock:
    def __init__(self) -> None:
        self.time = 1_790_000_000.0

    def __call__(self) -> float:
        return self.time


def create(server: SiperbServer, email: str = EMAIL, **fields: Any) -> tuple[int, Any]:
    return send(server, "POST", "/DomainUsers", {"Email": email, **fields})


def test_a_domain_user_is_created_listed_changed_and_removed(server: SiperbServer) -> None:
    status, user = create(server, Description="A" * 200)
    user_id = hashlib.md5(EMAIL.encode()).hexdigest()
    assert (status, user["UserEmailId"], user["UserEmail"]) == (201, user_id, EMAIL)
    assert send(server, "GET", "/DomainUsers") == (200, [user])
    assert user["UserDescription"] == "A" * 128
    path = f"/DomainUsers/{user_id}"
    assert send(server, "PUT", path, {"EnableDevices": True})[0] == 200
    assert send(server, "PUT", path, {"UserDescription": "Anna"})[0] == 200
    assert send(server, "GET", f"{path}/") == (200, {**user, "UserDescription": "Anna", "EnableDevices": True})
    assert send(server, "DELETE", f"{path}?send_exit_email=no") == (204, None)
    assert send(server, "GET", path)[0] == send(server, "DELETE", path)[0] == 404
    assert send(server, "GET", "/DomainUsers") == (200, [])


def test_domain_users_are_searched_by_email_and_description(server: SiperbServer) -> None:
    create(server, Description="Front desk")
    create(server, "ben@contact.example", Description="Sales")
    found = {
        words: [user["UserEmail"] for user in send(server, "GET", f"/DomainUsers?search={words}")[1]]
        for words in ("ANNA", "sales", "contact", "nobody", "front+desk")
    }
    anna, ben = EMAIL, "ben@contact.example"
    assert found == {"ANNA": [anna], "sales": [ben], "contact": [anna, ben], "nobody": [], "front+desk": [anna]}


def test_a_user_that_exists_is_not_created_again(server: SiperbServer) -> None:
    create(server)
    for email in (EMAIL, EMAIL.upper()):
        status, answer = create(server, email)
        assert status == 422
        assert "already exists" in answer["message"]
    assert len(server.user.domain_users) == 1
    with pytest.raises(ValueError, match="another user has this e-mail address"):
        server.add_domain_user(EMAIL)


def test_seats_run_out_and_come_free() -> None:
    with SiperbServer(seats=1) as server:
        assert send(server, "GET", "/Billing")[1]["Subscriptions"][0]["Quantity"] == 1
        anna = create(server)[1]
        status, answer = create(server, "ben@contact.example")
        assert status == 403
        assert "No available seats" in answer["message"]
        assert create(server)[0] == 422
        assert len(send(server, "GET", "")[1]["DomainUsers"]) == 1
        send(server, "DELETE", f"/DomainUsers/{anna['UserEmailId']}")
        assert create(server, "ben@contact.example")[0] == 201


@pytest.mark.parametrize("left", ["Devices", "Connections"])
def test_a_domain_user_goes_last(server: SiperbServer, left: str) -> None:
    path = f"/DomainUsers/{server.add_domain_user().user_id}"
    bodies = {
        "Devices": {"platform": "script", "provision_name": "Headset"},
        "Connections": {"Name": "Line", "Type": "DirectConnection"},
    }
    made = send(server, "POST", f"{path}/{left}", bodies[left])[1]
    status, answer = send(server, "DELETE", path)
    assert status == 422
    assert "devices first" in answer["message"]
    made_id = made.get("DeviceToken") or made.get("ConnectionId")
    assert send(server, "DELETE", f"{path}/{left}/{made_id}")[0] == 204
    assert send(server, "DELETE", path)[0] == 204


def test_an_administrator_acts_for_the_users_of_one_domain(server: SiperbServer) -> None:
    anna, other = server.add_domain_user(EMAIL), server.add_user()
    for method, path, body in (
        ("POST", "/Devices", {"platform": "script", "provision_name": "Headset"}),
        ("POST", "/Connections/", {"Name": "Line", "Type": "DirectConnection"}),
        ("PUT", "/Provisioning", {"RecordAllCalls": True}),
        ("POST", "/AddressBook", {"Name": "Ben"}),
    ):
        assert send(server, method, f"/DomainUsers/{anna.user_id}{path}", body)[0] in (200, 201)
        assert send(server, method, f"/DomainUsers/{anna.user_id}{path}", body, user=other)[0] == 404
        assert send(server, method, f"/DomainUsers/{anna.user_id}{path}", body, user=other, of=server.user)[0] == 403
    assert [device.description for device in anna.devices] == ["Headset"]
    assert [document["Name"] for document in anna.documents.values()] == ["Line", "Ben"]
    assert anna.settings == {"RecordAllCalls": True}
    assert (len(server.user.devices), server.user.documents, server.user.settings) == (3, {}, {})
    assert send(server, "GET", f"/DomainUsers/{anna.user_id}/DomainUsers")[0] == 404
    assert [request.route for request in server.requests[:2]] == ["devices", "devices"]


def test_a_domain_user_logs_in_with_a_pat_until_it_is_revoked(server: SiperbServer) -> None:
    anna = server.add_domain_user(EMAIL)
    path = f"/DomainUsers/{anna.user_id}/PAT"
    status, pat = send(server, "POST", path, {"friendlyName": "web phone", "expirationDays": 1})
    token = pat.pop("PersonalAccessToken")
    assert status == 201
    assert pat["FriendlyName"] == "web phone"
    assert send(server, "GET", path) == (200, [pat])
    status, session = log_in(server, token)
    assert (status, session["UserId"]) == (200, anna.user_id)
    assert send(server, "GET", "/Devices", user=anna) == (200, [])
    assert send(server, "GET", "/DomainUsers", user=anna, of=server.user)[0] == 403
    assert send(server, "DELETE", f"{path}/{pat['Id']}") == (200, {})
    assert send(server, "DELETE", f"{path}/{pat['Id']}")[0] == 404
    assert log_in(server, token)[0] == 401
    assert send(server, "GET", "/Devices", user=anna)[0] == 200
    assert token not in repr((server.users, anna.pats))


def test_a_removed_user_is_logged_out(server: SiperbServer) -> None:
    anna = server.add_domain_user(EMAIL)
    token = server.add_pat(anna).token
    log_in(server, token)
    server.remove_domain_user(anna)
    assert log_in(server, token)[0] == 401
    assert send(server, "GET", "", user=anna)[0] == 401


def test_a_pat_expires() -> None:
    clock = Clock()
    with SiperbServer(now=clock) as server:
        pat = send(server, "POST", "/PAT", {})[1]
        assert (pat["FriendlyName"], pat["CreatedAt"], pat["ExpiresAt"]) == (
            "No Name",
            "2026-09-21T14:13:20Z",
            "2026-12-30T14:13:20Z",
        )
        clock.time += 100 * 24 * 60 * 60 - 1
        assert log_in(server, pat["PersonalAccessToken"])[0] == 200
        clock.time += 1
        assert log_in(server, pat["PersonalAccessToken"])[0] == 401
        assert log_in(server, server.pat)[0] == 200


@pytest.mark.parametrize(
    "fields", [{}, {"Email": ""}, {"Email": 1}, {"Email": "anna"}, {"Email": EMAIL, "Description": 1}]
)
def test_a_domain_user_needs_an_email_address(server: SiperbServer, fields: dict[str, Any]) -> None:
    status, answer = send(server, "POST", "/DomainUsers", fields)
    assert status == 400
    assert ("Description" if len(fields) == 2 else "Email") in answer["message"]


@pytest.mark.parametrize("days", ["1", 0, 1.5, 10**400], ids=["text", "none", "part", "too many"])
def test_a_pat_expires_after_whole_days(server: SiperbServer, days: object) -> None:
    assert send(server, "POST", "/PAT", {"expirationDays": days})[0] == 400
    assert len(server.user.pats) == 1
