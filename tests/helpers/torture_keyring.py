"""Many threads and processes on one keyring for a while, one of them killed again and again; prints what happened.

    tests/secret_service.sh python tests/helpers/torture_keyring.py --seconds 20 [--without-lock]

The exit status is 1 if a reader saw a record that nobody wrote, if a record or its name in the index was lost, if the
keyring's daemon was replaced, or if the cache warned of anything.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from typing import Any

from siperb.cache import Key, KeyringCache, Record, lockfile

ORIGIN, USER = "https://api.example", "torture"
OWNER = Key.scope_of(ORIGIN, USER)
SHARED = Key.of(ORIGIN, USER, "prov", "shared")
SIZES = [200, 6_000, 6_000, 150_000]  # the last is a record in parts, also on Secret Service


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--threads", type=int, default=2, help="in each process")
    options.add_argument("--without-lock", action="store_true", help="as where no lock file can be had")
    options.add_argument("--worker", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.without_lock:
        lockfile._directories = list
    if chosen.worker:
        print(json.dumps(work(chosen.worker, chosen.threads, chosen.seconds)))
        return 0
    result = torture(chosen.seconds, chosen.processes, chosen.threads, ["--without-lock"] * chosen.without_lock)
    print(json.dumps(result, indent=1))
    faults = sum(result[name] for name in ("torn", "lost", "aborts", "warnings"))
    return 0 if result["forgotten"] and not faults else 1


def torture(seconds: float, processes: int, threads: int, options: list[str]) -> dict[str, Any]:
    daemon = daemon_pid()
    command = [sys.executable, __file__, *options, "--threads", str(threads), "--seconds", str(seconds), "--worker"]
    workers = [
        subprocess.Popen([*command, f"worker{number}"], stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    kills = kill_one_after_the_other([*command, "victim"], until=time.monotonic() + seconds)
    outputs = [json.loads(worker.communicate(timeout=seconds + 120)[0]) for worker in workers]
    total: dict[str, Any] = {
        name: sum(output[name] for output in outputs) for name in ("loads", "saves", "evictions", "torn", "warnings")
    }
    cache = KeyringCache(timeout=60)
    last = {tuple(key): generation for output in outputs for key, generation in output["last"]}
    named = set(cache.stored(OWNER))
    found = {key: cache.load(Key(*key)) for key in last}
    lost = [key for key, record in found.items() if record is None or record.generation != last[key]]
    unnamed = [key for key in last if Key(*key) not in named]
    total.update(
        kills=kills,
        lost=len(lost) + len(unnamed),
        forgotten=cache.forget(OWNER),
        aborts=int(daemon_pid() != daemon),
        slowest_call=max(output["slowest"] for output in outputs),
    )
    return total


def kill_one_after_the_other(command: list[str], until: float) -> int:
    kills = 0
    while time.monotonic() < until:
        victim = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            victim.wait(random.uniform(0.4, 1.2))
        except subprocess.TimeoutExpired:
            kills += 1
        victim.kill()
        victim.wait()
    return kills


def work(name: str, threads: int, seconds: float) -> dict[str, Any]:
    """Load, save and evict the shared record, and save records of our own, which nobody else touches."""
    cache = KeyringCache(timeout=60)
    warnings = Counter()
    logging.getLogger("siperb").addHandler(warnings)
    counts = {"loads": 0, "saves": 0, "evictions": 0, "torn": 0, "slowest": 0.0}
    last: dict[Key, str] = {}
    until = time.monotonic() + seconds

    def run(thread: int) -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            mine = Key.of(ORIGIN, USER, "prov", name, str(thread), str(turn % 4))
            action = random.choice(["load", "load", "save", "save", "own", "evict"])
            began = time.monotonic()
            if action == "load":
                record = cache.load(SHARED)
                counts["loads"] += 1
                counts["torn"] += record is not None and not is_whole(record)
            elif action == "evict":
                counts["evictions"] += cache.evict(SHARED)
            else:
                key, record = (SHARED, new_record()) if action == "save" else (mine, new_record())
                if cache.save(key, record, owner=OWNER):
                    counts["saves"] += 1
                    if key == mine:
                        last[mine] = record.generation
            counts["slowest"] = max(counts["slowest"], round(time.monotonic() - began, 3))

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return {**counts, "warnings": warnings.count, "last": [((k.scope, k.kind), g) for k, g in last.items()]}


class Counter(logging.Handler):
    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        print(record.getMessage(), file=sys.stderr)


def new_record() -> Record:
    """A payload of one character over and over: a mixture would show."""
    character = random.choice("abcdefghijklmnopqrstuvwxyz")
    payload = character * random.choice(SIZES)
    return Record.new(payload, now=time.time, random=random.random)


def is_whole(record: Record) -> bool:
    return len(record.payload) in SIZES and len(set(record.payload)) == 1


def daemon_pid() -> int:
    """The process that answers as the Secret Service; 0 where there is none."""
    if "SIPERB_TEST_SECRET_SERVICE" not in os.environ:
        return 0
    from secret_service_faults import daemon_pid

    return daemon_pid()


if __name__ == "__main__":
    sys.exit(main())
