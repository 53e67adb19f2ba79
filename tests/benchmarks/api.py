"""The loopback API in a process of its own, so that it takes no time of the measured one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from attrs import field, frozen

from siperb.testing import Delay, SiperbServer
from tests.benchmarks.processes import ROOT, environment

PHONES = 256
MANY = 10_000


@frozen
class Api:
    """base_url, and two users: one with `PHONES` script devices, one with `MANY`."""

    base_url: str
    pat: str
    user_id: str
    session_token: str
    phones: list[str] = field(repr=False)
    pat_of_many: str
    many_user_id: str
    many_session_token: str
    process: psutil.Process

    def cpu(self) -> float:
        """CPU seconds that the server has taken."""
        times = self.process.cpu_times()
        return times.user + times.system

    def environment(self) -> dict[str, str]:
        """What the programs are told, and no more."""
        return environment(
            SIPERB_BASE_URL=self.base_url,
            SIPERB_PAT=self.pat,
            DEVICE_TOKEN=self.phones[0],
        )


@contextmanager
def running_api(seconds: float = 0.0) -> Iterator[Api]:
    """seconds: that it takes for each answer."""
    command = [sys.executable, "-m", "tests.benchmarks.api", str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment()
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield Api(**json.loads(process.stdout.readline()), process=psutil.Process(process.pid))
        finally:
            process.stdin.close()


def _serve() -> None:
    """Until standard input ends."""
    today = float(int(time.time()))  # one second for all answers: their JWTs need not be signed anew
    server = SiperbServer(users=2, keep_requests=False, now=lambda: today)
    one, other = server.users
    phones = [device.token for device in server.add_devices(PHONES, one)]
    server.add_devices(MANY - len(other.devices), other)
    if seconds := float(sys.argv[1]):
        server.fail(None, Delay(seconds), times=None)
    with server:
        told = {
            "base_url": server.base_url,
            "pat": one.pat,
            "user_id": one.user_id,
            "session_token": one.session_token,
            "phones": phones,
            "pat_of_many": other.pat,
            "many_user_id": other.user_id,
            "many_session_token": other.session_token,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _serve()
