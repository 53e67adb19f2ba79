"""The exception tree: as drawn, picklable, and one sentence each."""

from __future__ import annotations

import builtins
import copy
import inspect
import json
import pickle
import re

import pytest

from siperb import errors
from siperb.core.status import raise_for_status
from siperb.core.wire import Request, Response
from siperb.errors import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    IncompleteProvisioningError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    PhoneError,
    RateLimitError,
    SiperbError,
    UnprocessableEntityError,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == "siperb.errors"]
REQUEST = Request("GET", "/Users/secret-user/Devices/", "/Users/{id}/Devices/", {})


def an_error(kind: type[SiperbError]) -> SiperbError:
    if issubclass(kind, APIStatusError):
        return kind(
            "It failed.", status_code=418, method="GET", path_template="/Login", retry_after=7.5, detail="no",
            request_id="r-1",
        )  # fmt: skip
    if issubclass(kind, APIResponseError):
        return kind("It failed.", request_id="r-1")
    if issubclass(kind, PhoneError):
        return kind("It failed.", status=486, reason="Busy Here")
    if issubclass(kind, IncompleteProvisioningError):
        return kind("It lacks.", missing=["SipDomain"])
    return kind("It failed.")


def test_the_tree_is_the_one_that_the_docstring_draws() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)(\w+Error)\b", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS}
    assert len(drawn) == 28


def test_all_errors_are_exported() -> None:
    assert sorted(kind.__name__ for kind in KINDS) == errors.__all__


def test_a_bad_argument_is_a_value_error_too() -> None:
    assert issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize("kind", KINDS)
def test_no_builtin_is_shadowed(kind: type[SiperbError]) -> None:
    assert not hasattr(builtins, kind.__name__)


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_can_be_pickled_and_copied(kind: type[SiperbError], again: object) -> None:
    error = an_error(kind)
    assert callable(again)
    back = again(error)
    assert type(back) is kind
    assert (str(back), back.args, vars(back)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_made_again_from_its_args_in_json(kind: type[SiperbError]) -> None:
    """As a task queue carries it: the class, and `args` as JSON."""
    error = an_error(kind)
    back = kind(*json.loads(json.dumps(error.args)))
    assert (str(back), repr(back), vars(back)) == (str(error), repr(error), vars(error))
    assert str(error) == error.args[0]
    assert all(value in error.args for value in vars(error).values())


def test_an_error_without_arguments_says_nothing() -> None:
    assert str(SiperbError()) == ""


def test_pickling_keeps_what_a_caller_put_on_an_error() -> None:
    error = an_error(AuthenticationError)
    error.__dict__["note"] = "seen"
    assert pickle.loads(pickle.dumps(error)).note == "seen"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (429, RateLimitError),
        (500, InternalServerError),
        (503, InternalServerError),
        (599, InternalServerError),
        (409, ConflictError),
        (422, UnprocessableEntityError),
        (418, APIStatusError),
    ],
)
def test_the_error_of_a_status(status: int, kind: type[APIStatusError]) -> None:
    with pytest.raises(APIStatusError) as caught:
        raise_for_status(REQUEST, Response(status, headers={"retry-after": "7"}), now=0.0)
    error = caught.value
    assert type(error) is kind
    assert (error.status_code, error.method, error.path_template) == (status, "GET", "/Users/{id}/Devices/")
    assert error.retry_after == 7.0
    assert re.fullmatch(
        r"GET /Users/\{id\}/Devices/ answered \d+: .+; .+\.|GET .+ answered \d+: check .+\.", str(error)
    )
    assert "secret-user" not in str(error) + repr(error)
