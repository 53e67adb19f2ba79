"""The calls of an administrator: of each what is sent, and how its answer is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import NoneType
from typing import Any, TypeVar, cast
from unicodedata import name as unicode_name
from unicodedata import normalize

from attrs import evolve

from siperb.core.by_path import operation
from siperb.core.operations import Operation
from siperb.core.structure import structure
from siperb.core.wire import is_object
from siperb.errors import APIResponseError, ConfigurationError
from siperb.models import AccessToken, Device, DomainUser, NewAccessToken

T = TypeVar("T")

DOMAIN_USERS = "/Users/{user_id}/DomainUsers"
DEVICES = "/Users/{user_id}/Devices"
SETTINGS = "/Users/{user_id}/Provisioning"
PATS = "/Users/{user_id}/PAT"
LOGS = {"register": "RegisterLog", "latency": "NetworkLatencyLog", "trace": "SipTraceLog", "console": "ConsoleLog"}


def get_domain_users(search: str | None = None) -> Operation[list[DomainUser]]:
    return _list(DOMAIN_USERS, _domain_user, {"search": search})


def create_domain_user(email: str, description: str | None, welcome: bool, mailing_list: bool) -> Operation[DomainUser]:
    body = {"Email": email, "SendWelcomeEmail": welcome, "JoinMailingList": mailing_list}
    body |= {"UserType": "Internal"} | _given(Description=description)
    return operation("POST", DOMAIN_USERS, json=body, understand=lambda answer: _domain_user(answer, UserEmail=email))


def update_domain_user(
    user_id: str, description: str | None, permissions: Mapping[str, bool] | None
) -> Operation[None]:
    body = _given(UserDescription=description) | dict(permissions or {})
    return _write("PUT", DOMAIN_USERS + "/{id}", {"id": user_id}, json=_changes(body))


def delete_domain_user(user_id: str, exit_email: bool) -> Operation[None]:
    return _write("DELETE", DOMAIN_USERS + "/{id}", {"id": user_id}, params={"send_exit_email": exit_email})


def get_every_device() -> Operation[list[Device]]:
    return _list(DEVICES, lambda each: _device(each, Platform=""))


def create_device(description: str, platform: str, registration: Mapping[str, object] | None) -> Operation[Device]:
    body = {"platform": platform, "provision_name": description}
    return operation(
        "POST",
        DEVICES,
        json=body | dict(registration or {}),
        understand=lambda answer: _device(answer, Platform=platform, Description=description),
    )


def update_device(device_token: str, description: str | None, settings: Mapping[str, object] | None) -> Operation[None]:
    body = _given(Description=description, Settings_json=None if settings is None else dict(settings))
    return _write("PUT", DEVICES + "/{device}", {"device": device_token}, json=_changes(body))


def delete_device(device_token: str) -> Operation[None]:
    return _write("DELETE", DEVICES + "/{device}", {"device": device_token})


def get_settings() -> Operation[list[dict[str, Any]]]:
    return _list(SETTINGS, _object)


def update_settings(settings: Mapping[str, object]) -> Operation[None]:
    return _write("PUT", SETTINGS, json=_changes(dict(settings)))


def get_pats() -> Operation[list[AccessToken]]:
    return _list(PATS, _pat)


def create_pat(name: str, days: int) -> Operation[NewAccessToken]:
    if isinstance(days, bool) or not isinstance(cast(object, days), int) or days < 1:
        raise ConfigurationError("The days must be a whole number, 1 at least.")
    body = {"friendlyName": text("name", name), "expirationDays": days}
    return operation("POST", PATS, json=body, understand=_new_pat)


def delete_pat(pat_id: str) -> Operation[None]:
    return _write("DELETE", PATS + "/{pat}", {"pat": pat_id})


def get_log(kind: str, device_token: str, day: date | None, limit: int | None) -> Operation[list[dict[str, Any]]]:
    if kind not in LOGS:
        raise ConfigurationError(f"The kind of log must be one of {', '.join(LOGS)}.")
    if kind == "console" and (day, limit) != (None, None):
        raise ConfigurationError("The console log is always whole: leave out date and limit.")
    if not isinstance(cast(object, day), date | NoneType):
        raise ConfigurationError("The date must be a datetime.date, or None for the last 24 hours.")
    params = {"date": day and day.strftime("%Y-%m-%d"), "limit": limit}
    return _list(f"{DEVICES}/{{device}}/{LOGS[kind]}", _object, params, {"device": device_token})


def _list(
    path: str,
    read: Callable[[Any], T],
    params: Mapping[str, object] | None = None,
    ids: Mapping[str, str] | None = None,
) -> Operation[list[T]]:
    return operation(
        "GET", path, ids, params=params, is_list=True, understand=lambda answer: [read(each) for each in answer]
    )


def _write(method: str, path: str, ids: Mapping[str, str] | None = None, **options: Any) -> Operation[None]:
    """No document says what comes back."""
    return operation(method, path, ids, understand=lambda _: None, **options)


def clean(value: object) -> str:
    """Return a name as it is compared and sent: in NFC, trimmed, with single spaces. "" unless it is a str."""
    return " ".join(normalize("NFC", value).split()) if isinstance(value, str) else ""


def text(name: str, value: object) -> str:
    if cleaned := clean(value):
        return cleaned
    raise ConfigurationError(f"The {name} must be a str that is not empty.")


def address(value: object) -> str:
    """The e-mail address as it is sent. With an invisible character in it, it would be another user's."""
    email = text("email", value)
    if unseen := [letter for letter in email if not letter.isprintable() or re.match(_UNSEEN, letter)]:
        what = f"{unicode_name(unseen[0], 'a control character')} (U+{ord(unseen[0]):04X})"
        raise ConfigurationError(f"The email has an invisible character, {what}: type it without.")
    if not re.fullmatch(r"[^@\s,;:<>]+@[^@\s,;:<>]+", email):
        raise ConfigurationError(
            'The email must be one address as in anna@contact.example, without "mailto:" or a name.'
        )
    return email


_UNSEEN = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]"  # though called printable


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    if body:
        return body
    raise ConfigurationError("There is nothing to change: pass what is to be.")


def _domain_user(answer: Any, **known: str) -> DomainUser:
    return evolve(structure(DomainUser, known | _object(answer), "The domain user"), raw=answer)


def _device(answer: Any, **known: str) -> Device:
    return evolve(structure(Device, known | _object(answer), "The device"), raw=answer)


def _pat(answer: Any) -> AccessToken:
    return structure(AccessToken, _object(answer), "The PAT")


def _new_pat(answer: Any) -> NewAccessToken:
    pat = structure(AccessToken, {"Id": ""} | _object(answer), "The PAT")
    if pat.token is None:
        raise APIResponseError("The API's answer has no PersonalAccessToken: look with get_pats() whether it was made.")
    return NewAccessToken(pat.pat_id, pat.name, token=pat.token, raw=answer)


def _object(answer: Any) -> dict[str, Any]:
    if is_object(answer):
        return answer
    raise APIResponseError("The API's answer is not an object: check the base_url.")
