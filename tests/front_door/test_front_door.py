"""`import siperb`: its names, and the three-line script: methods that work on the class too."""

from __future__ import annotations

import ast
import inspect
import pydoc
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from facades import said, warnings_of

import siperb
from siperb import AsyncSiperb, ConfigurationError, MissingCredentialsError, Siperb, SiperbAPI, SiperbState
from siperb.sync.on_class import default_client
from siperb.testing import Hold, SiperbServer, Status

# The names.

SOURCE = ast.parse(Path(siperb.__file__).read_text())


def names_for_type_checkers() -> list[str]:
    (block,) = [node for node in SOURCE.body if isinstance(node, ast.If)]
    return [
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]


def test_all_is_sorted_and_without_a_double() -> None:
    assert siperb.__all__ == sorted(set(siperb.__all__))


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    assert sorted([*names_for_type_checkers(), "__version__"]) == siperb.__all__


@pytest.mark.parametrize("name", siperb.__all__)
def test_every_name_is_there(name: str) -> None:
    value = getattr(siperb, name)
    assert value is getattr(siperb, name)
    if inspect.isclass(value):
        assert value.__name__ == name


def test_every_error_is_exported() -> None:
    assert set(siperb.errors.__all__) <= set(siperb.__all__)  # type: ignore[attr-defined]


PACKAGES = ["siperb", "siperb.cache", "siperb.models", "siperb.testing"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_star_import_brings_them_all(package: str) -> None:
    names: dict[str, object] = {}
    exec(f"from {package} import *", names)
    assert set(import_module(package).__all__) <= set(names)


@pytest.mark.parametrize("package", PACKAGES)
def test_dir_names_them_without_loading_them(package: str) -> None:
    code = f"import sys, {package} as p; print({{*p.__all__}} - {{*dir(p)}}, 'requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["set()", "False"]


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'siperb' has no attribute 'Sipreb'"):
        _ = siperb.Sipreb  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from siperb import Sipreb  # type: ignore[attr-defined]  # noqa: F401


def test_the_version_is_one() -> None:
    from importlib.metadata import version

    assert siperb.__version__ == version("siperb")


# The facades are twins.

CALLS = ["login", "get_devices", "get_provisioning", "logout", "save_pat", "close"]


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_both_facades_have_the_same_names() -> None:
    assert public(Siperb) == public(AsyncSiperb)


@pytest.mark.parametrize("name", [*sorted(public(Siperb) - {"session"}), "__init__"])
def test_both_facades_have_the_same_parameters(name: str) -> None:
    def parameters(kind: type) -> list[tuple[str, Any, Any]]:
        signature = inspect.signature(kind if name == "__init__" else getattr(kind("pat"), name))
        return [(p.name, p.kind, p.default) for p in signature.parameters.values() if p.name != "state"]

    assert parameters(Siperb) == parameters(AsyncSiperb)


@pytest.mark.parametrize("kind", [Siperb, AsyncSiperb])
def test_the_interpreter_can_read_the_types_of_every_method(kind: type) -> None:
    for name in public(kind) - {"session"}:
        assert "return" in get_type_hints(getattr(kind, name)), name


def test_the_signatures_that_were_promised() -> None:
    def signature(method: Any) -> str:
        return str(inspect.signature(method)).replace("'", "").replace("siperb.", "")

    assert signature(Siperb.login) == (
        "(pat: str | None = None, *, enable_cache: bool = False, login_key: str = SiperbLogin, "
        "timeout: float | None = None) -> Session"
    )
    assert signature(Siperb.get_devices) == (
        "(*, user_id: str | None = None, session_token: str | None = None, "
        "enable_cache: bool = False, session_key: str = SiperbDevices, "
        "platform: str | None = script, timeout: float | None = None) "
        "-> list[Device] | None"
    )
    assert signature(Siperb.get_provisioning) == (
        "(device_token: str, *, user_id: str | None = None, session_token: str | None = None, "
        "enable_cache: bool = False, provisioning_key: str = SiperbProvisioning, timeout: float | None = None) "
        "-> Provisioning | None"
    )
    assert signature(Siperb.logout) == "() -> None"
    options = inspect.signature(Siperb).parameters
    assert list(options) == [
        "pat", "base_url", "timeout", "max_retries", "cache", "state", "strict", "http_session", "app_info",
    ]  # fmt: skip
    assert [options[name].default for name in ("timeout", "max_retries", "strict")] == [30.0, 2, False]
    assert options["state"].default is SiperbAPI
    assert all(option.kind is option.KEYWORD_ONLY for name, option in options.items() if name != "pat")


@pytest.mark.parametrize("name", CALLS[:4])
def test_a_method_on_the_class_is_the_method(name: str) -> None:
    on_class, on_instance = getattr(Siperb, name), getattr(Siperb("pat"), name)
    assert inspect.ismethod(on_class)
    assert on_class.__name__ == on_instance.__name__ == name
    assert on_class.__qualname__ == f"Siperb.{name}"
    assert on_class.__doc__ == on_instance.__doc__
    assert on_class.__doc__.splitlines()[0].endswith((".", ","))
    assert inspect.signature(on_class) == inspect.signature(on_instance)
    assert f" {name}(" in pydoc.render_doc(Siperb, renderer=pydoc.plaintext)


# The three-line script.


@pytest.fixture
def environment(server: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> SiperbServer:
    monkeypatch.setenv("SIPERB_BASE_URL", server.base_url)
    return server


def test_the_three_line_script(environment: SiperbServer) -> None:
    Siperb.login(environment.pat)
    devices = Siperb.get_devices()
    assert devices
    provisioning = Siperb.get_provisioning(devices[0].device_token)
    assert provisioning
    assert provisioning.sip_username
    assert said(environment) == ["login", "devices", "provisioning"]
    Siperb.logout()
    assert SiperbAPI.session is None
    with pytest.raises(MissingCredentialsError):
        Siperb.get_devices()


def test_the_class_and_an_instance_are_two_clients(environment: SiperbServer) -> None:
    with Siperb(environment.pat, state=None) as client:
        client.login()
        with pytest.raises(MissingCredentialsError):
            Siperb.get_devices()
        Siperb.login(environment.pat)
        client.logout()
        assert Siperb.get_devices()
        assert client.session is None


def test_a_subclass_has_a_default_client_of_its_own(environment: SiperbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(Siperb):
        def get_devices(self, **options: Any) -> Any:  # type: ignore[override]
            return super().get_devices(**options)

    Siperb.login(environment.pat)
    with pytest.raises(MissingCredentialsError):
        Mine.get_devices()
    monkeypatch.setenv("SIPERB_PAT", environment.pat)
    assert Mine.get_devices()
    assert type(default_client(Mine)) is Mine
    assert default_client(Mine) is not default_client(Siperb)
    with Mine(environment.pat, state=None) as client:
        assert client.get_devices()


def test_the_default_client_is_one_for_all_threads() -> None:
    class Fresh(Siperb):
        pass

    found: list[object] = []
    barrier = threading.Barrier(8)

    def look() -> None:
        barrier.wait()
        found.append(default_client(Fresh))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_the_async_client_is_instances_only() -> None:
    with pytest.raises(TypeError):
        AsyncSiperb.login()  # type: ignore[call-arg]


def test_making_a_client_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look at the environment, no event loop, no thread, no error for a token that is missing."""
    monkeypatch.setenv("SIPERB_BASE_URL", "not a url")
    monkeypatch.setenv("SIPERB_PAT", "not a token")
    threads = threading.active_count()
    for kind in Siperb, AsyncSiperb:
        assert kind().session is None  # type: ignore[abstract]
    assert threading.active_count() == threads


# None, or an error.


def test_none_and_one_warning(environment: SiperbServer, caplog: pytest.LogCaptureFixture) -> None:
    Siperb.login(environment.pat)
    environment.fail("devices", Status(403))
    assert Siperb.get_devices() is None
    (warning,) = warnings_of(caplog)
    assert warning.startswith("get_devices returns None: GET /Users/{id}/Devices/ answered 403: ")


def test_a_program_of_its_own_logs_nothing_unless_asked(
    environment: SiperbServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """What failed is on stderr by `logging`'s last resort, as warnings are; what succeeded is not."""
    Siperb.login(environment.pat)
    Siperb.get_devices()
    assert capfd.readouterr() == ("", "")


# The module-level state.


def test_the_default_client_publishes_to_siperb_api(environment: SiperbServer) -> None:
    session = SiperbAPI.login(environment.pat)
    assert (session.session_token, session.user_id) == (SiperbAPI.SESSION_TOKEN, SiperbAPI.USER_ID)
    assert SiperbAPI.session is session
    devices = SiperbAPI.get_devices()
    assert devices
    assert devices == SiperbAPI.DEVICES
    assert SiperbAPI.get_provisioning(devices[0].device_token) is SiperbAPI.PROVISIONING
    assert SiperbAPI.login == Siperb.login


def test_a_client_of_ones_own_publishes_there_too_unless_told_otherwise(environment: SiperbServer) -> None:
    with Siperb(environment.pat) as client:
        assert client.state is SiperbAPI
        client.login()
    assert SiperbAPI.session == client.session
    SiperbAPI.clear()
    mine = SiperbState()
    with Siperb(environment.pat, state=mine) as client:
        client.login()
    assert mine.session == client.session
    assert SiperbAPI.session is None


async def test_an_async_client_keeps_its_state_to_itself(environment: SiperbServer) -> None:
    async with AsyncSiperb(environment.pat) as one, AsyncSiperb(environment.pat) as two:
        await one.get_devices()
        assert one.state.session == one.session
        assert one.state.DEVICES
        assert two.state.session is None
        assert one.state is not two.state
    assert SiperbAPI.session is None
    async with AsyncSiperb(environment.pat, state=SiperbAPI) as client:
        await client.login()
    assert SiperbAPI.session == client.session


def test_a_failure_publishes_nothing(environment: SiperbServer) -> None:
    Siperb.login(environment.pat)
    devices = Siperb.get_devices()
    environment.fail(None, Status(400), times=None)
    assert Siperb.get_devices() is None
    assert Siperb.get_provisioning("t") is None
    with pytest.raises(siperb.BadRequestError):
        Siperb.login(environment.pat)
    assert devices == SiperbAPI.DEVICES
    assert SiperbAPI.PROVISIONING is None
    assert SiperbAPI.session is not None


def test_a_call_that_waits_for_another_one_finds_it_published(environment: SiperbServer) -> None:
    hold = Hold()
    environment.fail("login", hold)
    seen: list[object] = []

    def log_in() -> None:
        Siperb.login(environment.pat)
        seen.append(SiperbAPI.session)

    threads = [threading.Thread(target=log_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    environment.wait_for_requests(1)
    hold.release()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert None not in seen


def test_a_closed_client_says_so() -> None:
    client = Siperb("pat")
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        client.get_devices()


def test_the_plugin_of_what_is_installed_serves_its_fixture(siperb_server: SiperbServer) -> None:
    """A wheel holds it under another name than a checkout does."""
    with Siperb(state=None) as client:
        assert client.login().user_id == siperb_server.user.user_id
