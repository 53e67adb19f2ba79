"""Docstrings of public names: their sections are those of the signature, and their examples run."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest
from hostile import certificate
from sip_registrars import running_registrar

import siperb
from siperb import MemoryCache, Siperb
from siperb.testing import SiperbServer, Status

PACKAGES = ["siperb", "siperb.cache", "siperb.phone", "siperb.sip", "siperb.testing"]
SECTION = r"^(Args|Returns|Raises|Example):\n((?:    .*\n|\n)*)"
SEE = r"See `[\w.]+`"  # the sections stand there


def public_names() -> Iterator[tuple[str, Any]]:
    """The names of the packages, and what is public in their classes."""
    for package in PACKAGES:
        module = import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{package}.{name}", value
            if inspect.isclass(value) and not attrs.has(value):
                for member in filter(lambda each: not each.startswith("_"), dir(value)):
                    attribute = inspect.getattr_static(value, member)
                    if isinstance(attribute, property):
                        yield f"{package}.{name}.{member}", attribute.fget
                    elif callable(getattr(value, member)) and str(
                        getattr(getattr(value, member), "__module__", "")
                    ).startswith("siperb"):
                        yield f"{package}.{name}.{member}", getattr(value, member)


NAMES = dict(public_names())
CALLS = {name: value for name, value in NAMES.items() if re.match(r"siperb\.(Async)?Siperb(\.|\Z)", name)}


def sections(value: Any) -> dict[str, str]:
    found = re.findall(SECTION, f"{inspect.getdoc(value) or ''}\n", re.MULTILINE)
    assert len({name for name, _ in found}) == len(found)
    return {name: textwrap.dedent(text) for name, text in found}


def takes_arguments(value: Any) -> bool:
    """Protocols and errors do not. Attributes of attrs classes may have docstrings of their own: see test_models.py."""
    if inspect.isclass(value):
        is_described = attrs.has(value) and "Args" not in sections(value)
        return not (is_described or issubclass(value, Exception) or getattr(value, "_is_protocol", False))
    return True


def parameters(value: Any) -> list[str]:
    names = list(inspect.signature(value).parameters)
    return names[1:] if names[:1] == ["self"] else names


@pytest.mark.parametrize("name", NAMES)
def test_it_says_in_one_line_what_it_is(name: str) -> None:
    docstring = inspect.getdoc(NAMES[name]) or ""
    assert re.match(r"[A-Z0-9`\"\[].{10,112}\.(\n\n|\Z)", docstring), docstring
    assert not re.search(r"(?:^|[.:] )(?:What|Whose|Of which)\b", docstring, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in NAMES if takes_arguments(NAMES[name])])
def test_args_are_the_parameters(name: str) -> None:
    docstring = inspect.getdoc(NAMES[name]) or ""
    described = re.findall(r"^([a-z_]\w*): [A-Z0-9\"`]", sections(NAMES[name]).get("Args", ""), re.MULTILINE)
    if "Args" not in sections(NAMES[name]):
        described = [parameter for parameter in parameters(NAMES[name]) if f"`{parameter}`" in docstring]
    assert sorted(described) == sorted(parameters(NAMES[name])) or re.search(SEE, docstring)


@pytest.mark.parametrize("name", [name for name in NAMES if "Raises:" in (inspect.getdoc(NAMES[name]) or "")])
def test_what_it_raises_is_an_error(name: str) -> None:
    errors = re.findall(r"^(\w+): ", sections(NAMES[name])["Raises"], re.MULTILINE)
    builtin = {"KeyError", "OSError", "RuntimeError", "TimeoutError", "TypeError", "ValueError"}
    assert errors
    assert all(error in builtin or issubclass(getattr(siperb, error), siperb.SiperbError) for error in errors)


@pytest.mark.parametrize("name", [name for name in CALLS if not name.endswith((".session", "Siperb"))])
def test_a_call_says_what_it_returns(name: str) -> None:
    returned = inspect.signature(NAMES[name]).return_annotation
    assert ("Returns" in sections(NAMES[name])) == (returned != "None")


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("Error")])
def test_a_signature_shows_no_address_of_an_object(name: str) -> None:
    assert " at 0x" not in str(inspect.signature(NAMES[name]))


# The examples.


def example(value: Any) -> str:
    [code] = re.findall(r"```python\n(.*?)```", sections(value)["Example"], re.DOTALL)
    return str(code)


def run(code: str, namespace: dict[str, Any]) -> None:
    compiled = compile(code, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    exec(compiled, namespace) if not compiled.co_flags & inspect.CO_COROUTINE else asyncio.run(
        eval(compiled, namespace)
    )


def names_of(server: SiperbServer) -> dict[str, Any]:
    everything: dict[str, Any] = {"siperb": siperb, "server": server}
    exec("from siperb import *\nfrom siperb.testing import SiperbServer, Status\nimport siperb.sip", everything)
    return everything


@pytest.fixture
def world(siperb_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SiperbServer]:
    """The loopback API with what the examples look for, and a registrar for its first device."""
    reception = siperb_server.add_domain_user("reception@example.com", "Reception")
    siperb_server.add_device(reception)
    siperb_server.add_domain_user("leaver@example.com")
    siperb_server.add_device(description="Old headset")
    first = siperb_server.user.devices[0]
    siperb_server.add_log(f"Devices/{first.token}/RegisterLog", {"Status": "200"})
    bundle, context = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with running_registrar(ssl_context=context) as registrar:
        address = {"sip_wss_server": "127.0.0.1", "sip_websocket_port": str(registrar.port)}
        siperb_server.set_settings(first, {"registration_mode": "WebSocket", **address})
        yield siperb_server


@pytest.mark.parametrize("name", [name for name in CALLS if not name.endswith(".session")])
def test_the_example_of_a_call_runs(world: SiperbServer, name: str) -> None:
    code, names = example(NAMES[name]), names_of(world)
    if name.startswith("siperb.Siperb") or name.endswith(".for_user"):  # which is the same for both
        with Siperb(strict=True, state=None, cache=MemoryCache()) as client:
            run(code, {**names, "client": client})
    else:
        setup = "async with AsyncSiperb(strict=True, cache=MemoryCache()) as client:\n"
        run(setup + textwrap.indent(code, "    "), names)
    assert world.requests or name.endswith(".logout")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in NAMES
        if name not in CALLS and "Example:" in (inspect.getdoc(NAMES[name]) or "") and "siperb.phone" not in name
    ],  # those of a phone need somebody to call: see test_phone_docstrings.py
)
def test_the_example_of_another_name_runs(siperb_server: SiperbServer, name: str) -> None:
    with Siperb(strict=True, state=None) as client:
        provisioning = client.get_provisioning(client.get_devices()[0].device_token)
        run(example(NAMES[name]), {**names_of(siperb_server), "client": client, "provisioning": provisioning})


def test_the_example_of_a_fault_fails_as_it_says(siperb_server: SiperbServer) -> None:
    run(example(SiperbServer.fail), names_of(siperb_server))
    assert [order.steps for order in siperb_server.faults] == [(Status(503),), (Status(429, retry_after=1),)]
