"""urllib3's connections made safe: one deadline over all that is read, and no secret in what urllib3 logs."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import urllib3.connection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from siperb.core.wire import Request
from siperb.facade.network import CONNECT_TIMEOUT
from siperb.facade.runtime import original

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection, HTTPSConnection
else:
    HTTPConnection = original(urllib3.connection.HTTPConnection, "urllib3.connection")
    HTTPSConnection = original(urllib3.connection.HTTPSConnection, "urllib3.connection")

__all__ = ["POOLS", "Call", "call_under_way", "time_left"]


class Call:
    """What `requests` is not told of a request.

    may_be_stale: it went over a connection that had served before. was_sent: some of it may have reached the server.
    """

    may_be_stale = False
    was_sent = False

    def __init__(self, base_url: str, request: Request, deadline: float) -> None:
        self.base_url = base_url
        self.request = request
        self.deadline = deadline

    def target(self, path: str, *, absolute: bool) -> str:
        return (self.base_url if absolute else urlsplit(self.base_url).path) + path


call_under_way: ContextVar[Call] = ContextVar("call")


class _Response(http.client.HTTPResponse):
    """Reads with the time that is left, where `requests` has a timeout for each read and none for all."""

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
            if not self._reader.ended:
                raise
        if self._reader.ended:  # else a connection cut inside the headers looks like "200, empty body"
            raise http.client.RemoteDisconnected("the connection ended inside the headers")
        if self.length is None and not self.chunked and "Content-Length" in self.headers:
            raise http.client.HTTPException("the Content-Length is no number")


_INTERIM = {*range(100, 200)} - {101}


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        deadline = call_under_way.get().deadline
        if time.monotonic() >= deadline:
            raise TimeoutError
        self._sock.settimeout(time_left(deadline))
        count: int | None = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def time_left(until: float) -> float:
    return max(until - time.monotonic(), 0.001)


class _HTTPConnection(HTTPConnection):
    response_class = cast(Any, _Response)
    target = ""
    _has_served = False

    def _new_conn(self) -> socket.socket:
        """Share the time among the addresses of the host: urllib3 gives each of them the whole of it."""
        deadline, name = call_under_way.get().deadline, self._dns_host
        found = socket.getaddrinfo(name.strip("[]"), self.port, 0, socket.SOCK_STREAM)  # as others replace it
        until = min(deadline, time.monotonic() + CONNECT_TIMEOUT)
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        try:
            while True:
                self.timeout = time_left(until) / len(addresses)
                self._dns_host = addresses.pop(0)
                try:
                    connection: socket.socket = super()._new_conn()
                    connection.settimeout(time_left(deadline))
                    return connection
                except (NewConnectionError, ConnectTimeoutError):
                    if not addresses:
                        raise
        finally:
            self._dns_host = name

    def _tunnel(self) -> None:
        """Leave the TLS handshake behind a proxy no more than what the proxy's answer has left."""
        call = call_under_way.get()
        try:
            super()._tunnel()
        finally:
            call.was_sent = False
        cast(socket.socket, self.sock).settimeout(time_left(call.deadline))

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        call_under_way.get().may_be_stale = self._has_served
        super().putrequest(method, url, *args, **kwargs)

    def _encode_request(self, request: str) -> bytes:
        """The first line, as it is sent: see `_Pool`."""
        cast(Any, self)._validate_path(self.target)
        method, _, version = request.split(" ")
        return f"{method} {self.target} {version}".encode("ascii")

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call_under_way.get().was_sent = True
        super().send(data)

    def getresponse(self) -> Any:
        call = call_under_way.get()
        try:
            answer = super().getresponse()
        except Exception as error:
            call.may_be_stale &= isinstance(error, ConnectionError)
            raise
        self._has_served, call.may_be_stale = True, False
        return answer


class _HTTPSConnection(_HTTPConnection, HTTPSConnection): ...


class _Pool(HTTPConnectionPool):
    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """What urllib3 logs, and a tracker sees that has patched `http.client`, is the path's template.

        A connection of another package's, which that has put in the place of ours, is told the path itself.
        """
        if isinstance(conn, _HTTPConnection):
            call = call_under_way.get()
            is_absolute = not url.startswith("/")
            conn.target = call.target(call.request.path, absolute=is_absolute)
            url = call.target(call.request.path_template, absolute=is_absolute)
        return super()._make_request(cast(Any, conn), method, url, *args, **kwargs)

    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]
        """Ours, unless another package has put one in the place of urllib3's, as VCR.py does for a while."""
        theirs: Any = super().ConnectionCls
        return {HTTPConnection: _HTTPConnection, HTTPSConnection: _HTTPSConnection}.get(theirs, theirs)


class _HTTPSPool(_Pool, HTTPSConnectionPool):  # type: ignore[override]
    pass


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _HTTPSPool}
