"""The Siperb API as bytes: what is sent for each call, and what its answer means. No I/O, no clock.

Source of the protocol facts: Siperb's JavaScript SDK (Siperb-Provisioning 0.0.14) and its OpenAPI description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeGuard
from urllib.parse import quote

from attrs import define, field

from siperb.core.structure import structure, structure_devices
from siperb.errors import APIResponseError, ConfigurationError, DeviceNotScriptError
from siperb.models import Device, Provisioning, Session, User

ANSWERS = frozenset({200, 201, 204})  # no operation says which of them it gives
MAX_BODY = 32 * 2**20  # bytes, decoded, of an answer, all pages of a list together; 100,000 devices fit
MAX_DOCUMENT = 2**20  # bytes, decoded, of a single document
MAX_VALUES = 2_000_000  # in the JSON of an answer: some twenty for each of 100,000 devices
MAX_REASON = 16 * 2**10  # bytes, decoded, of the body of a status that says no

TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_TEXT = r"[\x20-\x7e]{1,200}"
_UNRESERVED = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._~-]{1,4096}")
_REQUEST_ID = r"[\x21-\x7e]{1,128}"
_NEVER_IN_A_PATH = r"[\x00-\x1f\x7f\ud800-\udfff]"


@define(eq=False, repr=False)
class Request:
    """A request without its host.

    path: quoted, with the query; a secret, as it holds the device token. body: JSON. repeatable: sending it twice does
    no more than sending it once. limit: bytes of the answer's body, decoded.
    """

    method: str
    path: str
    path_template: str
    headers: Mapping[str, str]
    body: bytes = b""
    repeatable: bool = True
    limit: int = MAX_BODY


@define(eq=False, repr=False)
class Response:
    """An answer. headers: names in lower case. body: decoded; of a failure as much as could be read."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict[str, str])

    def text(self) -> str:
        """The body without a byte order mark; `UnicodeDecodeError` when it is not UTF-8."""
        return self.body.decode().removeprefix("\ufeff")


def request_id(headers: Mapping[str, str]) -> str | None:
    """What the API calls a request; headers: names in lower case, or in any."""
    said = headers.get("x-request-id", "").strip()
    return said if said and re.fullmatch(_REQUEST_ID, said) else None


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


def check_timeout(timeout: object) -> float:
    """Return the seconds. `ConfigurationError` unless they are more than 0 and less than a day."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < 86400:
        raise ConfigurationError("The timeout must be a number of seconds, more than 0 and less than 86400.")
    return float(timeout)


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
    """What the JSON says. An object of two bytes takes seventy in memory, so their number has a limit of its own."""
    body = response.body
    if len(body) > MAX_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise APIResponseError(
            f"The API's answer, the {what}, has more than {MAX_VALUES:,} values: check the base_url."
        )
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
