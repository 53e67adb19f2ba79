"""`KeyringCache` on a real Secret Service, healthy and not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cache_contract import CacheContract

from siperb.cache import Cache, KeyringCache

pytestmark = pytest.mark.secret_service

TESTS = Path(__file__).parents[1]
SCRIPT = TESTS / "secret_service.sh"


@pytest.fixture(autouse=True, scope="module")
def _secret_service() -> None:
    if os.environ.get("SIPERB_TEST_SECRET_SERVICE"):
        return
    reason = "no private Secret Service: run tests/secret_service.sh python -m pytest -m secret_service"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class TestSecretService(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return KeyringCache(timeout=30)

    def test_it_is_the_real_one(self) -> None:
        cache = KeyringCache(timeout=30)
        cache.check()
        assert cache.backend() == "keyring.backends.SecretService.Keyring"


@pytest.mark.parametrize("fault", ["stopped", "stopped_at_exit", "killed", "locked", "prompt"])
def test_a_fault_of_the_daemon_is_a_miss_in_time_and_a_warning(fault: str) -> None:
    run([str(SCRIPT), sys.executable, str(TESTS / "helpers" / "secret_service_faults.py"), fault])


@pytest.mark.parametrize(
    "scenario",
    ["one_connection", "idle", "forked", "lost_connection", "stale_session", "locked_meanwhile", "strange_insides"],
)
def test_one_connection_is_kept_and_another_opened_where_it_is_of_no_use(scenario: str) -> None:
    run([str(SCRIPT), sys.executable, str(TESTS / "helpers" / "secret_service_faults.py"), scenario])


def test_threads_and_processes_beside_each_other_lose_and_tear_nothing() -> None:
    """For SIPERB_TEST_TORTURE_SECONDS (6); each process has two threads, and one is killed again and again."""
    seconds = os.environ.get("SIPERB_TEST_TORTURE_SECONDS", "6")
    command = [sys.executable, str(TESTS / "helpers" / "torture_keyring.py"), "--seconds", seconds]
    result: dict[str, Any] = json.loads(run([str(SCRIPT), *command]))
    print(result)
    assert (result["torn"], result["lost"], result["aborts"], result["warnings"]) == (0, 0, 0, 0)
    assert result["loads"]
    assert result["saves"]
    assert result["forgotten"]


def run(command: list[str]) -> str:
    search = os.pathsep.join([str(TESTS.parent), *filter(None, sys.path)])
    answer = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout
