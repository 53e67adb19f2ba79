"""Clients that are made and used before the processes start: argv names how they start."""

import asyncio
import multiprocessing
import sys

from siperb import AsyncSiperb, Siperb

client = Siperb(strict=True)
async_client = AsyncSiperb(strict=True)


async def devices_async():
    return await async_client.get_devices()


def work(_):
    return len(client.get_devices()), len(asyncio.run(devices_async()))


async def parent(context):
    """The pool is begun while connections are open in the parent, and in its running loop."""
    await async_client.get_devices()
    client.get_devices()
    with context.Pool(2) as pool:
        print(sorted(set(pool.map(work, range(4)))))
        try:
            pool.map(client.get_user, [None])
        except TypeError as error:
            print(error)
    print(len(client.get_devices()), len(await async_client.get_devices()))
    await async_client.close()
    client.close()


if __name__ == "__main__":
    multiprocessing.set_forkserver_preload(["__main__"])
    asyncio.run(parent(multiprocessing.get_context(sys.argv[1])))
