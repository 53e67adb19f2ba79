"""The core does no I/O: it imports nothing that could, and the front door loads nothing before it is used."""

from __future__ import annotations

import ast
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import siperb
import siperb.core
import siperb.sip

PACKAGE = Path(siperb.__file__).parent


def rooms(package: ModuleType) -> list[str]:
    return [
        package.__name__,
        *(f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)),
    ]


SIP, CORE = map(rooms, (siperb.sip, siperb.core))
SIP.remove("siperb.sip.registrar")  # the one that asks, with aiohttp
PURE = ["siperb.errors", "siperb._readonly", "siperb.models", *SIP, *CORE]
NETWORK = {"requests", "urllib3", "aiohttp", "keyring"}
IO = {"asyncio", "socket", "ssl", "http.client", "threading", "selectors", "subprocess", "secrets"}


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has after this code, beyond those it has anyway."""
    before = "import sys; before = set(sys.modules)\n"
    after = "\nimport json; print(json.dumps(sorted(set(sys.modules) - before)))"
    command = [sys.executable, "-c", before + code + after]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return set(json.loads(done.stdout))


def test_the_core_and_its_company_load_no_network_and_no_keyring() -> None:
    loaded = loaded_by("\n".join(f"import {name}" for name in PURE))
    assert not loaded & NETWORK
    assert set(PURE) <= loaded
    own = {name for name in loaded if name.startswith("siperb.")}
    assert own == {*PURE, "siperb._version"}, "nothing imports upwards"


MAY_IMPORT = {
    "siperb.errors": set(),
    "siperb._readonly": set(),
    "siperb.models": {"siperb.errors", "siperb._readonly"},
    "siperb.core.wire": {"siperb.models", "siperb.errors", "siperb.core.structure"},
    **{name: {"siperb.models", "siperb.errors", *SIP} for name in SIP},
}


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_reads_no_clock_no_environment_and_no_file(name: str) -> None:
    """What it needs is handed in. Looked for in the source, imports within functions included."""
    path = PACKAGE.parent / name.replace(".", "/")
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    forbidden = {"time", "os", "random", "io", "pathlib", "tempfile"} | IO | NETWORK
    assert not imported & forbidden
    assert not {module.split(".")[0] for module in imported} & NETWORK
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"open", "print", "input", "eval", "exec"}
    own = {module for module in imported if module.startswith("siperb")}
    assert own <= MAY_IMPORT.get(name, own)
    assert all(module in PURE for module in own)


def test_import_siperb_loads_nothing_but_itself() -> None:
    loaded = loaded_by("import siperb")
    assert not loaded & {*NETWORK, "attr", "attrs", "cattrs", "logging", "asyncio"}
    assert {name for name in loaded if name.startswith("siperb")} == {"siperb", "siperb._version"}


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("from siperb import Siperb; Siperb('pat'); Siperb.login", NETWORK | {"cattrs.preconf", "asyncio"}),
        ("from siperb import SiperbAPI; SiperbAPI.login", NETWORK | {"asyncio"}),
        ("from siperb import AsyncSiperb; AsyncSiperb('pat')", NETWORK),
        ("from siperb import KeyringCache, MemoryCache; KeyringCache(), MemoryCache()", NETWORK | {"asyncio"}),
        ("from siperb import SiperbError, Session, Device, Provisioning", NETWORK | {"cattrs", "asyncio"}),
    ],
)
def test_a_library_is_loaded_by_the_call_that_needs_it(code: str, unwanted: set[str]) -> None:
    assert not loaded_by(code) & unwanted


def imports_of(path: Path) -> set[str]:
    """The modules that a module imports, within functions too, but not for type checkers alone."""
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo += node.orelse
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        else:
            found |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            todo += ast.iter_child_nodes(node)
    return found


PHONES = {"siperb.phone", *(f"siperb.phone.{path.stem}" for path in (PACKAGE / "phone").glob("*.py"))}


def test_nothing_imports_the_phone_and_it_imports_what_is_public_and_sip() -> None:
    for path in PACKAGE.rglob("*.py"):
        own = {name for name in imports_of(path) if name.split(".")[0] == "siperb"}
        if path.parent.name != "phone":
            assert not own & PHONES, path
        else:
            allowed = r"siperb\.(phone|sip|errors|models|_version)\b"
            assert {name for name in own if not re.match(allowed, name)} == set(), path


def test_a_phone_without_audio_needs_no_aiortc() -> None:
    loaded = loaded_by("from siperb.phone import Phone")
    assert {"aiohttp", "siperb.phone.phone"} <= loaded
    assert not loaded & {"aiortc", "av", "siperb.phone.media"}


def test_what_the_package_imports_itself_is_declared() -> None:
    """Those that declare it today may stop to need it."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text().partition("[dependency-groups]")[0]
    declared = {name.lower() for name in re.findall(r'"([A-Za-z0-9_-]+)(?:\[\w+\])?>=', project)}
    imported = {name.partition(".")[0].lower() for path in PACKAGE.rglob("*.py") for name in imports_of(path)}
    others = imported - sys.stdlib_module_names - {"siperb", "pytest"}  # which loads the plugin itself
    assert {"aiohttp", "yarl", "certifi", "secretstorage"} <= others
    assert others - declared == set()


def test_nothing_imports_in_a_circle() -> None:
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" and "cli" not in path.parts  # whose table of commands names their functions
    }
    graph = {name: imports_of(path) & paths.keys() for name, path in paths.items()}
    while leaves := [name for name, imported in graph.items() if not imported & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert sorted(graph) == []


def test_every_file_is_one_sitting() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path.name: lines for path, lines in lengths.items() if lines > 250} == {}
