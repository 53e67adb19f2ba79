"""The pytest plugin, seen from a project that uses it."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HEAVY = {"aiohttp", "asyncio", "attr", "cattrs", "keyring", "requests", "ssl", "siperb.testing.server"}


def test_the_fixture_is_a_running_api_that_the_environment_names(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPERB_PAT", "the developer's own")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "internal.example")
    monkeypatch.delenv("SIPERB_BASE_URL", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    pytester.makepyfile("""
        import os
        import pytest
        import requests

        def log_in():
            "Code under test: it knows nothing of the fixture."
            headers = {"Authorization": f"Bearer {os.environ['SIPERB_PAT']}"}
            return requests.post(f"{os.environ['SIPERB_BASE_URL']}/Login", headers=headers, timeout=10)

        @pytest.fixture(scope="module")
        def servers():
            return []

        @pytest.mark.parametrize("time", [1, 2])
        def test_in_use(siperb_server, servers, time):
            assert siperb_server not in servers
            servers.append(siperb_server)
            assert log_in().json()["UserId"] == siperb_server.user.user_id
            assert [request.route for request in siperb_server.requests] == ["login"]
            assert os.environ["no_proxy"] == "internal.example,127.0.0.1"
            assert os.environ["NO_PROXY"] == "127.0.0.1"
            assert os.environ["http_proxy"] == "http://127.0.0.1:9"

        def test_afterwards(servers):
            assert len(servers) == 2
            for server in servers:
                assert "stopped" in repr(server)
            assert os.environ["SIPERB_PAT"] == "the developer's own"
            assert "SIPERB_BASE_URL" not in os.environ
            assert os.environ["no_proxy"] == "internal.example"
            assert "NO_PROXY" not in os.environ
    """)
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:asyncio")
    result.assert_outcomes(passed=3)


def test_the_fixture_says_what_it_does(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "-v", "-p", "no:asyncio")
    result.stdout.fnmatch_lines(["siperb_server*", "*SIPERB_BASE_URL*SIPERB_PAT*"])


def test_the_plugin_comes_with_the_package() -> None:
    (entry,) = importlib.metadata.entry_points(group="pytest11", name="siperb")
    assert entry.value == "pytest_siperb"
    assert vars(entry.load())["siperb_server"]


@pytest.mark.parametrize("file", ["siperb/__init__.py", "siperb.py"])
def test_a_project_may_have_a_package_named_siperb(pytester: pytest.Pytester, file: str) -> None:
    (pytester.path / file).parent.mkdir(exist_ok=True)
    (pytester.path / file).write_text("MINE = 1")
    pytester.makepyfile("""
        import siperb

        def test_it_is_the_projects_own():
            assert siperb.MINE == 1

        def test_the_fixture(siperb_server):
            raise AssertionError
    """)
    for run in (
        pytester.runpytest_subprocess("-p", "no:asyncio"),
        pytester.run(Path(sys.executable).with_name("pytest"), "-p", "no:asyncio"),
    ):
        run.assert_outcomes(passed=1, errors=1)
        run.stdout.fnmatch_lines([f"siperb: *{file} hides the Siperb SDK, so there is no siperb_server. Rename it*"])


def test_the_header_says_nothing_where_the_sdk_is_found(pytester: pytest.Pytester) -> None:
    assert "hides" not in pytester.runpytest_subprocess("-p", "no:asyncio").stdout.str()


def test_loading_the_plugin_loads_nothing_else() -> None:
    """A project that has siperb installed pays for it in every run of pytest, whether it uses the fixture or not."""
    loaded = modules_after("import pytest, sys; before = set(sys.modules); import pytest_siperb")
    assert "pytest_siperb" in loaded
    assert loaded.isdisjoint(HEAVY)


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded by the code, since it set `before`."""
    code += "; print(*sys.modules.keys() - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())
