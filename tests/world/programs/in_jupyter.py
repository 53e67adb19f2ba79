"""A notebook's cells: both facades in the kernel's running loop, interrupted while they wait, and run again."""

import os

from jupyter_client.manager import start_new_kernel

from siperb.testing import Hold, SiperbServer


def run(client, code, while_it_runs=lambda: None):
    """What the cell prints, or the name of its error."""
    cell = client.execute(code)
    while_it_runs()
    said = ""
    while True:
        message = client.get_iopub_msg(timeout=120)
        content = message["content"]
        if message["parent_header"].get("msg_id") != cell:
            continue
        if message["msg_type"] == "stream":
            said += content["text"]
        elif message["msg_type"] == "error":
            said += content["ename"]
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            client.get_shell_msg(timeout=120)
            return said.strip()


with SiperbServer() as server:
    os.environ.update(SIPERB_BASE_URL=server.base_url, SIPERB_PAT=server.pat)
    manager, client = start_new_kernel(startup_timeout=120)

    def interrupt():
        server.wait_for_requests(1, route="devices")
        manager.interrupt_kernel()

    try:
        cells = "len(Siperb.get_devices())", "len(client.get_devices())", "len(await async_client.get_devices())"
        print(run(client, "from siperb import *; client, async_client = Siperb(strict=True), AsyncSiperb(strict=True)"))
        for cell in cells:
            print(run(client, f"print({cell})"))
            server.clear()
            server.fail("devices", Hold())
            print(run(client, f"print({cell})", interrupt))
            print(run(client, f"print({cell})"))
        print(run(client, "client.close(); await async_client.close(); print('closed')"))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
