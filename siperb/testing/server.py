"""The loopback Siperb API: a real HTTP server on 127.0.0.1."""

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
    """A Siperb API of your own, with made-up users and devices, and with faults.

    It serves in a thread of its own, inside `with` or `async with`, or between `start()` and `stop()`. You may set
    `now`, `jwt_lifetime`, `session_lifetime`, `seats` and `page_size` while it runs.

    Args:
        port: The port. 0 means any free one, which the server keeps when it starts again.
        ssl_context: A context to serve https with.
        users: The number of users. Each has three devices.
        seed: Servers with one seed have the same values.
        now: The clock of the API, in seconds since the epoch.
        jwt_lifetime: The seconds that a JWT is valid.
        session_lifetime: The seconds that a session is valid.
        keep_requests: Record the requests. Turn it off for a server that runs for long.
        seats: The domain users that an administrator may create. None means any number.
        page_size: The entries on a page of a list. None sends lists whole.

    Example:
        ```python
        with SiperbServer() as server, Siperb(server.pat, base_url=server.base_url) as client:
            server.fail("login", Status(503))
            client.login()
            assert len(server.requests) == 2
        ```
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
        """The address for `base_url` or `SIPERB_BASE_URL`.

        Raises:
            RuntimeError: The server has not been started yet.
        """
        if not self.port:
            raise RuntimeError("the server has no address yet: start it, or use it in a with statement")
        return f"{'https' if self._ssl_context else 'http'}://{HOST}:{self.port}"

    def start(self) -> None:
        """Start to serve.

        Raises:
            OSError: The port is taken.
            RuntimeError: The server runs already.
        """
        listener = self._listen()
        listener.serving.block()
        self._check(listener)

    def stop(self) -> None:
        """Stop to serve, and cut every connection. It is safe to call twice."""
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
        """The requests so far, or since `clear()`, in the order of arrival. Those that met a fault are included."""
        return self._recorder.all()

    def clear(self) -> None:
        """Forget the recorded requests. Faults, users and sessions stay."""
        self._recorder.clear()

    def wait_for_requests(
        self, count: int, timeout: float = 30.0, *, route: Route | None = None
    ) -> list[RecordedRequest]:
        """Block until requests have come. A request counts before it is answered.

        Args:
            count: The number of requests since `clear()`.
            timeout: The most seconds to wait.
            route: Only requests of this route. None means any.

        Returns:
            The requests.

        Raises:
            TimeoutError: They did not come in time.
        """
        return self._recorder.block(count, timeout, route)

    async def requests_arrived(
        self, count: int, timeout: float = 30.0, *, route: Route | None = None
    ) -> list[RecordedRequest]:
        """Await requests, without blocking the event loop. See `wait_for_requests`."""
        return await self._recorder.wait(count, timeout, route)

    def fail(self, route: Route | None, *faults: Fault, times: int | None = 1, method: str | None = None) -> None:
        """Let the next requests of a route fail. Several calls apply one after the other.

        Args:
            route: The route, e.g. "devices". None means any.
            faults: The steps of one answer: `fail("devices", Hold(), Status(503))`.
            times: The number of requests. None means all that come.
            method: Only requests of this method, e.g. "POST".

        Raises:
            ValueError: There is no such route, or `times` is less than 1.
            TypeError: A fault is none.

        Example:
            ```python
            server.fail("devices", Status(503), times=2)
            server.fail("devices", Status(429, retry_after=1))
            ```
        """
        self._orders.add(route, faults, times, method)

    @property
    def faults(self) -> list[Order]:
        """The faults that no request has met yet. A test may end with `assert not server.faults`."""
        return self._orders.waiting()

    def clear_faults(self) -> None:
        """Cancel all faults. A request that waits already keeps waiting."""
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
