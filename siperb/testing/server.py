"""The loopback Siperb API: a real HTTP server on 127.0.0.1 that tests, programs and other languages can talk to."""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import Callable

from aiohttp import web

from siperb.errors import ConfigurationError
from siperb.testing.accounts import Accounts
from siperb.testing.answers import Answer, refuse
from siperb.testing.api import answer
from siperb.testing.data import DAY
from siperb.testing.exchange import Exchange, to_response
from siperb.testing.faults import Fault
from siperb.testing.listener import HOST, Listener
from siperb.testing.orders import Order, Orders
from siperb.testing.paths import Route, find_target
from siperb.testing.recorder import RecordedRequest, Recorder


class SiperbServer(Accounts):
    """A Siperb API of your own, with made-up users and devices, and with faults on order.

    It runs in a thread with an event loop of its own, between `with` or `async with`, or `start()` and `stop()`:

        with SiperbServer() as server, Siperb(server.pat, base_url=server.base_url) as client:
            server.fail("login", Status(503))
            client.login()
            assert len(server.requests) == 2

    `port` 0 is any free one; stopped and started again it keeps the one it had. With `ssl_context` it speaks https.
    `keep_requests=False` records none, for a server that runs for long. A user has three devices to begin with; all
    values follow from `seed`. Lists come in pages of `page_size`, and whole when it is None; `seats` is how many domain
    users an administrator may create, None any number. These, `now`, `jwt_lifetime` and `session_lifetime` (seconds)
    may be set while it runs.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        users: int = 1,
        seed: object = "siperb",
        now: Callable[[], float] = time.time,
        jwt_lifetime: float = DAY,
        session_lifetime: float = 25 * DAY,
        keep_requests: bool = True,
        seats: int | None = None,
        page_size: int | None = None,
    ) -> None:
        super().__init__(
            users=users,
            seed=seed,
            now=now,
            jwt_lifetime=jwt_lifetime,
            session_lifetime=session_lifetime,
            seats=seats,
            page_size=page_size,
        )
        self.port: int = port
        self._ssl_context = ssl_context
        self._recorder = Recorder(keep_requests)
        self._orders = Orders()
        self._listener: Listener | None = None

    def __repr__(self) -> str:
        state = f"at {self.base_url}" if self._listener else "stopped"
        return f"<SiperbServer {state}, {len(self.users)} users, {len(self.requests)} requests>"

    @property
    def base_url(self) -> str:
        """For `base_url` or `SIPERB_BASE_URL`. RuntimeError before the first start: the port is not known yet."""
        if not self.port:
            raise RuntimeError("the server has no address yet: start it, or use it in a with statement")
        return f"{'https' if self._ssl_context else 'http'}://{HOST}:{self.port}"

    def start(self) -> None:
        """Serve. OSError if the port is taken, RuntimeError if the server runs already."""
        listener = self._listen()
        listener.serving.block()
        self._check(listener)

    def stop(self) -> None:
        """Cut every connection, release the port, end the thread. Nothing happens if the server does not run."""
        if listener := self._hang_up():
            listener.join()

    def __enter__(self) -> SiperbServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> SiperbServer:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("`async with SiperbServer()` needs asyncio: use `with SiperbServer()`.") from None
        listener = self._listen()
        try:
            await listener.serving.wait()
        except asyncio.CancelledError:
            self.stop()
            raise
        self._check(listener)
        return self

    async def __aexit__(self, *_: object) -> None:
        if listener := self._hang_up():
            await listener.stopped.wait()
            listener.join()

    @property
    def requests(self) -> list[RecordedRequest]:
        """What came so far, or since `clear()`, in the order of arrival; those that a fault met too."""
        return self._recorder.all()

    def clear(self) -> None:
        """Forget the requests that came. Faults, users and sessions stay."""
        self._recorder.clear()

    def wait_for_requests(
        self, count: int, timeout: float = 30.0, *, route: Route | None = None
    ) -> list[RecordedRequest]:
        """Block until `count` requests (of one route) have come since `clear()`; all of them.

        TimeoutError after `timeout` seconds. A request counts when it has arrived, before it is answered.
        """
        return self._recorder.block(count, timeout, route)

    async def requests_arrived(
        self, count: int, timeout: float = 30.0, *, route: Route | None = None
    ) -> list[RecordedRequest]:
        """`wait_for_requests` for a task: the event loop goes on."""
        return await self._recorder.wait(count, timeout, route)

    def fail(self, route: Route | None, *faults: Fault, times: int | None = 1, method: str | None = None) -> None:
        """Let the next `times` requests of a route (None: of any) meet the faults; `times=None`: all to come.

        With `method`, such as "POST", the requests of that method alone.

        Several faults are steps of one answer: `fail("devices", Hold(), Status(503))`. Several calls are one after the
        other: two 503 and then a 429 are `fail(…, Status(503), times=2)` and `fail(…, Status(429))`.
        """
        self._orders.add(route, faults, times, method)

    @property
    def faults(self) -> list[Order]:
        """What is still on order: a test may end with `assert not server.faults`."""
        return self._orders.waiting()

    def clear_faults(self) -> None:
        """Cancel all orders; what is held or delayed already stays so."""
        self._orders.clear()

    def _listen(self) -> Listener:
        if self._listener:
            raise RuntimeError("the server runs already: stop it first")
        self._listener = Listener(self._handle, self.port, self._ssl_context)
        self.port = self._listener.port
        return self._listener

    def _check(self, listener: Listener) -> None:
        if listener.failure:
            self.stop()
            raise listener.failure

    def _hang_up(self) -> Listener | None:
        listener, self._listener = self._listener, None
        if listener:
            listener.stop()
        return listener

    def _is_asked(self, request: web.BaseRequest) -> bool:
        """Whether the request is for this server: a web page may have another name look up as 127.0.0.1."""
        usual_port = ":443" if self._ssl_context else ":80"
        hosts = [f"{name}:{self.port}".removesuffix(usual_port) for name in (HOST, "localhost", "[::1]")]
        return request.headers.get("Host", "").lower().removesuffix(usual_port) in hosts

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._is_asked(request):
            return to_response(refuse(421, f"This server is {self.base_url}, and answers to no other Host"))
        path_qs = request.raw_path
        path, _, query = path_qs.partition("?")
        target = find_target(request.method, path)
        body = await request.read() if request.body_exists else b""
        recorded = RecordedRequest(request.method, target.route, path, path_qs, request.headers, body)
        steps = self._orders.take(target.route, request.method)
        self._recorder.add(recorded)

        @functools.cache
        def true_answer() -> Answer:
            return answer(self, request.method, target, query, request.headers, body)

        exchange = Exchange(recorded, true_answer, request)
        try:
            for step in steps:
                given = await step.apply(exchange)
                if given is not None:
                    return to_response(given) if isinstance(given, Answer) else given
        except ConnectionError:
            return exchange.hang_up()
        return to_response(true_answer())
