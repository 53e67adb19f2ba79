"""What both libraries must agree on: address, proxy, CA bundle, the decoding of a body, the words of a failure."""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from siperb.core.wire import MAX_BODY, Request
from siperb.errors import APIConnectionError, APIResponseError, APITimeoutError, ConfigurationError

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT = 5.0  # seconds, of the call's deadline
REASON_TIMEOUT = 1.0  # seconds, for the body of a status that says no
PIECE = 2**20  # bytes that are decoded at a time

_ADVICE = "give it as https://host[:port][/path], for example https://api.siperb.com"
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/*")


def check_base_url(url: object) -> str:
    """The address in one spelling; raises `ConfigurationError` for one that tokens should not be sent to.

    Plain http is for loopback alone, and user info, a query, a fragment, dot and empty segments have no place in it.
    """
    if not isinstance(url, str) or not re.fullmatch(r"[!-~]+", url):
        raise ConfigurationError(f"The base_url is not a URL: {_ADVICE}.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if "@" in parts.netloc or "?" in url or "#" in url or {".", ".."} & set(unquote(parts.path).split("/")):
        raise ConfigurationError(f"The base_url has user info, a query, a fragment or dot segments: {_ADVICE}.")
    is_ipv6 = "[" in parts.netloc
    is_host = _ip(host) if is_ipv6 else _HOST.fullmatch(host)
    if parts.scheme not in ("http", "https") or not is_host or not _PATH.fullmatch(parts.path):
        raise ConfigurationError(f"The base_url is not a URL of a server: {_ADVICE}.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"The base_url is not https, which only a loopback address need not be: {_ADVICE}.")
    name = f"[{host}]" if is_ipv6 else host
    default_port = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{name}{'' if port in (None, default_port) else f':{port}'}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    address = _ip(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def environment_proxy(base_url: str) -> str | None:
    """The proxy that the environment (``HTTPS_PROXY``, ``NO_PROXY``, …) or the system sets for this address.

    Plain http carries tokens in the clear, so it takes a proxy only on this machine. Raises `ConfigurationError` for a
    proxy that is not spoken to in HTTP.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(base_url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        scheme, host, _ = (found := urlsplit(proxy)).scheme, found.hostname or "", found.port
    except ValueError:
        scheme, host = "", ""
    if scheme not in ("http", "https") or not host:
        raise ConfigurationError(
            "The proxy that the environment sets is not one of HTTP: set HTTPS_PROXY to http://host:port, "
            "or name the API's host in NO_PROXY."
        )
    return None if parts.scheme == "http" and not is_loopback(host) else proxy


def ca_bundle() -> str:
    """The file or folder of trusted certificates: that which the environment names, else certifi's, as in requests.

    Raises `ConfigurationError` when there is no such file.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := os.environ.get(name):
            if not os.path.exists(path):
                raise ConfigurationError(f"{name} names no file that exists: correct or unset it.")
            return path
    from certifi import where  # which requests depends on

    return where()


def tls_context() -> ssl.SSLContext:
    """Trusts what `ca_bundle` says, and nothing else. To be shared, as it is: it takes long to make."""
    bundle = ca_bundle()
    return _tls_context(bundle, os.stat(bundle).st_mtime_ns)


@cache
def _tls_context(bundle: str, _changed_at: int) -> ssl.SSLContext:
    import ssl

    is_folder = os.path.isdir(bundle)
    return ssl.create_default_context(cafile=None if is_folder else bundle, capath=bundle if is_folder else None)


class TooLate(TimeoutError):
    """The deadline has passed, as nobody but us says it."""


class Body:
    """The body of an answer, taken in pieces: decoded, and refused (`APIResponseError`) when over `limit` bytes.

    The libraries' own decoders make megabytes of one piece before anybody can say stop (aiohttp before 3.13.3,
    urllib3 before 2.6). encoding: a ``Content-Encoding`` that is still to be undone.
    """

    def __init__(self, request: Request, encoding: str | None, limit: int = MAX_BODY) -> None:
        self._request = request
        self._limit = limit
        self._encoding = (encoding or "identity").strip().lower()
        self._decoder = zlib.decompressobj(wbits=31) if self._encoding in ("gzip", "x-gzip") else None
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, chunk: bytes) -> None:
        if self._decoder is None:
            self._keep(chunk)
        while self._decoder and not self._decoder.eof and chunk:  # what follows the end counts for nothing
            try:
                decoded = self._decoder.decompress(chunk, PIECE)
            except zlib.error:
                break
            self._keep(decoded)
            chunk = self._decoder.unconsumed_tail
        else:
            return
        raise self._unreadable()

    def _keep(self, decoded: bytes) -> None:
        self._size += len(decoded)
        if self._size > self._limit:
            raise self._unusable(f"more than {self._limit // 2**20} MiB: check the base_url")
        self._pieces.append(decoded)

    def whole(self) -> bytes:
        """All of it, when all has been taken."""
        is_whole = self._decoder.eof if self._decoder else self._encoding == "identity"
        if self._size and not is_whole:
            raise self._unreadable()
        return b"".join(self._pieces)

    def _unreadable(self) -> APIResponseError:
        return self._unusable("in an encoding that cannot be undone: check for a faulty proxy")

    def _unusable(self, how: str) -> APIResponseError:
        error = APIResponseError(f"{self._request.method} {self._request.path_template} answered {how}.")
        error.maybe_done = True
        return error


def kind_of(error: Exception, deadline: float, kinds: Mapping[str, tuple[type[Exception], ...]]) -> str:
    """What `no_answer` calls the failure; kinds: the library's own errors for each."""
    if time.monotonic() >= deadline:
        return "timeout"
    return next((kind for kind, causes in kinds.items() if isinstance(error, causes)), "connection")


def no_answer(request: Request, kind: str, *, was_sent: bool) -> APIConnectionError:
    """The error for a request that got no complete answer; kind: one of `_NO_ANSWER`."""
    where = f"{request.method} {request.path_template}"
    said = f"{where} got no answer: {_NO_ANSWER[kind]}."
    error = APITimeoutError(said) if kind == "timeout" else APIConnectionError(said)
    error.maybe_done = was_sent
    return error


_NO_ANSWER = {
    "connection": "the connection failed or broke off; check the base_url, DNS and the network",
    "proxy": "the proxy failed; check HTTPS_PROXY and NO_PROXY",
    "timeout": "the time was up; check the network or raise the timeout",
    "tls": "its certificate was not accepted; check the base_url, or name your CA bundle in REQUESTS_CA_BUNDLE",
}
