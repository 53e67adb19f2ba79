"""A thread with an event loop that serves an aiohttp handler on 127.0.0.1, and that leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from siperb.testing.signals import Signal

HOST: Final = "127.0.0.1"
BACKLOG: Final = 1024
LONGEST_LINE: Final = 1024 * 1024

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """Listens from its construction on; OSError if the port is taken. `port` 0 is any free one.

    `serving` and `stopped` are signals; `failure` is why it could not serve. A handler is cancelled when its client
    hangs up, and by `stop`.
    """

    def __init__(self, handler: Handler, port: int, ssl_context: ssl.SSLContext | None) -> None:
        self.serving: Signal = Signal()
        self.stopped: Signal = Signal()
        self.failure: BaseException | None = None
        self._handler = handler
        self._ssl_context = ssl_context
        self._stop = Signal()
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name=f"siperb-server-{self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin to stop: `stopped` and `join` tell when that is done."""
        self._stop.set()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            loop = asyncio.SelectorEventLoop()
            try:
                loop.run_until_complete(self._serve(loop))
            finally:
                loop.close()
        except BaseException as failure:
            self.failure = failure
        finally:
            self._socket.close()
            self.serving.set()
            self.stopped.set()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        http = web.Server(
            self._handler,
            handler_cancellation=True,
            access_log=None,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        # Not loop.create_server: its close() leaks a connection that was accepted in the same turn of the loop.
        opening: set[asyncio.Task[None]] = set()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    task = loop.create_task(self._open(loop, http, self._socket.accept()[0]))
                    opening.add(task)
                    task.add_done_callback(opening.discard)

        loop.add_reader(self._socket, accept)
        self.serving.set()
        await self._stop.wait()
        loop.remove_reader(self._socket)
        self._socket.close()
        await asyncio.sleep(0)  # each task takes charge of its connection
        for task in opening:
            task.cancel()
        while opening or http.connections:
            for connection in http.connections:
                if connection.transport:
                    connection.transport.abort()
            await asyncio.sleep(0)

    async def _open(self, loop: asyncio.AbstractEventLoop, http: web.Server, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client hung up, or the TLS handshake failed
            await loop.connect_accepted_socket(http, connection, ssl=self._ssl_context)


def _listen(port: int) -> socket.socket:
    try:
        listening = socket.create_server((HOST, port), backlog=BACKLOG)
    except OSError as error:
        reason = f"cannot listen on port {port} of {HOST} ({error.strerror}): choose another, or 0 for any free one"
        raise OSError(error.errno, reason) from None
    listening.setblocking(False)
    return listening
