"""One WebSocket to the registrar (RFC 7118), which comes back by itself, with growing pauses."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from math import inf

import aiohttp

from siperb.errors import RegistrarError, SiperbError
from siperb.phone.messages import USER_AGENT, masked
from siperb.phone.tasks import LOG, Tasks
from siperb.sip.message import Message, read_message
from siperb.sip.registrar import FAILURES, PAGE, TURN, connected, content_of, failure_of

CONNECT = 10.0  # seconds, for all of it
SILENCE = 20.0  # seconds after which the registrar is asked for a sign of life
SIGN = 10.0  # seconds, for that sign
PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # seconds between attempts
STEADY = 10.0  # seconds after which a connection is a good one: a registrar may take each, and drop it
GOODBYE = 0.5  # seconds
MAX_OUTBOX = 512  # messages that the registrar does not take


class Connection:
    """Takes messages to the registrar, and brings its messages.

    on_message: is called with each message that came.
    on_change: is called with True when the WebSocket stands, and with False when it is lost.
    """

    def __init__(self, url: str, on_message: Callable[[Message], None], on_change: Callable[[bool], None]) -> None:
        self._url = url
        self._on_message = on_message
        self._on_change = on_change
        self._outbox: asyncio.Queue[str] | None = None
        self._signs = 0  # of life
        self._attempts = 0
        self._tasks = Tasks()
        self._running: asyncio.Task[None] | None = None
        self._is_leaving = asyncio.Event()
        self.is_up: asyncio.Event = asyncio.Event()

    async def open(self) -> None:
        """Connect for the first time.

        Raises:
            RegistrarError: The registrar cannot be reached.
            ConfigurationError: The environment's CA bundle or proxy cannot be used.
        """
        opened: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._running = self._tasks.spawn(self._run(opened))
        failure = await opened
        if failure:
            try:
                raise failure
            finally:
                del failure

    async def close(self) -> None:
        """Hang up, and come back no more."""
        if self._outbox:
            with suppress(asyncio.TimeoutError):  # let the last messages go out
                await asyncio.wait_for(self._outbox.join(), GOODBYE)
        self._is_leaving.set()
        if self._running:
            await asyncio.wait([self._running], timeout=GOODBYE)
        await self._tasks.cancel()
        for _ in range(3):  # turns of the loop in which an aborted connection closes its socket
            await asyncio.sleep(0)

    def send(self, text: str) -> None:
        """Send the message soon. It is lost if the connection is."""
        LOG.debug(">>> %s", _Masked(text))
        if self._outbox and not self._outbox.full():
            self._outbox.put_nowait(text)

    async def _run(self, opened: asyncio.Future[Exception | None]) -> None:
        while True:
            began = inf
            try:
                async with AsyncExitStack() as stack:
                    entering = stack.enter_async_context(connected(self._url, PAGE, CONNECT, USER_AGENT))
                    websocket = await asyncio.wait_for(entering, CONNECT)
                    if not opened.done():
                        opened.set_result(None)
                    began = time.monotonic()
                    await self._converse(websocket)
                if self._is_leaving.is_set():
                    return None
                reason = "it was silent for too long"
            except Exception as error:  # of the environment too, which may be mended while the phone runs
                failure = failure_of(error) if isinstance(error, FAILURES) else error.with_traceback(None)
                if not opened.done():
                    return opened.set_result(failure)
                reason = str(failure) if isinstance(failure, SiperbError) else type(failure).__name__
            if time.monotonic() - began > STEADY:
                self._attempts = 0  # the next loss is the first again
            pause = PAUSES[min(self._attempts, len(PAUSES) - 1)] * random.uniform(0.75, 1.25)  # noqa: S311
            self._attempts += 1
            LOG.warning("The phone lost its registrar, and tries again in %.1f s: %s", pause, reason)
            await asyncio.sleep(pause)

    async def _converse(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """Send and receive until the connection is over."""
        outbox = self._outbox = asyncio.Queue(MAX_OUTBOX)
        work = [self._read(websocket), self._write(websocket, outbox), self._watch(websocket), self._is_leaving.wait()]
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            self.is_up.set()
            self._on_change(True)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.is_up.clear()
            self._outbox = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._on_change(False)

    async def _read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        turn_began = time.monotonic()
        while True:
            frame = await websocket.receive()
            self._signs += 1
            if frame.type is aiohttp.WSMsgType.PING:
                await websocket.pong(frame.data)
            if content := content_of(frame).lstrip(b"\r\n"):
                self._take(content)
            if time.monotonic() - turn_began > TURN:  # a message that has come already is received without a wait
                await asyncio.sleep(0)
                turn_began = time.monotonic()

    def _take(self, content: bytes) -> None:
        try:
            message = read_message(content)
        except RegistrarError as error:
            LOG.debug("<<< %d bytes passed over: %s", len(content), error)
            return
        LOG.debug("<<< %s", _Masked(content))
        try:
            self._on_message(message)
        except Exception:
            LOG.exception("A message of the registrar's was not understood")

    async def _write(self, websocket: aiohttp.ClientWebSocketResponse, outbox: asyncio.Queue[str]) -> None:
        while True:
            text = await outbox.get()
            await websocket.send_str(text)
            outbox.task_done()
            del text

    async def _watch(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """Return when there is no sign of life any more."""
        signs = -1
        while signs != self._signs:
            signs = self._signs
            await asyncio.sleep(SILENCE)
            if signs == self._signs:
                await asyncio.wait_for(websocket.ping(), SIGN)
                await asyncio.sleep(SIGN)


class _Masked:
    """A message whose secrets are masked when the log asks for its text."""

    def __init__(self, content: str | bytes) -> None:
        self._content = content

    def __str__(self) -> str:
        text = self._content if isinstance(self._content, str) else self._content.decode(errors="replace")
        return masked(text)
