"""A hostile network on loopback: answers byte by byte, a proxy, a server that speaks no HTTP, a certificate."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@attrs.frozen
class Raw:
    """These bytes for an answer, ``<body>`` and ``<length>`` being the true body and its length; then the end.

    drip: seconds between the bytes.
    """

    content: bytes = attrs.field(repr=False)
    hang_up: bool = True
    drip: float = 0.0
    endless: bytes = b""

    async def apply(self, exchange: Any) -> Any:
        body = exchange.true_answer().body
        content = self.content.replace(b"<length>", b"%d" % len(body)).replace(b"<body>", body)
        if not self.drip:
            exchange.write(content)
        for position in range(len(content) if self.drip else 0):
            exchange.write(content[position : position + 1])
            await asyncio.sleep(self.drip)
        while self.endless:
            exchange.write(self.endless)
            await asyncio.sleep(self.drip)
        if not self.hang_up:
            await asyncio.Event().wait()
        return exchange.hang_up()


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, b"Content-Type: application/json", *lines, b"", b""])


class TcpServer:
    """A thread for each connection, which `serve` talks to; `address` is where it listens."""

    def __init__(self, serve: Callable[[socket.socket], None] | None = None) -> None:
        self._serve = serve or self.serve
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.address = f"{HOST}:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def drip(self, connection: socket.socket, content: bytes) -> None:
        """A byte every 20 ms, over and over, until the other side is gone."""
        for byte in iter(lambda: content, b""):
            for position in range(len(byte)):
                connection.sendall(byte[position : position + 1])
                if self._stopped.wait(0.02):
                    return

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                thread = threading.Thread(target=self._talk, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._serve(connection)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for end in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join()


class Proxy(TcpServer):
    """An HTTP proxy that writes down the heads it was sent; `refusal` is what it says instead of serving."""

    def __init__(self, refusal: bytes = b"", drips: bool = False) -> None:
        self.heads: list[str] = []
        self._refusal = refusal
        self._drips = drips
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536) or b"\r\n\r\n"
        self.heads.append(request.partition(b"\r\n\r\n")[0].decode())
        if self._drips:
            return self.drip(connection, b"HTTP/1.1 200 OK\r\n" + b"X-Wait: for it\r\n" * 9999)
        if self._refusal:
            return connection.sendall(self._refusal)
        method, target, _ = self.heads[-1].split("\r\n")[0].split(" ")
        if method != "CONNECT":
            target = target.split("/")[2]
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self._connections.append(upstream)
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.sendall(request)
            back = threading.Thread(target=self._pump, args=(upstream, connection))
            back.start()
            self._pump(connection, upstream)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                sink.sendall(content)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def black_holes(hosts: list[str]) -> Iterator[int]:
    """A port at which connecting to these loopback addresses has no end: their queues are full, nobody accepts."""
    with contextlib.ExitStack() as stack:
        port = 0
        for host in hosts:
            listener = stack.enter_context(socket.socket())
            listener.bind((host, port))
            listener.listen(0)
            port = listener.getsockname()[1]
            for _ in range(3):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex((host, port))
        yield port


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate of 127.0.0.1, to trust, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "siperb loopback test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    bundle, secret = folder / "trusted.pem", folder / "key.pem"
    bundle.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, secret)
    return bundle, context
