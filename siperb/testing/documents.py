"""What the loopback API keeps as it was sent: connections, settings, logs, and whatever it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from siperb.testing.answers import DONE, Answer, Refused, found, say
from siperb.testing.call import Call, listed
from siperb.testing.data import DAY, PHONE_SETTINGS, iso
from siperb.testing.users import Document

LONGEST_SETTING: Final = 1024  # characters; the API cuts what is longer, without a word
LONGEST_LOG: Final = 9999  # entries


# A plain collection, of anything


def read(call: Call) -> Answer:
    """A document, or those of a collection: a path with a name at its end, not an id."""
    stored, path = call.user.documents, call.parts
    if path in stored or len(path) % 2 == 0:
        return say(found(stored.get(path)))
    return listed(call, _collection(call))


def create(call: Call) -> Answer:
    return say(_add(call, "Id", call.fields), 201)


def change(call: Call) -> Answer:
    """Merge. What is no collection, such as `vCard`, is made by its first PUT."""
    stored, path = call.user.documents, call.parts
    before = stored.get(path, {}) if len(path) % 2 else found(stored.get(path))
    stored[path] = before | call.fields
    return say(stored[path])


def delete(call: Call) -> Answer:
    found(call.user.documents.pop(call.parts, None))
    return DONE


def _collection(call: Call) -> list[Document]:
    return [document for path, document in call.user.documents.items() if path[:-1] == call.parts]


def _add(call: Call, id_name: str, fields: Document) -> Document:
    document_id = call.accounts.new_id()
    call.user.documents[(*call.parts, document_id)] = document = {**fields, id_name: document_id}
    return document


# Connections


def list_connections(call: Call) -> Answer:
    """Of each the id, name and type alone."""
    return listed(call, _collection(call), _summary)


def create_connection(call: Call) -> Answer:
    defaults = {"DialPattern": ".", "Weight": 0, "AllowSrc": "0.0.0.0/0", "Enabled": True}
    return say(_summary(_add(call, "ConnectionId", defaults | _connection(call))), 201)


def replace_connection(call: Call) -> Answer:
    """Not a merge: what is left out is gone."""
    connection_id = found(call.user.documents.get(call.parts))["ConnectionId"]
    call.user.documents[call.parts] = connection = _connection(call) | {"ConnectionId": connection_id}
    return say(connection)


def _connection(call: Call) -> Document:
    return call.fields | {name: call.text(name) for name in ("Name", "Type")}


def _summary(connection: Document) -> Document:
    return {name: connection[name] for name in ("ConnectionId", "Name", "Type")}


# Settings


def list_settings(call: Call) -> Answer:
    values = call.user.settings
    return listed(call, list({**PHONE_SETTINGS, **values}), lambda key: _setting(key, values.get(key)))


def change_settings(call: Call) -> Answer:
    call.user.settings = merge(call.user.settings, call.fields)
    return list_settings(call)


def merge(settings: Document, *changes: object) -> Document:
    """Null takes a setting away, and a text is cut where it is too long."""
    for change in changes:
        if not isinstance(change, Mapping):
            raise Refused(400, "Settings must be a JSON object")
        settings = {**settings, **change}
    cut = {key: value[:LONGEST_SETTING] if isinstance(value, str) else value for key, value in settings.items()}
    return {key: value for key, value in cut.items() if value is not None}


def _setting(key: str, value: object) -> Document:
    default = PHONE_SETTINGS.get(key)
    said = default if value is None else value
    names: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string"}
    label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).capitalize()
    return {"Key": key, "Type": names.get(type(said), "json"), "Label": label, "Default": default, "Value": value}


# Logs


def read_log(call: Call) -> Answer:
    """One day's entries, or those of the last 24 hours, by their `Ts`; a console log has neither day nor limit."""
    entries = _log(call)
    if call.parts[-1] == "ConsoleLog":
        return say(entries)
    day, limit = call.asked("date"), call.asked("limit", str(LONGEST_LOG))
    if not re.fullmatch(r"(\d{4}-\d\d-\d\d)?", day, re.ASCII):
        raise Refused(400, "date must be a day: YYYY-MM-DD")
    if not re.fullmatch(r"\d{1,4}", limit, re.ASCII):
        raise Refused(400, f"limit must be a number, {LONGEST_LOG} at most")
    since = iso(call.accounts.now() - DAY)
    meant = [entry for entry in entries if (str(entry["Ts"])[:10] == day if day else str(entry["Ts"]) >= since)]
    return say(meant[: int(limit)])


def write_log(call: Call) -> Answer:
    """What a phone posts of itself."""
    if not isinstance(call.body, list):
        raise Refused(400, "The body must be a JSON array of objects")
    _log(call).extend(call.body)
    return say({}, 201)


def _log(call: Call) -> list[Any]:
    user, (name, thing, *_) = call.user, call.parts
    if name == "Devices":
        found(user.devices.find(thing))
    if name == "Connections":
        found(user.documents.get((name, thing)))
    return user.logs.setdefault(call.parts, [])
