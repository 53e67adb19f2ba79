"""urllib3's connections made safe: one deadline over all that is read, and no secret in what urllib3 logs."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import urllib3.connection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from siperb.core.wire import Request

T = TypeVar("T")


def original(kind: type[T], module: str) -> type[T]:
    """The class as its library's module defines it: other packages put one in its place that they derive from it."""
    return next(base for base in kind.__mro__ if base.__module__ == module)


if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection, HTTPSConnection
else:
    HTTPConnection = original(urllib3.connection.HTTPConnection, "urllib3.connection")
    HTTPSConnection = original(urllib3.connection.HTTPSConnection, "urllib3.connection")

__all__ = ["POOLS", "Exchange", "original", "under_way"]


class Exchange:
    """What `requests` is not told of a request. was_sent: some of it may have reached the server."""

    was_sent = False

    def __init__(self, base_url: str, request: Request, deadline: float) -> None:
        self.base_url = base_url
        self.request = request
        self.deadline = deadline

    def target(self, path: str, *, absolute: bool) -> str:
        return (self.base_url if absolute else urlsplit(self.base_url).path) + path


under_way: ContextVar[Exchange] = ContextVar("under_way")


class _Response(http.client.HTTPResponse):
    """Reads within the deadline, where `requests` has a timeout for each read and none for all."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reader = _Reader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        try:
            super().begin()
            while self.status in _INTERIM:  # http.client knows but 100
                self.headers = cast(Any, None)
                super().begin()
        except http.client.HTTPException:
            if not self._reader.has_ended:
                raise
        if self._reader.has_ended:  # else a connection cut inside the headers looks like "200, empty body"
            raise http.client.RemoteDisconnected("the connection ended inside the headers")
        if self.length is None and not self.chunked and "Content-Length" in self.headers:
            raise http.client.HTTPException("the Content-Length is no number")


_INTERIM = {*range(100, 200)} - {101}


class _Reader(io.RawIOBase):
    has_ended = False

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = under_way.get().deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _HTTPConnection(HTTPConnection):
    response_class = cast(Any, _Response)
    target = ""

    @property
    def is_connected(self) -> bool:
        """Whether the kept connection may be used: nothing has come on it, not even into the TLS library."""
        return super().is_connected and not getattr(self.sock, "pending", int)()

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except OSError as error:
            raise error.with_traceback(None) from None  # frames of http.client hold the proxy's answer open
        finally:
            under_way.get().was_sent = False
        cast(socket.socket, self.sock).settimeout(max(under_way.get().deadline - time.monotonic(), 0.001))

    def _encode_request(self, request: str) -> bytes:
        """The first line, as it is sent: see `_Pool`."""
        cast(Any, self)._validate_path(self.target)
        method, _, version = request.split(" ")
        return f"{method} {self.target} {version}".encode("ascii")

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        under_way.get().was_sent = True
        super().send(data)


class _HTTPSConnection(_HTTPConnection, HTTPSConnection): ...


class _Pool(HTTPConnectionPool):
    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """What urllib3 logs, and a tracker sees that has patched `http.client`, is the path's template."""
        if isinstance(conn, _HTTPConnection):
            exchange, is_absolute = under_way.get(), not url.startswith("/")
            conn.target = exchange.target(exchange.request.path, absolute=is_absolute)
            url = exchange.target(exchange.request.path_template, absolute=is_absolute)
        return super()._make_request(cast(Any, conn), method, url, *args, **kwargs)

    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]
        """Ours, unless VCR.py has put one in the place of urllib3's."""
        theirs: Any = super().ConnectionCls
        return {HTTPConnection: _HTTPConnection, HTTPSConnection: _HTTPSConnection}.get(theirs, theirs)


class _HTTPSPool(_Pool, HTTPSConnectionPool):  # type: ignore[override]
    pass


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _HTTPSPool}
