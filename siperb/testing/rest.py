"""What stands at the paths of the loopback API: which methods each route has, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from siperb.testing import documents
from siperb.testing.answers import DONE, Answer, Refused, found, say
from siperb.testing.call import Call, listed
from siperb.testing.data import Device, device_body, iso, list_entry, wire_settings
from siperb.testing.paths import Route
from siperb.testing.users import Pat, User, user_id_of

Handler: TypeAlias = Callable[[Call], Answer]

MOST_DAYS: Final = 36_500
PLATFORMS: Final = ("ios", "android", "webpage", "electron", "script")
# What a device is created or changed with, and the names of `siperb.Provisioning` that it sets.
REGISTRATION: Final[Mapping[str, str]] = {
    "RegistrationMode": "registration_mode",
    "WebSocketServer": "sip_wss_server",
    "WebSocketPort": "sip_websocket_port",
    "WebSocketPath": "sip_server_path",
    "SipDomain": "sip_domain",
    "SipUsername": "sip_username",
    "SipPassword": "sip_password",
}


# The user, and the users of the user's domain


def read_profile(call: Call) -> Answer:
    user = call.user
    profile = {
        "UserId": user.user_id,
        "Name": user.name,
        "Email": user.email,
        "Locale": "en-GB",
        "Organisation": {"Name": "Example", "Phone": None},
        "DomainUsers": [_entry(each) for each in user.domain_users.values()],
    }
    return say(profile | user.profile)


def change_profile(call: Call) -> Answer:
    call.user.profile.update(call.fields)
    return read_profile(call)


def read_billing(call: Call) -> Answer:
    """Without `SiperbServer(seats=…)` there is no subscription, and no limit."""
    seats = call.accounts.seats
    return say({"Subscriptions": [] if seats is None else [{"Name": "Domain User", "Quantity": seats}]})


def list_domain_users(call: Call) -> Answer:
    words = call.asked("search").casefold()
    users = call.user.domain_users.values()
    return listed(call, [user for user in users if words in f"{user.email}\n{_description(user)}".casefold()], _entry)


def create_domain_user(call: Call) -> Answer:
    email, accounts = call.text("Email"), call.accounts
    if "@" not in email:
        raise Refused(400, "Email must be an e-mail address")
    if accounts.find_user(user_id_of(email)):
        raise Refused(422, "A user with this e-mail address already exists")
    if accounts.seats is not None and len(call.user.domain_users) >= accounts.seats:
        raise Refused(403, "No available seats: buy another one first")
    description = call.text("Description", "")
    return say(_entry(accounts.add_domain_user(email, description, owner=call.user)), 201)


def read_domain_user(call: Call) -> Answer:
    user = _domain_user(call)
    return say(user.profile | _entry(user))


def change_domain_user(call: Call) -> Answer:
    _domain_user(call).profile.update(call.fields)
    return read_domain_user(call)


def delete_domain_user(call: Call) -> Answer:
    user = _domain_user(call)
    if user.devices or any(path[0] == "Connections" for path in user.documents):
        raise Refused(422, "Remove this user's connections and devices first")
    call.accounts.remove_domain_user(user)
    return DONE


def _domain_user(call: Call) -> User:
    return found(call.user.domain_users.get(call.parts[1]))


def _entry(user: User) -> dict[str, Any]:
    said = {"UserEmailId": user.user_id, "UserId": user.user_id, "UserEmail": user.email}
    return said | {"UserDescription": _description(user), "UserType": "Internal"}


def _description(user: User) -> object:
    return user.profile.get("UserDescription", "")


# Devices


def list_devices(call: Call) -> Answer:
    if call.accounts.page_size is None and not call.query:
        return Answer(200, call.user.devices.to_json())
    return listed(call, call.user.devices, list_entry)


def create_device(call: Call) -> Answer:
    platform, name = call.text("platform"), call.text("provision_name")
    if platform not in PLATFORMS:
        raise Refused(400, f"platform must be one of {', '.join(PLATFORMS)}")
    settings = _registration(call.fields)
    device = call.accounts.add_device(call.user, platform=platform, description=name, settings=settings)
    return say(list_entry(device), 201)


def read_device(call: Call) -> Answer:
    """With the settings of the user below those of the device."""
    accounts, device = call.accounts, _device(call)
    if call.user.settings and isinstance(device.settings, Mapping):
        device = attrs.evolve(device, settings={**call.user.settings, **device.settings})
    password, settings = (call.asked(name) == "yes" for name in ("password", "settings_json"))
    return Answer(200, device_body(device, password, settings, int(accounts.now()), int(accounts.jwt_lifetime)))


def change_device(call: Call) -> Answer:
    device, fields = _device(call), call.fields
    before = wire_settings(device.settings) if isinstance(device.settings, Mapping) else {}
    settings = documents.merge(before, wire_settings(_registration(fields)), fields.get("Settings_json", {}))
    device = attrs.evolve(device, description=call.text("Description", device.description), settings=settings)
    call.user.devices.put([device])
    return say(list_entry(device))


def delete_device(call: Call) -> Answer:
    call.user.devices.remove(_device(call))
    return DONE


def _device(call: Call) -> Device:
    return found(call.user.devices.find(call.parts[1]))


def _registration(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Ports are numbers here, and text in the document."""
    said = {REGISTRATION[name]: value for name, value in fields.items() if name in REGISTRATION}
    if "sip_websocket_port" in said:
        said["sip_websocket_port"] = str(said["sip_websocket_port"])
    return said


# Personal access tokens


def list_pats(call: Call) -> Answer:
    return listed(call, list(call.user.pats.values()), _pat_entry)


def create_pat(call: Call) -> Answer:
    days = call.fields.get("expirationDays", 100)
    if not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        raise Refused(400, f"expirationDays must be a whole number of days, from 1 to {MOST_DAYS}")
    pat = call.accounts.add_pat(call.user, call.text("friendlyName", "No Name"), days=days)
    return say({**_pat_entry(pat), "PersonalAccessToken": pat.token}, 201)


def delete_pat(call: Call) -> Answer:
    call.accounts.remove_pat(call.user, found(call.user.pats.get(call.parts[1])))
    return say({})


def _pat_entry(pat: Pat) -> dict[str, Any]:
    expires_at = None if pat.expires_at is None else iso(pat.expires_at)
    return {"Id": pat.pat_id, "FriendlyName": pat.name, "ExpiresAt": expires_at, "CreatedAt": iso(pat.created_at)}


_DEVICE: Final = {"GET": read_device, "PUT": change_device, "DELETE": delete_device}
_DOCUMENTS: Final = {"GET": documents.read, "PUT": documents.change, "DELETE": documents.delete}

ROUTES: Final[Mapping[Route, Mapping[str, Handler]]] = {
    "user": {"GET": read_profile, "PUT": change_profile},
    "billing": {"GET": read_billing},
    "domain_users": {"GET": list_domain_users, "POST": create_domain_user},
    "domain_user": {"GET": read_domain_user, "PUT": change_domain_user, "DELETE": delete_domain_user},
    "devices": {"GET": list_devices, "POST": create_device},
    "device": _DEVICE,
    "provisioning": _DEVICE,
    "connections": {"GET": documents.list_connections, "POST": documents.create_connection},
    "connection": {"GET": documents.read, "PUT": documents.replace_connection, "DELETE": documents.delete},
    "pats": {"GET": list_pats, "POST": create_pat},
    "pat": {"DELETE": delete_pat},
    "settings": {"GET": documents.list_settings, "PUT": documents.change_settings},
    "log": {"GET": documents.read_log},
    "console_log": {"GET": documents.read_log, "POST": documents.write_log},
    "documents": {"POST": documents.create, **_DOCUMENTS},
    "document": _DOCUMENTS,
}
