"""The Siperb API as bytes: what is sent for each call, and what its answer means. No I/O, no clock.

Source of the protocol facts: Siperb's JavaScript SDK (Siperb-Provisioning 0.0.14) and its OpenAPI description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard, TypeVar
from urllib.parse import quote

from siperb.core.structure import structure, structure_devices
from siperb.core.values import Value
from siperb.errors import APIResponseError, ConfigurationError, DeviceNotScriptError
from siperb.models import Provisioning, Session

if TYPE_CHECKING:
    from siperb.models import Device, User

T = TypeVar("T")

ANSWERS = frozenset({200, 201, 204})  # no operation says which of them it gives
MAX_BODY = 32 * 2**20  # bytes, decoded, of an answer, all pages of a list together; 100,000 devices fit
MAX_REASON = 16 * 2**10  # bytes, decoded, of the body of a status that says no

TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_TEXT = r"[\x20-\x7e]{1,200}"
_UNRESERVED = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._~-]{1,4096}")
_REQUEST_ID = r"[\x21-\x7e]{1,128}"
_NEVER_IN_A_PATH = r"[\x00-\x1f\x7f\ud800-\udfff]"


class Request(Value):
    """A request without its host.

    path: quoted, with the query; a secret, as it holds the device token. body: JSON. repeatable: sent twice it does no
    more than sent once.
    """

    __slots__ = ("body", "headers", "method", "path", "path_template", "repeatable")

    def __init__(
        self,
        method: str,
        path: str,
        path_template: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        repeatable: bool | None = None,
    ) -> None:
        self.method: str = method
        self.path: str = path
        self.path_template: str = path_template
        self.headers: Mapping[str, str] = headers
        self.body: bytes = body
        self.repeatable: bool = method not in ("POST", "PATCH") if repeatable is None else repeatable


class Response(Value):
    """An answer. headers: names in lower case. body: decoded bytes; of a failure what can be had of it, or nothing."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.status: int = status
        self.body: bytes = body
        self.headers: Mapping[str, str] = {} if headers is None else headers

    def text(self) -> str:
        """The body without a byte order mark; `UnicodeDecodeError` when it is no UTF-8."""
        return self.body.decode().removeprefix("\ufeff")


def request_id(headers: Mapping[str, str]) -> str | None:
    """What the API calls a request; headers: names in lower case, or in any."""
    said = headers.get("x-request-id", "").strip()
    return said if said and re.fullmatch(_REQUEST_ID, said) else None


def read(parse: Callable[[Response], T], response: Response) -> T:
    """What `parse` makes of the answer of a request, which its `APIResponseError` names."""
    try:
        return parse(response)
    except APIResponseError as error:
        error.of_request(request_id(response.headers))
        raise


def build_login(pat: str) -> Request:
    """``POST /Login``: no trailing slash, an empty body. Repeatable: the session is the same for weeks."""
    headers = _headers("Authorization", f"Bearer {check_token('PAT', pat)}")
    return Request("POST", "/Login", "/Login", headers, repeatable=True)


def build_devices(session: Session, domain_user: str | None = None) -> Request:
    """``GET /Users/{id}/Devices/``: the trailing slash counts."""
    path, template = home(session, domain_user)
    return Request("GET", f"{path}/Devices/", f"{template}/Devices/", api_key(session))


def build_provisioning(session: Session, device_token: str, domain_user: str | None = None) -> Request:
    """One device, with ``password=yes`` (SIP password and JWT) and ``settings_json=yes`` (the document)."""
    path, template = home(session, domain_user)
    path = f"{path}/Devices/{path_part('device_token', device_token)}/?password=yes&settings_json=yes"
    return Request("GET", path, f"{template}/Devices/{{device}}/", api_key(session))


def build_user(session: Session, domain_user: str | None = None) -> Request:
    """``GET /Users/{id}``: the profile, without a trailing slash."""
    return Request("GET", *home(session, domain_user), api_key(session))


def home(session: Session, domain_user: str | None) -> tuple[str, str]:
    """The path of the user, or of a user of the user's domain, and its template."""
    path = f"/Users/{path_part('user_id', session.user_id)}"
    if domain_user is None:
        return path, "/Users/{id}"
    return f"{path}/DomainUsers/{path_part('domain_user_id', domain_user)}", "/Users/{id}/DomainUsers/{id}"


def parse_login(response: Response) -> Session:
    """The session; raises `APIResponseError` when the answer holds none that could be sent back."""
    session = structure(Session, _object(response, "login"), "The answer to the login")
    for name, value in ("UserId", session.user_id), ("SessionToken", session.session_token):
        if not TOKEN.fullmatch(value) or value in (".", ".."):
            raise APIResponseError(f"The answer to the login has an unusable {name}; try again or ask Siperb support.")
    return session


def parse_devices(response: Response, platform: str | None = "script") -> list[Device]:
    """The devices whose ``Platform`` is exactly this one (None: any), in the API's order."""
    answer = parse_list(response, "list of devices")
    if set(map(type, answer)) - {dict}:
        _wrong_shape("list of devices", "a list of objects")
    return structure_devices(answer, platform, "The list of devices")


def parse_provisioning(response: Response) -> Provisioning:
    """The ``Settings_json`` document; an empty `Provisioning` where a script device has none."""
    device = _object(response, "device")
    platform: object = device.get("Platform")
    if not isinstance(platform, str):  # nothing about this device: a gateway's error has the status 200 too
        _wrong_shape("device", "an object with a Platform")
    if platform != "script":
        raise DeviceNotScriptError('The device\'s Platform is not "script": choose one that get_devices() lists.')
    document: object = device.get("Settings_json")
    if document is None:
        document = dict[str, Any]()
    if not is_object(document):
        _wrong_shape("device", "an object in Settings_json")
    return structure(Provisioning, document, "The provisioning document")


def parse_user(response: Response) -> User:
    """The profile of the user."""
    from siperb.models import User

    return structure(User, _object(response, "profile"), "The profile")


def parse_list(response: Response, what: str = "list") -> list[Any]:
    answer = parse_json(response, what)
    if not _is_list(answer):
        _wrong_shape(what, "a list")
    return answer


def check_token(name: str, value: object) -> str:
    """The value, when a header can carry it: 1 to 4096 printable ASCII characters, no spaces."""
    if not isinstance(value, str):
        raise not_a_str(name, value)
    if not TOKEN.fullmatch(value):
        raise ConfigurationError(
            f"The {name} is malformed: a token is 1 to 4096 printable ASCII characters without spaces or line breaks; "
            "copy it again."
        )
    return value


def not_a_str(name: str, value: object) -> ConfigurationError:
    kind, advice = type(value).__name__, ""
    if hasattr(value, name):
        advice = f": pass {kind.removeprefix('Domain').lower()}.{name}"
    return ConfigurationError(f"The {name} must be a str, not {kind}{advice}.")


def check_header(name: str, value: object) -> str:
    """The value, when it may stand in a header among others: printable ASCII."""
    if not isinstance(value, str) or not re.fullmatch(_TEXT, value):
        raise ConfigurationError(f"{name} must be a str of 1 to 200 printable ASCII characters.")
    return value


def path_part(name: str, value: object) -> str:
    """The value, quoted, when a path can carry it."""
    if type(value) is str and _UNRESERVED.fullmatch(value):  # as all are that the API hands out
        return value
    if not isinstance(value, str):
        raise not_a_str(name, value)
    # Both HTTP libraries drop an empty part, "." and "..": the request would ask for something else.
    if value in ("", ".", "..") or len(value) > 4096 or re.search(_NEVER_IN_A_PATH, value):
        raise ConfigurationError(f"The {name} is malformed: pass it as the API gave it.")
    return quote(value, safe="")


def api_key(session: Session) -> dict[str, str]:
    return _headers("X-Api-Key", check_token("session_token", session.session_token))


def _headers(name: str, value: str) -> dict[str, str]:
    return {name: value, "Content-Type": "application/json"}


def _object(response: Response, what: str) -> dict[str, Any]:
    answer = parse_json(response, what)
    if not is_object(answer):
        _wrong_shape(what, "an object")
    return answer


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def parse_json(response: Response, what: str) -> Any:
    try:
        return _DECODER.decode(response.text())
    except (ValueError, RecursionError):
        pass
    raise APIResponseError(f"The API's answer, the {what}, is not JSON: check the base_url, a proxy may have answered.")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _wrong_shape(what: str, expected: str) -> NoReturn:
    raise APIResponseError(f"The API's answer, the {what}, is not {expected}: check the base_url.")
