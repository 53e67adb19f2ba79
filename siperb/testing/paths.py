"""The paths of the loopback API, and the name of each: its route.

A route is called by what stands there, in the plural for a list: `devices`, `device`. Reading one device, which is
`get_provisioning`, is `provisioning`. A domain user's paths have the routes of the user's own.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from urllib.parse import unquote

import attrs

Route: TypeAlias = Literal[
    "login",
    "user",
    "billing",
    "domain_users",
    "domain_user",
    "devices",
    "device",
    "provisioning",
    "connections",
    "connection",
    "pats",
    "pat",
    "settings",
    "log",
    "console_log",
    "documents",
    "document",
]


@attrs.frozen
class Target:
    """Whom and what a path is about. `route` is None if the API has no such path.

    `parts` are the names and ids below the user's path, or below that of the `domain_user_id`.
    """

    route: Route | None
    user_id: str = attrs.field(default="", repr=False)
    domain_user_id: str = attrs.field(default="", repr=False)
    parts: tuple[str, ...] = attrs.field(default=(), repr=False)


def find_target(method: str, path: str) -> Target:
    """`path` as it was sent, without the query: in the absolute form too (RFC 9112, 3.2.2), as a proxy is sent it.

    A slash at the end changes nothing; any other part that is empty is no path of the API.
    """
    relative = re.sub(r"^https?://[^/]*", "", path).removesuffix("/")
    match list(map(unquote, relative.split("/"))):
        case ["", "Login"]:
            return Target("login")
        case ["", "Users", *ids] if not all(ids):
            return Target(None)
        case ["", "Users", user_id, "DomainUsers", domain_user_id, *parts] if parts:
            route = None if parts[0] == "DomainUsers" else _route(method, parts)
            return Target(route, user_id, domain_user_id, tuple(parts))
        case ["", "Users", user_id, *parts]:
            return Target(_route(method, parts), user_id, "", tuple(parts))
        case _:
            return Target(None)


def _route(method: str, parts: list[str]) -> Route | None:
    match parts:
        case []:
            return "user"
        case ["Billing"]:
            return "billing"
        case ["DomainUsers"]:
            return "domain_users"
        case ["DomainUsers", _]:
            return "domain_user"
        case ["Devices"]:
            return "devices"
        case ["Devices", _]:
            return "provisioning" if method in ("GET", "HEAD") else "device"
        case ["Connections"]:
            return "connections"
        case ["Connections", _]:
            return "connection"
        case ["Provisioning"]:
            return "settings"
        case ["Devices", _, "ConsoleLog"]:
            return "console_log"
        case ["PAT", "AccessLog"]:
            return "log"
        case ["Devices" | "Connections", _, "RegisterLog" | "NetworkLatencyLog" | "SipTraceLog", *_]:
            return "log"
        case ["PAT"]:
            return "pats"
        case ["PAT", _]:
            return "pat"
        case [name, *_] if name != name.lower():  # all of the API's names have a capital letter: vCard
            return "documents" if len(parts) % 2 else "document"
        case _:
            return None
