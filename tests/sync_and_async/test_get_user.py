"""The profile of the user, on both facades."""

from __future__ import annotations

import pytest
from facades import Facade, warnings_of

from siperb import NotFoundError
from siperb.testing import Json, Status


def test_the_profile_with_all_that_the_api_says(facade: Facade) -> None:
    user = facade.call(facade.client().get_user)
    assert user.user_id == facade.server.user.user_id
    assert user.raw["Name"] == facade.server.user.name
    assert facade.server.requests[-1].path_qs == f"/Users/{user.user_id}"


def test_a_refusal_is_none_or_raised(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    facade.server.fail("user", Status(404), times=2)
    assert facade.call(facade.client().get_user) is None
    assert warnings_of(caplog) == [
        "get_user returns None: GET /Users/{id} answered 404: "
        "there is no such user or device; check the device token and the base_url."
    ]
    with pytest.raises(NotFoundError):
        facade.call(facade.client(strict=True).get_user)


def test_a_profile_without_an_id_is_none(facade: Facade) -> None:
    facade.server.fail("user", Json({"Name": "Somebody"}))
    assert facade.call(facade.client().get_user) is None
