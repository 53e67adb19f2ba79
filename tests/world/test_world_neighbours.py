"""Packages that patch the HTTP libraries, watch them, or run the tests of a program."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.world


def test_vcrpy(place: Any) -> None:
    assert place("recorders").run("beside_vcrpy.py") == "True True\n" * 2


def test_requests_cache(place: Any) -> None:
    assert place("recorders").run("beside_requests_cache.py").splitlines() == [
        "4 3",
        "4 2",
        "[]",
    ]  # its own session keeps answers: that is what it is for


def test_sentry(place: Any) -> None:
    count, is_reported, secrets = place("sentry").run("beside_sentry.py").split(" ", 2)
    assert int(count) >= 4
    assert is_reported == "True"
    assert secrets == "[]\n"


# In its mode "auto" pytest-asyncio runs the tests of anyio's plugin too, on asyncio.
@pytest.mark.parametrize(("mode", "chosen", "passed"), [("strict", "", 8), ("auto", "not trio", 7)])
def test_pytest_with_its_plugins(place: Any, mode: str, chosen: str, passed: int) -> None:
    options = "-n", "2", "-p", "no:cacheprovider", f"--asyncio-mode={mode}", "-k", chosen
    said = place("pytest").run("-m", "pytest", "-c", "pytest/pytest.ini", *options, "pytest")
    assert f"{passed} passed" in said, said
