"""JSON objects to models: the table of wire names, and exact cattrs hooks.

Left alone, cattrs makes ``'None'`` of null and ``'1'`` of 1 for a `str`, and its tracebacks print values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from siperb.errors import APIResponseError
from siperb.models import Device, Provisioning, Session, User

if TYPE_CHECKING:
    from cattrs import Converter

M = TypeVar("M", Session, Device, Provisioning, User)

WIRE_NAMES: dict[type, dict[str, tuple[str, ...]]] = {
    Session: {"user_id": ("UserId",), "session_token": ("SessionToken",)},
    User: {"user_id": ("UserId",)},
    Device: {"device_token": ("DeviceToken",), "platform": ("Platform",), "description": ("Description",)},
    Provisioning: {
        "sip_username": ("SipUsername",),
        "sip_password": ("SipPassword",),
        "sip_domain": ("SipDomain",),
        "sip_wss_server": ("SipWssServer", "wssServer"),
        "sip_websocket_port": ("SipWebsocketPort", "WebSocketPort"),
        "sip_server_path": ("SipServerPath", "ServerPath"),
        "contact_user_name": ("ContactUserName", "SipContact"),
        "sip_jwt": ("SipJwt",),
        "registration_mode": ("RegistrationMode",),
        "profile_name": ("profileName", "ProfileUserName"),
    },
}
"""Where each attribute is found: of its names the first one with a usable value counts."""


def structure(kind: type[M], document: dict[str, Any], where: str) -> M:
    """The model of a JSON object; raises `APIResponseError` naming the required fields that are missing or no text."""
    from cattrs import ClassValidationError

    names = WIRE_NAMES[kind]
    if kind is Provisioning:
        fields = _usable(document)
    else:
        fields = {field: document[name] for field, (name,) in names.items() if name in document}
    fields["_raw"] = document
    try:
        model: M = _structurer(kind)(fields, kind)
        return model
    except ClassValidationError as error:
        missing = [names[note.name][0] for _, note in error.group_exceptions()[0]]
    raise APIResponseError(f"{where} has no usable {', '.join(missing)}; try again or ask Siperb support.")


(_TOKEN,), (_PLATFORM,), (_DESCRIPTION,) = WIRE_NAMES[Device].values()


def structure_device(document: dict[str, Any], where: str) -> Device:
    """`structure` for lists of 100,000: the calls that cattrs makes for each field would be most of the time."""
    token, platform = document.get(_TOKEN), document.get(_PLATFORM)
    if isinstance(token, str) and isinstance(platform, str):
        return Device(token, platform, _text(document.get(_DESCRIPTION)), raw=document)
    return structure(Device, document, where)


def _usable(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of a provisioning document, whatever the case of their names; unusable values are left out."""
    fields: dict[str, Any] = {}
    folded: dict[str, Any] = {}
    for field, names in WIRE_NAMES[Provisioning].items():
        read = _port if field == "sip_websocket_port" else _text
        usable = read(document.get(names[0]))
        if usable is None:
            folded = folded or {name.lower(): value for name, value in document.items()}
            found = (read(source) for name in names for source in (document.get(name), folded.get(name.lower())))
            usable = next((value for value in found if value is not None), None)
        if usable is not None:
            fields[field] = usable
    return fields


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _port(value: object) -> int | None:
    """A port is a string on the wire (``"443"``), and may be an integer."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    usable = text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536
    return int(text) if usable else None


def _exact_str(value: object, _: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _as_it_is(value: Any, _: object) -> Any:
    return value


_STRUCTURERS: dict[type, Callable[[Any, Any], Any]] = {}


def _structurer(kind: type[M]) -> Callable[[Any, Any], M]:
    if kind not in _STRUCTURERS:
        from cattrs.gen import make_dict_structure_fn, override

        _STRUCTURERS[kind] = make_dict_structure_fn(kind, _converter(), _raw=override(struct_hook=_as_it_is))
    return _STRUCTURERS[kind]


@cache
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter()
    converter.register_structure_hook(str, _exact_str)
    converter.register_structure_hook(str | None, lambda value, _: _text(value))
    converter.register_structure_hook(int | None, lambda value, _: _port(value))
    return converter
