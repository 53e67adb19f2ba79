"""A method that works on the class too: looking makes no client, and a subclass does as it likes."""

from __future__ import annotations

import copy
import doctest
import gc
import inspect
import os
import pickle
import pydoc
import threading
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from siperb import AsyncSiperb, ConfigurationError, Device, Siperb
from siperb.sync.on_class import default_client
from siperb.testing import SiperbServer


class Tenant(Siperb):
    """A class whose clients need to know of whom they are."""

    def __init__(self, tenant: str) -> None:
        super().__init__(f"pat-{tenant}")


class Vault(Siperb):
    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        super().__init__("pat")


@pytest.mark.parametrize("kind", [Siperb, Tenant, Vault])
@pytest.mark.parametrize(
    "look",
    [
        inspect.getmembers,
        inspect.classify_class_attrs,
        mock.create_autospec,
        lambda kind: mock.create_autospec(kind, instance=True),
        lambda kind: mock.Mock(spec=kind),
        lambda kind: hasattr(kind, "login"),
        lambda kind: inspect.signature(kind.get_devices),
        pydoc.render_doc,
        doctest.DocTestFinder().find,
    ],
)
def test_looking_at_a_class_makes_no_client(kind: type[Siperb], look: Callable[[Any], object]) -> None:
    look(kind)
    assert Vault.made == 0
    assert kind._default_clients == {}


def test_calling_a_class_whose_clients_need_arguments_says_so() -> None:
    with pytest.raises(ConfigurationError, match=r"^Tenant has no default client .*'tenant'\): make an instance, "):
        Tenant.get_devices()


def test_a_constructor_that_fails_says_why_itself() -> None:
    class Broken(Siperb):
        def __init__(self) -> None:
            super().__init__("pat", colour="red")  # type: ignore[call-arg]

    with pytest.raises(TypeError, match="colour"):
        Broken.login()


def test_a_constructor_that_calls_its_own_class_does_not_hang() -> None:
    class Endless(Siperb):
        def __init__(self) -> None:
            super().__init__("pat")
            Endless.logout()

    with pytest.raises(RecursionError):
        Endless.logout()


# Overrides.


@pytest.fixture
def called(server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)
    monkeypatch.setenv("SIPERB_PAT", server.pat)
    return []


def test_an_override_works_on_the_class(called: list[str]) -> None:
    class Loud(Siperb):
        def get_devices(self, **options: Any) -> list[Device] | None:  # type: ignore[override]
            """Say so first."""
            called.append(type(self).__name__)
            return super().get_devices(**options)

    class Louder(Loud):
        pass

    with Loud() as client:
        assert Loud.get_devices() == client.get_devices() == Louder.get_devices()
    assert called == ["Loud", "Loud", "Louder"]
    assert Loud.get_devices.__doc__ == "Say so first."
    assert default_client(Louder).session
    with pytest.raises(TypeError, match="colour"):
        Loud.get_devices(colour="red")


def test_an_override_of_a_mixin_works_on_the_class(called: list[str]) -> None:
    class Mixin:
        def get_user(self, **options: Any) -> Any:
            called.append("mixin")
            return super().get_user(**options)  # type: ignore[misc]

    class Mixed(Mixin, Siperb):  # type: ignore[misc]
        pass

    with Mixed() as client:
        assert Mixed.get_user() == client.get_user()
    assert called == ["mixin", "mixin"]


def test_a_class_method_or_static_method_stays_what_it_is(called: list[str]) -> None:
    class Own(Siperb):
        @classmethod
        def get_devices(cls) -> Any:  # type: ignore[override]
            return cls, super().get_devices()

        @staticmethod
        def login() -> str:  # type: ignore[override]
            return "static"

    kind, devices = Own.get_devices()
    assert kind is Own
    assert devices
    assert Own.login() == Own("pat").login() == "static"


def test_a_class_that_is_gone_keeps_no_client(called: list[str]) -> None:
    class Passing(Siperb):
        pass

    assert Passing.get_devices()
    client = weakref.ref(default_client(Passing))
    client().close()  # type: ignore[union-attr]
    del Passing
    gc.collect()
    assert client() is None


# Mocks.


@pytest.mark.parametrize("name", ["login", "get_devices", "get_pats", "provision_all", "logout"])
def test_a_method_can_be_patched_with_its_spec(name: str) -> None:
    with mock.patch.object(Siperb, name, autospec=True) as patched:
        patched.return_value = "patched"
        assert getattr(Siperb("pat"), name)() == getattr(Siperb, name)() == "patched"
        assert patched.call_args_list == [mock.call(), mock.call()]
    assert inspect.ismethod(getattr(Siperb, name))


def test_a_mock_of_the_class_knows_the_signatures() -> None:
    for mocked in mock.create_autospec(Siperb), mock.create_autospec(Siperb, instance=True):
        mocked.get_provisioning("token", enable_cache=True)
        for wrong in {"device": "token"}, {}:
            with pytest.raises(TypeError):
                mocked.get_provisioning(**wrong)


# Copies, forks.


@pytest.mark.parametrize("kind", [Siperb, AsyncSiperb])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_client_is_not_copied(kind: type[Any], again: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=rf"^{kind.__name__} cannot be copied or pickled, .*: make a client where "):
        again(kind("secret"))


def test_a_method_of_the_class_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Siperb.get_devices)) == Siperb.get_devices


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_does_not_wait_for_a_client_that_another_thread_was_making() -> None:
    began, go_on = threading.Event(), threading.Event()

    class Slow(Siperb):
        def __init__(self) -> None:
            if threading.current_thread() is maker:
                began.set()
                go_on.wait()
            super().__init__("pat", state=None)

    maker = threading.Thread(target=lambda: default_client(Slow))
    maker.start()
    began.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if default_client(Slow) and default_client(Siperb) else 1)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        go_on.set()
        maker.join()
    assert status == 0
