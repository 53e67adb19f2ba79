"""From the API's JSON to models: names, aliases, exact types."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from siperb import models
from siperb.core.structure import WIRE_NAMES, structure, structure_devices
from siperb.errors import APIResponseError
from siperb.models import Device, Provisioning, Session


def provisioning(**document: object) -> Provisioning:
    return structure(Provisioning, document, "The document")


def test_every_attribute_has_its_wire_names() -> None:
    for kind, names in WIRE_NAMES.items():
        fields = attrs.fields(getattr(models, kind))
        attributes = [field.name for field in fields if field.name != "_raw" and field.eq]  # the client says `user_id`
        assert list(names) == attributes


ALIASES = [(field, names) for field, names in WIRE_NAMES["Provisioning"].items() if len(names) > 1]


def test_the_names_that_come_twice() -> None:
    assert dict(ALIASES) == {
        "sip_wss_server": ("SipWssServer", "wssServer"),
        "sip_websocket_port": ("SipWebsocketPort", "WebSocketPort"),
        "sip_server_path": ("SipServerPath", "ServerPath"),
        "contact_user_name": ("ContactUserName", "SipContact"),
        "profile_name": ("profileName", "ProfileUserName"),
    }


@pytest.mark.parametrize(("field", "names"), ALIASES)
def test_the_documented_name_wins(field: str, names: tuple[str, str]) -> None:
    documented, other = names
    value, second = (443, 8443) if field == "sip_websocket_port" else ("one", "two")
    for document in {documented: value, other: second}, {other: second, documented: value}:
        assert getattr(provisioning(**document), field) == value
    assert getattr(provisioning(**{other: second}), field) == second


@pytest.mark.parametrize(("field", "names"), ALIASES)
@pytest.mark.parametrize("unusable", [None, "", [], {}, True])
def test_an_unusable_value_leaves_the_place_to_the_other_name(
    field: str, names: tuple[str, str], unusable: object
) -> None:
    second = 8443 if field == "sip_websocket_port" else "two"
    assert getattr(provisioning(**{names[0]: unusable, names[1]: second}), field) == second


@pytest.mark.parametrize("name", ["SIPUsername", "sipUsername", "sipusername", "SIPUSERNAME"])
def test_the_case_of_a_name_may_differ(name: str) -> None:
    assert provisioning(**{name: "u1"}).sip_username == "u1"


def test_the_exact_case_wins() -> None:
    assert provisioning(SIPUSERNAME="shouted", SipUsername="exact", sipusername="low").sip_username == "exact"


def test_a_documented_name_in_another_case_wins_over_the_alias() -> None:
    assert provisioning(SIPWSSSERVER="documented", wssServer="alias").sip_wss_server == "documented"


@pytest.mark.parametrize(("port", "expected"), [("443", 443), (443, 443), (" 443 ", 443), ("1", 1), (65535, 65535)])
def test_a_port_is_a_string_or_an_integer(port: object, expected: int) -> None:
    result = provisioning(SipWebsocketPort=port).sip_websocket_port
    assert result == expected
    assert type(result) is int


@pytest.mark.parametrize(
    "port", ["", "wss", "-1", "0", 0, -1, 65536, "65536", 443.0, "443.0", True, None, [], {}, "４４３", "1e3", 10**400]
)
def test_a_port_that_is_no_number_is_none_and_stays_in_raw(port: object) -> None:
    document = provisioning(SipWebsocketPort=port)
    assert document.sip_websocket_port is None
    assert document.raw["SipWebsocketPort"] == port


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"]])
def test_what_is_no_text_is_none_and_never_the_text_of_it(value: object) -> None:
    document = provisioning(SipUsername=value, SipPassword=value, SipJwt=value)
    assert (document.sip_username, document.sip_password, document.sip_jwt) == (None, None, None)
    assert document.raw["SipUsername"] == value


def test_an_empty_document_is_an_empty_provisioning() -> None:
    assert provisioning() == Provisioning()


def test_unknown_fields_are_kept_in_their_order() -> None:
    document = {"zeta": {"deep": [None, 1]}, "Alpha": None, "SipDomain": "d", "beta": 0.6}
    assert list(provisioning(**document).raw.items()) == list(document.items())


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Session, {"UserId": "ann", "SessionToken": "t"}),
        (Device, {"DeviceToken": "t", "Platform": "script"}),
    ],
)
@pytest.mark.parametrize("unusable", [None, 1, True, [], {}, ...])
def test_a_required_field_is_exactly_text(kind: Any, document: dict[str, object], unusable: object) -> None:
    for name in document:
        broken = {key: value for key, value in {**document, name: unusable}.items() if value is not ...}
        with pytest.raises(APIResponseError, match=rf"^The answer has no usable {name}; .+\.$") as caught:
            structure(kind, broken, "The answer")
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(APIResponseError, match="no usable UserId, SessionToken;"):
        structure(Session, {}, "The answer")


def test_the_value_is_not_in_the_error() -> None:
    with pytest.raises(APIResponseError) as caught:
        structure(Session, {"UserId": ["leaked-value"], "SessionToken": "leaked-token"}, "The answer")
    assert "leaked" not in str(caught.value)


@pytest.mark.parametrize("description", [None, 5, "", [], ...])
def test_a_device_needs_no_description(description: object) -> None:
    document = {"DeviceToken": "t", "Platform": "script", "Description": description}
    if description is ...:
        del document["Description"]
    assert structure(Device, document, "The list").description is None


def test_a_list_of_devices_is_what_structuring_each_one_gives() -> None:
    script = {"DeviceToken": "t0", "Platform": "script"}
    documents: list[dict[str, Any]] = [
        script,
        {"Platform": "ios"},
        *({**script, "Description": description} for description in ("Front Desk", "", None, 1, [])),
        {**script, "New": {"to": "us"}},
    ]
    devices = structure_devices(documents, "script", "The list")
    each = [structure(Device, document, "The list") for document in documents if document["Platform"] == "script"]
    assert devices == each
    assert [attrs.astuple(device) for device in devices] == [attrs.astuple(device) for device in each]
    assert [device.raw for device in devices] == [device.raw for device in each]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        devices[0].platform = "ios"  # type: ignore[misc]


@pytest.mark.parametrize("token", [None, 1, [], {}])
def test_a_list_with_a_device_without_a_token_is_refused(token: object) -> None:
    with pytest.raises(APIResponseError, match=r"^The list has no usable DeviceToken; "):
        structure_devices([{"DeviceToken": token, "Platform": "script"}], "script", "The list")
