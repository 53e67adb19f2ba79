"""The examples run as they are, each in a process of its own, against the loopback API."""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from patience import patient_python

from siperb.testing import SiperbServer

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (["quickstart.py"], "Logged in as user {user}\nDevice: Front Desk\nDevice: Door bell\nSIP user: "),
        (["quickstart_async.py"], "Logged in as user {user}\nDevice: Front Desk is SIP user "),
        (["cached.py", "Door bell"], "u"),
        (["own_cache.py"], "2 devices\n2 devices\n"),
        (["bulk.py"], '{{"user": "u'),
        (["bulk_async.py"], "2 phones provisioned\n"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_example_runs(siperb_server: SiperbServer, command: list[str], output: str) -> None:
    script, *arguments = command
    run = subprocess.run(
        patient_python("script", str(EXAMPLES / script), *arguments),
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0
    assert run.stderr == ("\n1 of 2\n2 of 2" if script == "bulk.py" else "")
    assert run.stdout.startswith(output.format(user=siperb_server.user.user_id))


def test_the_service_hands_out_a_phone_and_keeps_the_token(siperb_server: SiperbServer) -> None:
    async def get_phone() -> tuple[int, str, str]:
        app = runpy.run_path(str(EXAMPLES / "service_async.py"))["app"]()
        async with TestClient(TestServer(app)) as client, client.get("/phone") as answer:
            return answer.status, answer.headers["Cache-Control"], await answer.text()

    status, caching, text = asyncio.run(get_phone())
    assert (status, caching) == (200, "no-store")
    assert '"uri": "sip:' in text
    assert siperb_server.pat not in text


def test_the_example_test_passes(pytester: pytest.Pytester) -> None:
    pytester.copy_example(str(EXAMPLES / "test_with_fixtures.py"))
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=4)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(example: Path) -> None:
    assert len(example.read_text().splitlines()) <= 40
