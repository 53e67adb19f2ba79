"""An error of ours leaves a client bare: at most four frames of ours, and nothing hangs on it."""

from __future__ import annotations

from collections.abc import Callable
from traceback import walk_tb
from typing import Any

import pytest
from facades import Facade

from siperb import APIConnectionError, AuthenticationError, ConfigurationError, NotFoundError, SiperbError

UNKNOWN = "t" + "0" * 64
CALLS: dict[str, tuple[Callable[[Any], Any], type[SiperbError]]] = {
    "404": (lambda client: client.get_provisioning(UNKNOWN), NotFoundError),
    "a wrong PAT": (lambda client: client.login("wrong"), AuthenticationError),
    "an administrator's": (lambda client: client.delete_device(UNKNOWN), NotFoundError),
    "any operation": (lambda client: client.request("GET", "/Nowhere"), NotFoundError),
    "a bad argument": (lambda client: client.get_provisioning(".."), ConfigurationError),
    "what exists": (lambda client: client.create_device(" ", exist_ok=True), ConfigurationError),
}


def assert_bare(error: SiperbError, public: str) -> None:
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if "siperb" in str(frame.f_globals["__name__"])]
    names = [frame.f_code.co_name for frame in frames]
    assert len(frames) <= 4, names
    assert (error.__context__, error.__cause__) == (None, None)
    assert set(names[:-1]) <= {public, "on_class", "_run"}, names


@pytest.mark.parametrize("name", CALLS)
def test_the_error_of_a_call(facade: Facade, name: str) -> None:
    call, kind = CALLS[name]
    client = facade.client(strict=True)
    with pytest.raises(kind) as caught:
        facade.call(call, client)
    frames = [frame.f_code.co_name for frame, _ in walk_tb(caught.value.__traceback__)]
    public = next(name for name in frames if hasattr(client, name) and not name.startswith("_"))
    assert_bare(caught.value, public)


def test_a_connection_that_is_refused(facade: Facade) -> None:
    client = facade.client(base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(APIConnectionError) as caught:
        facade.call(client.login)
    assert_bare(caught.value, "login")


def test_an_exception_of_ones_own_keeps_its_frames(facade: Facade) -> None:
    def work(_: int) -> Any:
        raise LookupError("mine")
        yield

    found = facade.listed(facade.client().bulk(facade.steps(work), [1]))
    frames = [frame.f_code.co_name for frame, _ in walk_tb(found[0].error.__traceback__)]
    assert "work" in frames
