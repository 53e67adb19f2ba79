"""Processes that are started with clients made before, and task queues."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.world


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_multiprocessing(place: Any, start: str) -> None:
    counts, refusal, parent = place("bare").run("multiprocessing_pool.py", start).splitlines()
    assert counts == "[(2, 2)]"
    assert refusal.startswith("Siperb cannot be copied or pickled")
    assert parent == "2 2"


def test_celery_prefork_with_a_soft_time_limit(place: Any) -> None:
    said = place("celery").run("celery_client.py").splitlines()
    assert [line for line in said if line in ("2", "the soft time limit")] == ["2", "the soft time limit", "2"] * 2
