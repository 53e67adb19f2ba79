"""Bombs and bodies without end cost no memory: measured in a process of its own, whose peak the system keeps."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from siperb.testing import Endless, Fault, GzipBomb, Redirect, SiperbServer, Status

HELPERS = Path(__file__).parents[1] / "helpers"
MIB = 2**20

OBJECTS = gzip.compress(b"[" + b"{}," * (10 * MIB) + b"0]")

# In this order, as a peak only rises. The 32 MiB that are read at most take as much again to be joined.
FAULTS: list[tuple[str, Fault, str, int]] = [
    ("a redirect with a long body", Redirect("/x", body=b" " * 96 * MIB), "APIResponseError", 24),
    ("an error with a long body", Status(500, body=b" " * 96 * MIB), "InternalServerError", 24),
    ("a body without end", Endless(), "APIResponseError", 64),
    (
        "31 MiB of empty objects",
        Status(200, headers={"Content-Encoding": "gzip"}, body=OBJECTS),
        "APIResponseError",
        80,
    ),
    ("a gzip bomb of 512 MiB", GzipBomb(512 * MIB), "APIResponseError", 80),
]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from Linux's /proc")
@pytest.mark.parametrize("kind", ["sync", "async", "sync-own", "async-own"])
def test_memory_stays_flat(server: SiperbServer, kind: str) -> None:
    for _, fault, _, _ in FAULTS:
        server.fail("devices", fault)
    command = [
        sys.executable,
        str(HELPERS / "peak_memory.py"),
        kind,
        server.base_url,
        server.pat,
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    for (name, _, expected, at_most), (error, mib, seconds) in zip(FAULTS, json.loads(run.stdout), strict=True):
        print(f"{kind}, {name}: {error}, {mib:.0f} MiB more, {seconds:.2f} s")
        assert error == expected
        assert mib < at_most, name
