"""AsyncSiperb under trio is refused in a sentence; Siperb serves in a thread of trio's."""

from functools import partial

import trio

from siperb import AsyncSiperb, ConfigurationError, Siperb


async def main():
    client = AsyncSiperb()
    for call in client.login, client.get_devices, partial(client.get_provisioning, "token"):
        try:
            await call()
        except ConfigurationError as error:
            print(error)
    await client.close()
    with Siperb(strict=True) as blocking:
        print(len(await trio.to_thread.run_sync(blocking.get_devices)))


trio.run(main)
