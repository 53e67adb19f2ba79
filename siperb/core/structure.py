"""JSON objects to models: the table of wire names, and exact cattrs hooks.

Left alone, cattrs makes ``'None'`` of null and ``'1'`` of 1 for a `str`, and its tracebacks print values.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from siperb.errors import APIResponseError
from siperb.models import Device

if TYPE_CHECKING:
    from cattrs import BaseConverter

M = TypeVar("M", bound=attrs.AttrsInstance)

WIRE_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "Session": {"user_id": ("UserId",), "session_token": ("SessionToken",)},
    "User": {"user_id": ("UserId", "UserEmailId")},
    "DomainUser": {"user_id": ("UserEmailId", "UserId"), "email": ("UserEmail", "Email")},
    "AccessToken": {"pat_id": ("Id",), "name": ("FriendlyName",), "token": ("PersonalAccessToken",)},
    "Device": {
        "device_token": ("DeviceToken", "ProvisionToken"),
        "platform": ("Platform",),
        "description": ("Description",),
    },
    "Provisioning": {
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
"""Where each attribute of a model is found: of its names the first one with a usable value counts."""


def structure(kind: type[M], document: dict[str, Any], where: str) -> M:
    """The model of a JSON object; raises `APIResponseError` naming the required fields that are missing or no text."""
    wire_names = WIRE_NAMES[kind.__name__]
    fields = {**document, "_raw": document}
    model: M | None = None
    with suppress(KeyError, TypeError):
        model = _structurer(kind)(fields, kind)
    unset = [name for name in _LOOSELY_NAMED.get(kind.__name__, ()) if not getattr(model, name, None)]
    if model and not unset:
        return model
    fields.update(_elsewhere(document, wire_names, unset))
    try:
        return _structurer(kind)(fields, kind)
    except (KeyError, TypeError):
        required = [attribute.name for attribute in attrs.fields(kind) if attribute.default is attrs.NOTHING]
        names = [wire_names[field][0] for field in required]
        missing = [name for name in names if not isinstance(fields.get(name), str)]
    raise APIResponseError(f"{where} has no usable {', '.join(missing)}; try again or ask Siperb support.")


_LOOSELY_NAMED = {
    "Provisioning": tuple(WIRE_NAMES["Provisioning"]),
    "Device": ("device_token",),
    "User": ("user_id",),
    "DomainUser": ("user_id", "email"),
}
"""The fields that are found whatever the case of their names, and under aliases."""


def structure_devices(documents: list[dict[str, Any]], platform: str | None, where: str) -> list[Device]:
    """`structure` for a long list: the devices of one platform, or of every one (None).

    What cattrs and the `__init__` of a frozen class do for each would be most of the time, so the slots are filled.
    """
    (token_name, other_token_name), (platform_name,), (description_name,) = WIRE_NAMES["Device"].values()
    slots = cast(Any, Device)
    set_token, set_platform, set_description, set_raw = (
        slot.__set__ for slot in (slots.device_token, slots.platform, slots.description, slots._raw)
    )
    new = Device.__new__
    devices: list[Device] = []
    for document in documents:
        its_platform = document.get(platform_name)
        if its_platform == platform if platform is not None else isinstance(its_platform, str):
            token = document.get(token_name) or document.get(other_token_name)
            if not isinstance(token, str):
                token = structure(Device, document, where).device_token  # loosely named, or says what is wrong
            device = new(Device)
            set_token(device, token)
            set_platform(device, its_platform)
            set_description(device, _text(document.get(description_name)))
            set_raw(device, document)
            devices.append(device)
    return devices


def _elsewhere(document: dict[str, Any], wire_names: dict[str, tuple[str, ...]], unset: list[str]) -> dict[str, Any]:
    """Usable values for these fields under another spelling or alias of their names."""
    found: dict[str, Any] = {}
    folded = {name.lower(): value for name, value in document.items()}
    for field in unset:
        names = wire_names[field]
        values = (_read(field, source) for name in names for source in (document.get(name), folded.get(name.lower())))
        if (usable := next((value for value in values if value is not None), None)) is not None:
            found[names[0]] = usable
    return found


def _read(field: str, value: object) -> object:
    return _READERS.get(field, _text)(value)


def _text(value: object, _: object = None) -> str | None:
    return value if isinstance(value, str) and value else None


def _port(value: object, _: object = None) -> int | None:
    """A port is a string on the wire (``"443"``), and may be an integer."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    usable = len(text) < 6 and text.isascii() and text.isdigit() and 0 < int(text) < 65536
    return int(text) if usable else None


_READERS: dict[str, Callable[[object], Any]] = {"sip_websocket_port": _port}
"""How an optional field is read, if not as text."""


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

        names = WIRE_NAMES[kind.__name__]
        overrides: dict[str, Any] = {field: override(rename=its_names[0]) for field, its_names in names.items()}
        overrides["_raw"] = override(struct_hook=_as_it_is)
        for attribute in {each.name for each in attrs.fields(kind)} - overrides.keys():
            overrides[attribute] = override(omit=True)
        _STRUCTURERS[kind] = make_dict_structure_fn(kind, _converter(), _cattrs_detailed_validation=False, **overrides)
    return _STRUCTURERS[kind]


@cache
def _converter() -> BaseConverter:
    from cattrs import BaseConverter

    converter = BaseConverter()
    converter.register_structure_hook(str, _exact_str)
    converter.register_structure_hook(str | None, _text)
    converter.register_structure_hook(int | None, _port)
    return converter
