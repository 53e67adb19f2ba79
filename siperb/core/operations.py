"""Every operation of the API as one value: what is sent, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Generic, TypeVar, cast

from attrs import define

from siperb.core.wire import (
    MAX_BODY,
    MAX_DOCUMENT,
    Request,
    Response,
    check_token,
    not_a_str,
    parse_devices,
    parse_login,
    parse_provisioning,
    parse_user,
    path_part,
    request_id,
)
from siperb.errors import APIResponseError
from siperb.models import Device, Provisioning, Session, User

T = TypeVar("T")

HOME, SHOWN = "/Users/{user_id}", "/Users/{id}"  # in a path, and in its template
JSON = "application/json"


@define(eq=False, repr=False)
class Operation(Generic[T]):
    """A request without its session, and the meaning of its answer.

    path: quoted, with the query; ``{user_id}`` stands for the session's user.
    path_template: the path without its secrets, as errors and logs show it.
    kept: kind and details of the record that may hold the answer; None when it is not cached.
    published: the field of the state that shows the answer.
    limit: bytes of the answer's body, decoded.
    """

    method: str
    path: str
    path_template: str
    parse: Callable[[Response], T]
    body: bytes = b""
    repeatable: bool = True
    is_list: bool = False
    kept: tuple[str, ...] | None = None
    published: str | None = None
    limit: int = MAX_BODY

    def request(self, session: Session, domain_user: str | None = None, query: str = "") -> Request:
        """The request of this session. domain_user: whose it is, if not the session's user's. query: to be added."""
        path, template = self.path, self.path_template
        if domain_user is not None:
            path = f"{HOME}/DomainUsers/{path_part('domain_user_id', domain_user)}{path.removeprefix(HOME)}"
            template = f"{SHOWN}/DomainUsers/{{id}}{template.removeprefix(SHOWN)}"
        path = path.replace("{user_id}", path_part("user_id", session.user_id))
        headers = {"X-Api-Key": session.session_token, "Content-Type": JSON}  # checked when the session was made
        return Request(self.method, path + query, template, headers, self.body, self.repeatable, self.limit)

    def read(self, response: Response) -> T:
        """The meaning of the answer; an `APIResponseError` says whose answer it was."""
        try:
            return self.parse(response)
        except APIResponseError as error:
            error.of_request(request_id(response.headers))
            error.maybe_done = not self.repeatable
            raise


def login(pat: str) -> Request:
    """``POST /Login``: no trailing slash, an empty body. Repeatable: the session is the same for weeks."""
    headers = {"Authorization": f"Bearer {check_token('PAT', pat)}", "Content-Type": JSON}
    return Request("POST", "/Login", "/Login", headers, limit=MAX_DOCUMENT)


def get_devices(platform: str | None = "script", cache_key: str | None = None) -> Operation[list[Device]]:
    """``GET /Users/{id}/Devices/``: the trailing slash counts. platform None: every one."""
    if not isinstance(cast(object, platform), str | NoneType):
        raise not_a_str("platform", platform)
    return Operation(
        "GET",
        HOME + "/Devices/",
        SHOWN + "/Devices/",
        lambda response: parse_devices(response, platform),
        is_list=True,
        kept=None if cache_key is None else ("devices", cache_key),
        published="devices" if platform == "script" else None,
    )


def get_provisioning(device_token: str, cache_key: str | None = None) -> Operation[Provisioning]:
    """One device, with ``password=yes`` (SIP password and JWT) and ``settings_json=yes`` (the document)."""
    return Operation(
        "GET",
        f"{HOME}/Devices/{path_part('device_token', device_token)}/?password=yes&settings_json=yes",
        SHOWN + "/Devices/{device}/",
        parse_provisioning,
        kept=None if cache_key is None else ("prov", cache_key, device_token),
        published="provisioning",
        limit=MAX_DOCUMENT,
    )


def get_user() -> Operation[User]:
    """``GET /Users/{id}``: the profile, without a trailing slash."""
    return Operation("GET", HOME, SHOWN, parse_user, limit=MAX_DOCUMENT)


def read_login(response: Response) -> Session:
    """The session of a login's answer; an `APIResponseError` says whose answer it was."""
    return Operation("POST", "/Login", "/Login", parse_login).read(response)
