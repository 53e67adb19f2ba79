"""Sends a task that is answered, one that is held beyond its soft time limit, and one that is answered again."""

import os
import subprocess
import sys

from siperb.testing import Hold, SiperbServer

ALONE = "--without-gossip", "--without-mingle", "--without-heartbeat"

with SiperbServer() as server:
    os.environ.update(SIPERB_BASE_URL=server.base_url, SIPERB_PAT=server.pat)
    from celery_app import devices

    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--concurrency=1", "--loglevel=ERROR", *ALONE]
    )
    try:
        for kind in "sync", "async":
            print(devices.delay(kind).get(timeout=120, interval=0.05))
            server.fail("devices", Hold())
            print(devices.apply_async([kind], soft_time_limit=1).get(timeout=120, interval=0.05))
            print(devices.delay(kind).get(timeout=120, interval=0.05))
    finally:
        worker.terminate()
        worker.wait()
