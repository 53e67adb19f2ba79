"""Web servers and frameworks."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from places import Place

pytestmark = pytest.mark.world


@contextmanager
def gunicorn(place: Place, *options: str, **variables: str) -> Iterator[str]:
    """The address at which gunicorn serves `wsgi_app.py`."""
    options = ("--bind=127.0.0.1:0", "--workers=2", "--graceful-timeout=1", "--no-control-socket", *options)
    with place.running("-m", "gunicorn", *options, "wsgi_app:app", **variables) as process:
        said = ""
        for line in iter(process.stdout.readline, ""):  # type: ignore[union-attr]
            said += line
            if address := re.search(r"Listening at: (http://[\d.:]+)", line):
                yield address[1]
                return
        pytest.fail(said)


def ask(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def answers_of_two_workers(address: str) -> set[str]:
    workers: set[str] = set()
    answers: set[str] = set()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(25):
            for answer in threads.map(ask, [address] * 8):
                worker, _, rest = answer.partition(" ")
                workers.add(worker)
                answers.add(rest)
            if len(workers) == 2:
                return answers
    pytest.fail(f"one worker answers all: {workers} {answers}")


@pytest.mark.parametrize("used", [True, False], ids=["used before", "made before"])
def test_gunicorn_prefork_with_preloaded_app(place: Any, used: bool) -> None:
    with gunicorn(place("gunicorn"), "--preload", **({"USED_BEFORE_FORK": "1"} if used else {})) as address:
        assert answers_of_two_workers(address) == {"(2, 2)"}


def test_gunicorn_with_gevent(place: Any) -> None:
    with gunicorn(place("gevent"), "--worker-class=gevent", WITHOUT_ASYNCIO="1") as address:
        assert answers_of_two_workers(address) == {"(2, 0)"}


def test_gunicorn_with_gevent_that_patches_after_the_import_is_refused(place: Any) -> None:
    with gunicorn(place("gevent"), "--worker-class=gevent", "--preload", WITHOUT_ASYNCIO="1") as address:
        assert "ConfigurationError: gevent or eventlet has patched" in ask(address)


def test_flask_async_views_with_one_client(place: Any) -> None:
    assert place("flask").run("flask_app.py") == "{'2'}\nTrue\n"


def test_gevent(place: Any) -> None:
    said = place("gevent").run("under_gevent.py").splitlines()
    assert said == ["True", json.dumps([2] * 8), "2", "2"]
