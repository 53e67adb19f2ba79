"""What the loopback API answers to a request: three routes of Siperb and the user's profile, without a socket."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, TypeAlias
from urllib.parse import unquote

import attrs

from siperb.testing.accounts import Accounts, User
from siperb.testing.data import device_body, to_json

Route: TypeAlias = Literal["login", "devices", "provisioning", "user"]


@attrs.frozen
class Answer:
    """A whole HTTP answer: status, headers (`Content-Length` and `Date` are the server's), body."""

    status: int
    body: bytes = attrs.field(repr=False)
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


@attrs.frozen
class Target:
    """Whom a path is about. `route` is None if the API has no such path."""

    route: Route | None
    user_id: str = attrs.field(default="", repr=False)
    device_token: str = attrs.field(default="", repr=False)


def find_target(path: str) -> Target:
    """`path` as it was sent, without the query. A trailing slash counts: the API has `…/Devices/`, but `/Login`."""
    match path.split("/"):
        case ["", "Login"]:
            return Target("login")
        case ["", "Users", user_id]:
            return Target("user", unquote(user_id))
        case ["", "Users", user_id, "Devices", ""]:
            return Target("devices", unquote(user_id))
        case ["", "Users", user_id, "Devices", token, ""]:
            return Target("provisioning", unquote(user_id), unquote(token))
        case ["http:" | "https:", "", _, *rest]:  # the absolute form (RFC 9112, 3.2.2), as a proxy is sent it
            return find_target("/".join(["", *rest]))
        case _:
            return Target(None)


def refuse(status: int, **headers: str) -> Answer:
    return Answer(status, to_json({"message": reason_of(status)}), headers=headers)


def reason_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def answer(accounts: Accounts, method: str, target: Target, query: str, headers: Mapping[str, str]) -> Answer:
    if target.route is None:
        return refuse(404)
    allowed = "POST" if target.route == "login" else "GET"
    if method != allowed:
        return refuse(405, Allow=allowed)
    if target.route == "login":
        return _login(accounts, headers)
    user = accounts.session_user(headers.get("X-Api-Key", ""))
    if user is None:
        return refuse(401)
    if user.user_id != target.user_id:
        return refuse(403)
    if target.route == "user":
        return Answer(200, _profile(user))
    if target.route == "devices":
        return Answer(200, user.devices.to_json())
    return _device(accounts, user, target.device_token, query)


def _login(accounts: Accounts, headers: Mapping[str, str]) -> Answer:
    scheme, _, pat = headers.get("Authorization", "").partition(" ")
    user = accounts.log_in(pat) if scheme.lower() == "bearer" else None
    if user is None:
        return refuse(401)
    session = {
        "UserId": user.user_id,
        "SessionToken": user.session_token,
        "Region": "eu-west-1",
        "Plan": None,
    }
    return Answer(200, to_json(session))


def _device(accounts: Accounts, user: User, token: str, query: str) -> Answer:
    device = user.devices.find(token)
    if device is None:
        return refuse(404)
    asked = query.split("&")
    second, lifetime = int(accounts.now()), int(accounts.jwt_lifetime)
    return Answer(200, device_body(device, "password=yes" in asked, "settings_json=yes" in asked, second, lifetime))


def _profile(user: User) -> bytes:
    return to_json(
        {
            "UserId": user.user_id,
            "Name": user.name,
            "Email": user.email,
            "Locale": "en-GB",
            "Organisation": {"Name": "Example", "Phone": None},
        }
    )
