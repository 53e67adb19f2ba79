"""What the API answers, as models: frozen, hashable, picklable, and silent about secrets."""

from __future__ import annotations

import ast
import base64
import copy
import inspect
import json
import pickle
from datetime import datetime, timezone
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from siperb import errors, models
from siperb.errors import SiperbError
from siperb.models import (
    AccessToken,
    Device,
    DomainUser,
    NewAccessToken,
    NotProvisioned,
    Provisioned,
    Provisioning,
    ProvisioningResult,
    Session,
    User,
)

SECRET = "the-secret"
SESSION = Session("ann", SECRET, raw={"UserId": "ann", "SessionToken": SECRET, "Plan": None})
DEVICE = Device(SECRET, "script", "Front Desk", raw={"DeviceToken": SECRET, "Tags": []})
PROVISIONING = Provisioning(
    sip_username="u1", sip_password=SECRET, sip_jwt=f"a.{SECRET}.b", raw={"SipPassword": SECRET, "welcomeScreen": None}
)
DOMAIN_USER = DomainUser("d1", "ben@contact.example", raw={"UserEmailId": "d1", "Pin": SECRET})
ACCESS_TOKEN = AccessToken("p1", "ci", SECRET, raw={"PersonalAccessToken": SECRET})
NEW_ACCESS_TOKEN = NewAccessToken("p1", "ci", token=SECRET, raw={"PersonalAccessToken": SECRET})
MODELS = [SESSION, DEVICE, PROVISIONING, DOMAIN_USER, ACCESS_TOKEN, NEW_ACCESS_TOKEN]
Model = Session | Device | Provisioning | DomainUser | AccessToken


def jwt(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{payload}.c2ln"


@pytest.mark.parametrize("model", MODELS)
def test_no_secret_in_a_repr(model: Model) -> None:
    assert SECRET not in repr(model) + str(model) + f"{model}"


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_frozen(model: Model) -> None:
    for name in ("raw", "_raw", "user_id", "platform", "sip_domain", "new"):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(model, name, "x")


DOCUMENT = {"UserId": "ann", "Organisation": {"Name": "x", "Sites": [{"City": "Bonn"}, [1, 2]]}, "Plan": None}


def user() -> User:
    return User("ann", raw=copy.deepcopy(DOCUMENT))


@pytest.mark.parametrize("model", MODELS)
def test_raw_is_read_only(model: Model) -> None:
    raw: Any = model.raw
    with pytest.raises(TypeError, match=r"to_dict\(\) makes a copy"):
        raw["UserId"] = "bob"
    assert json.loads(json.dumps(model.raw)) == model.raw == dict(model.raw)


@pytest.mark.parametrize("path", [[], ["Organisation"], ["Organisation", "Sites", 0], ["Organisation", "Sites"]])
def test_raw_is_read_only_all_the_way_down(path: list[Any]) -> None:
    shared = user()
    part: Any = shared.raw
    for step in path:
        part = part[step]
    kind = dict if isinstance(part, dict) else list
    assert part == kind(part)
    readers = {"copy", "count", "fromkeys", "get", "index", "items", "keys", "values"}
    mutators = {name for name in dir(kind) if not name.startswith("__")} - readers
    for name in mutators | {"__setitem__", "__delitem__"} | {"__ior__" if kind is dict else "__iadd__"}:
        with pytest.raises(TypeError, match="read-only"):
            getattr(part, name)("UserId")
    assert shared.raw == DOCUMENT


@pytest.mark.parametrize("again", [lambda raw: pickle.loads(pickle.dumps(raw)), copy.deepcopy, lambda raw: {**raw}])
def test_a_copy_of_raw_is_ones_own(again: Any) -> None:
    shared = user()
    mine = again(shared.raw)
    assert mine == DOCUMENT
    mine["UserId"] = "bob"
    assert type(mine) is dict
    assert shared.raw == DOCUMENT


def test_to_dict_is_all_of_it_and_ones_own() -> None:
    shared = user()
    mine = shared.to_dict()
    assert mine == {"user_id": "ann", "raw": DOCUMENT}
    assert json.loads(json.dumps(mine)) == mine
    mine["raw"]["Organisation"]["Sites"][0]["City"] = "Köln"
    assert shared.raw == DOCUMENT
    assert SESSION.to_dict() == {"user_id": "ann", "session_token": SECRET, "raw": dict(SESSION.raw)}


def test_the_repr_of_raw_has_no_values() -> None:
    raw = user().raw
    assert repr(raw) == "<read-only: 'UserId', 'Organisation', 'Plan'>"
    assert repr(raw["Organisation"]["Sites"]) == "<read-only: 2 items>"


def test_raw_may_be_nested_more_deeply_than_python_calls() -> None:
    document: dict[str, Any] = {}
    for _ in range(5000):
        document = {"a": [document]}
    inner: Any = User("ann", raw=document).raw
    while inner:
        inner = inner["a"][0]
    assert repr(inner) == "<read-only: >"
    inner = User("ann", raw=document).to_dict()["raw"]
    while inner:
        inner = inner["a"][0]
    assert type(inner) is dict


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_hashable_and_compares_by_value(model: Model) -> None:
    twin = evolve(model, raw=dict(model.raw))
    assert twin == model
    assert hash(twin) == hash(model)
    assert evolve(model, raw={"other": 1}) != model
    assert len({twin, model}) == 1


@pytest.mark.parametrize("again", [lambda model: pickle.loads(pickle.dumps(model)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("model", MODELS)
def test_a_model_can_be_pickled_and_copied(model: Model, again: Any) -> None:
    back = again(model)
    assert back == model
    assert type(back) is type(model)
    assert back.raw == model.raw


@pytest.mark.parametrize("module", [models, errors])
def test_a_docstring_stands_below_each_field(module: ModuleType) -> None:
    """Where editors look for it."""
    fields: list[str] = []
    for kind in ast.parse(inspect.getsource(module)).body:
        for field, below in zip(kind.body, kind.body[1:], strict=False) if isinstance(kind, ast.ClassDef) else []:
            if isinstance(field, ast.AnnAssign) and not ast.unparse(field.target).startswith("_"):
                fields.append(ast.unparse(field.target))
                assert isinstance(below, ast.Expr), (kind.name, fields[-1])
                assert isinstance(below.value, ast.Constant), (kind.name, fields[-1])
    assert len(fields) > 5


@pytest.mark.parametrize("answer", [*MODELS, user()])
def test_to_dict_is_json(answer: Model | User) -> None:
    names = {name for name in dir(answer) if not name.startswith("_")} - {"to_dict", "jwt_expires_at"}
    assert json.loads(json.dumps(answer.to_dict())) == {name: getattr(answer, name) for name in names}


def test_a_result_is_one_or_the_other() -> None:
    good, bad = Provisioned(SECRET, PROVISIONING), NotProvisioned(SECRET, SiperbError("no"))
    assert isinstance(good, ProvisioningResult)
    assert isinstance(bad, ProvisioningResult)
    assert (good.error, bad.provisioning) == (None, None)
    assert SECRET not in repr(good) + repr(bad)
    assert "device_token=•••," in repr(good)
    token = "0123456789abcdef" * 4
    assert "device_token=0123…cdef," in repr(NotProvisioned(token, SiperbError("no")))


def test_when_the_jwt_expires() -> None:
    provisioning = Provisioning(sip_jwt=jwt({"iat": 1790000000, "exp": 1790086400}))
    assert provisioning.jwt_expires_at == datetime(2026, 9, 22, 14, 13, 20, tzinfo=timezone.utc)
    assert provisioning.jwt_expires_at.tzinfo is timezone.utc


@pytest.mark.parametrize("exp", [1790086400.5, 0, -1])
def test_a_jwt_may_expire_at_any_number_of_seconds(exp: float) -> None:
    expires_at = Provisioning(sip_jwt=jwt({"exp": exp})).jwt_expires_at
    assert expires_at is not None
    assert expires_at.timestamp() == exp


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "opaque",
        "a.b.c",
        "..",
        "ä.ö.ü",
        "\ud800.\ud800.",
        jwt({}),
        jwt([]),
        jwt("exp"),
        jwt(None),
        jwt({"exp": None}),
        jwt({"exp": "soon"}),
        jwt({"exp": []}),
        jwt({"exp": 10**400}),
        jwt({"exp": 1e300}),
        jwt({"exp": float("nan")}),
        jwt({"exp": float("inf")}),
        f"a.{base64.urlsafe_b64encode(b'[' * 100_000).decode()}.b",
    ],
)
def test_a_jwt_that_says_nothing_usable_expires_never(token: str | None) -> None:
    assert Provisioning(sip_jwt=token).jwt_expires_at is None
