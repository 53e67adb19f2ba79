"""Async views of Flask with one global client: each view runs in an event loop of its own."""

import os
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from werkzeug.serving import make_server

from siperb import AsyncSiperb

app = Flask(__name__)
client = AsyncSiperb(strict=True)


@app.get("/")
async def devices():
    return str(len(await client.get_devices()))


def ask(_):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=120) as answer:
        return answer.read().decode()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


server = make_server("127.0.0.1", 0, app, threaded=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
try:
    ask(0)
    before = descriptors()
    with ThreadPoolExecutor(8) as threads:
        print(set(threads.map(ask, range(64))))
    ask(0)
    print(descriptors() - before < 16)
finally:
    server.shutdown()
    thread.join()
    server.server_close()
