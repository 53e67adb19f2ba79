"""What both libraries must agree on: address, proxy, CA bundle, the words of a failure."""

from __future__ import annotations

import errno
import os
import re
import socket
import time
from base64 import b64encode
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from siperb.core.wire import Request
from siperb.errors import APIConnectionError, APIError, APIResponseError, APITimeoutError, ConfigurationError

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT = 5.0  # seconds, of the call's deadline
REASON_TIMEOUT = 1.0  # seconds, for the body of a status that says no
TOO_MANY_FILES = "too many files are open in this process; close some, or raise their limit (ulimit -n)"

Kinds: TypeAlias = "tuple[type[BaseException], ...]"

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
    """The proxy that the environment or the system sets for this address, by the rules of requests.

    Plain http carries tokens in the clear, so it takes a proxy only on this machine. Raises `ConfigurationError` for a
    proxy that is not spoken to in HTTP, unless the address is on this machine. It may hold a password: see
    `without_credentials`.
    """
    from urllib.request import getproxies

    if getproxies().keys() <= {"no"} or _is_exempt(base_url):
        return None
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(base_url, get_environ_proxies(base_url))
    if not proxy:
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        scheme, host, _ = (found := urlsplit(proxy)).scheme, found.hostname or "", found.port
    except ValueError:
        scheme, host = "", ""
    wrong = "has a space or a quotation mark in it" if re.search(r"[\s'\"]", proxy) else ""
    wrong = wrong or ("" if scheme in ("http", "https") and host else "is not one of HTTP")
    api = urlsplit(base_url)
    if (wrong and is_loopback(api.hostname or "")) or (api.scheme == "http" and not is_loopback(host)):
        return None
    if wrong:
        raise ConfigurationError(
            f"The proxy that the environment sets {wrong}: set HTTPS_PROXY to http://host:port, "
            "or name the API's host in NO_PROXY."
        )
    return proxy


def _is_exempt(url: str) -> bool:
    """Whether NO_PROXY has this IP address, or with brackets, which requests does not know."""
    address, said = _ip(urlsplit(url).hostname or ""), os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return address is not None and any(
        name == urlsplit(url).netloc or _ip(name.strip("[]")) == address for name in re.split("[ ,]+", said)
    )


def without_credentials(proxy: str) -> tuple[str, dict[str, str]]:
    """The proxy's address, and the header with the user and password that stood in it: Basic, in UTF-8 (RFC 7617)."""
    parts = urlsplit(proxy)
    user_info, at, host = parts.netloc.rpartition("@")
    name, _, password = user_info.partition(":")
    basic = b64encode(b":".join(map(unquote_to_bytes, (name, password)))).decode()
    return f"{parts.scheme}://{host}", {"Proxy-Authorization": f"Basic {basic}"} if at else {}


def ca_bundle() -> tuple[str, str]:
    """The file or folder of trusted certificates, and what names it: the environment, else certifi, as in requests."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := os.environ.get(name):
            return path, name
    from certifi import where

    return where(), "certifi"


def tls_context() -> ssl.SSLContext:
    """Trusts what `ca_bundle` says, and nothing else. To be shared, as it is: it takes long to make.

    Raises `ConfigurationError` for a file or folder that holds no certificates.
    """
    import ssl

    bundle, name = ca_bundle()
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError, LookupError):
        return _tls_context(bundle, os.stat(bundle).st_mtime_ns, ssl.SSLContext)
    raise ConfigurationError(f"{name} names no PEM certificates that can be read: correct or unset it.")


@cache
def _tls_context(bundle: str, _changed_at: int, _kind: type) -> ssl.SSLContext:
    import ssl

    folder = bundle if os.path.isdir(bundle) else None
    with suppress(ssl.SSLError):
        context = ssl.create_default_context(cafile=None if folder else bundle, capath=folder)
        if folder is None and _holds_any(context):
            return context
        if folder and any(re.fullmatch(r"[0-9a-f]{8}\.\d+", name) for name in os.listdir(folder)):
            return context  # which reads a file, named by a hash, when it is needed
    raise LookupError("no certificates")


def _holds_any(context: ssl.SSLContext) -> bool:
    try:
        return context.cert_store_stats()["x509"] > 0
    except NotImplementedError:  # truststore's, which asks the system
        return True


@contextmanager
def loading_libraries() -> Generator[None, None, None]:
    """``with`` this an import that finds no file descriptor left fails with `APIConnectionError`."""
    try:
        yield
        import_module("cattrs.gen")  # which reads the answer
        return
    except (OSError, ImportError) as error:  # a shared object's is in the text
        if not {errno.EMFILE, errno.ENFILE} & {getattr(error, "errno", None)} and "Too many open" not in str(error):
            raise
    raise APIConnectionError(f"The HTTP library could not be loaded: {TOO_MANY_FILES}.")


class TooLate(TimeoutError):
    """The call's deadline has passed: said by us, never by a library."""


def causes(error: BaseException, handled: BaseException | None) -> list[BaseException]:
    """The library's error, and those behind it. handled: what the caller was handling before, which is none of them."""
    found = [error]
    while (behind := found[-1].__cause__ or found[-1].__context__) and behind not in (*found, handled):
        found.append(behind)
    return found


def no_answer(
    request: Request,
    base_url: str,
    deadline: float,
    causes: Sequence[BaseException],
    kinds: Mapping[str, Kinds],
    *,
    was_sent: bool,
) -> APIError:
    """The error for a request that got no complete answer, or one with more headers than the library takes.

    causes: the library's error, and those behind it. kinds: the library's own errors for "timeout" and "proxy".
    """
    where, host = f"{request.method} {request.path_template}", urlsplit(base_url).netloc
    if time.monotonic() >= deadline or isinstance(causes[0], kinds["timeout"]):
        reason = f"the time for {host} was up; check the network or raise the timeout"
        error: APIError = APITimeoutError(f"{where} got no answer: {reason}.")
    elif was_sent and any(re.search(_TOO_LARGE, str(error)) for error in causes):
        error = APIResponseError(f"{where} answered with too many or too long headers: check the base_url.")
    else:
        error = APIConnectionError(f"{where} got no answer: {_reason(host, causes, kinds['proxy'])}.")
    error.maybe_done = was_sent
    return error


def _reason(host: str, causes: Sequence[BaseException], proxy_errors: Kinds) -> str:
    for error in causes:
        if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):
            return TOO_MANY_FILES
    for error in causes:
        if getattr(error, "status", None) == 407 or str(error).startswith("Tunnel connection failed: 407"):
            return f"the proxy to {host} failed, as it wants other credentials; check user and password in HTTPS_PROXY"
    for error in causes:
        if isinstance(error, proxy_errors):
            return f"the proxy to {host} failed; check HTTPS_PROXY and NO_PROXY"
        if isinstance(error, socket.gaierror):
            return f"{host} has no address; check the base_url, DNS and the network"
        if isinstance(error, ConnectionRefusedError):
            return f"{host} refused the connection; check the base_url, and that the service runs"
        if message := getattr(error, "verify_message", None):
            return f"the certificate of {host} was not accepted ({message}); {_CERTIFICATE}"
        if str(getattr(error, "reason", None)) in _NO_TLS:
            return f"{host} speaks no TLS; check the port in the base_url, or for a faulty proxy"
    return f"the connection to {host} failed or broke off; check the base_url, DNS and the network"


_TOO_LARGE = r"(?i)\bgot more than \d+ (bytes|headers)|\btoo many (headers|trailers)"  # http.client and aiohttp say so
_CERTIFICATE = "check the base_url and this computer's clock, or name your CA bundle in REQUESTS_CA_BUNDLE"
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG")
