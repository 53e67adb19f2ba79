"""Tasks with a client of each kind, made and used before the pool forks."""

import asyncio
import os

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

from siperb import AsyncSiperb, Siperb

folder = os.environ["TMPDIR"]
for name in "queue", "results", "control":
    os.makedirs(f"{folder}/{name}", exist_ok=True)
app = Celery("celery_app", broker="filesystem://", backend=f"file://{folder}/results")
app.conf.update(
    broker_transport_options={
        "data_folder_in": f"{folder}/queue",
        "data_folder_out": f"{folder}/queue",
        "control_folder": f"{folder}/control",
        "polling_interval": 0.1,
    },
    broker_connection_retry_on_startup=False,
)
client = Siperb(strict=True)
async_client = AsyncSiperb(strict=True)
client.get_devices()


async def devices_async():
    return await async_client.get_devices()


asyncio.run(devices_async())


@app.task
def devices(kind):
    try:
        return len(client.get_devices() if kind == "sync" else asyncio.run(devices_async()))
    except SoftTimeLimitExceeded:
        return "the soft time limit"
