"""What the environment may set, and what it may not: netrc, proxies, CA bundles, addresses, the user's own sessions."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from facades import Facade, chain
from hostile import Proxy, Raw, certificate, head
from requests.utils import should_bypass_proxies

from siperb import (
    APIConnectionError,
    APIResponseError,
    AsyncSiperb,
    AuthenticationError,
    ConfigurationError,
    Siperb,
    SiperbError,
)
from siperb.client.network import environment_proxy, tls_context
from siperb.testing import Redirect, SiperbServer, Status


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_server(tls: tuple[Path, Any]) -> Iterator[SiperbServer]:
    with SiperbServer(ssl_context=tls[1]) as running:
        yield running


def https_client(facade: Facade, tls_server: SiperbServer, **options: Any) -> Any:
    return facade.client(tls_server.pat, base_url=tls_server.base_url, strict=True, max_retries=0, **options)


# netrc.


@pytest.mark.parametrize("place", ["NETRC", "HOME"])
def test_a_netrc_is_never_read(facade: Facade, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\ndefault login mallory password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(place, str(netrc if place == "NETRC" else tmp_path))
    client = facade.client(strict=True)
    facade.call(client.login)
    assert facade.call(client.get_devices)
    login, devices = facade.server.requests
    assert login.headers.getall("Authorization") == [f"Bearer {facade.server.pat}"]
    assert "Authorization" not in devices.headers


# Proxies.


def test_https_goes_through_the_tunnel_of_a_proxy(
    facade: Facade, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        with Proxy() as proxy, monkeypatch.context() as environment:
            environment.setenv(name, f"http://ann:p%40ss-canary@{proxy.address}")
            client = https_client(facade, tls_server)
            assert facade.call(client.get_devices)
            facade.close(client)
            assert {line.split()[0] for line in proxy.heads} == {"CONNECT"}
            assert "Proxy-Authorization: Basic YW5uOnBAc3MtY2FuYXJ5" in proxy.heads[0]
            assert all(word not in "".join(proxy.heads) for word in (tls_server.pat, "X-Api-Key", "Bearer"))


def test_http_goes_to_a_proxy_on_this_machine_in_absolute_form(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)  # the scheme may be left out
        client = facade.client(strict=True)
        token = facade.server.user.devices[0].token
        assert facade.call(client.get_provisioning, token)
        facade.close(client)
        assert proxy.heads[0].startswith(f"POST {facade.server.base_url}/Login HTTP/1.1")
    assert facade.server.requests


@pytest.mark.parametrize(
    "no_proxy", ["127.0.0.1", "*", "other.example, 127.0.0.1", "127.0.0.0/8", "10.0.0.0/8,127.0.0.1/32"]
)
def test_no_proxy_is_obeyed(facade: Facade, no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        facade.call(facade.client().login)
        assert proxy.heads == []


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("::1", "https://[::1]:8443"),
        ("example.com", "https://api.example.com"),
        (".example.com", "https://api.example.com"),
        ("api.example.com:8443", "https://api.example.com:8443"),
        ("api.example.com:8443", "https://api.example.com"),
        ("10.0.0.0/8", "https://10.1.2.3"),
        ("10.0.0.0/8", "https://11.1.2.3"),
        ("1.2.3", "https://11.1.2.3"),
    ],
)
def test_no_proxy_is_read_as_requests_reads_it(no_proxy: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (environment_proxy(url) is None) == should_bypass_proxies(url, None)


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("[::1]", True),
        ("api.example, [::1]:8443", True),
        ("[0:0::1]", True),
        ("::1", True),
        ("[::2],[::1]:9", False),
    ],
)
def test_an_ipv6_address_may_have_brackets_in_no_proxy(
    no_proxy: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (environment_proxy("https://[::1]:8443") is None) == is_direct


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "'http://127.0.0.1:1'"])
def test_a_proxy_that_cannot_be_used_is_none_of_this_machines_business(
    facade: Facade, proxy: str, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    monkeypatch.setenv("ALL_PROXY", proxy)
    for client in facade.client(), https_client(facade, tls_server):
        assert facade.call(client.login)


@pytest.mark.parametrize(
    "proxy",
    ['"http://proxy.example:3128"', "'proxy.example:3128'", "http://proxy.example:3128 ", "http://a b@proxy.example"],
)
def test_a_proxy_with_a_space_or_quotes_is_told_so(facade: Facade, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="has a space or a quotation mark in it: set HTTPS_PROXY") as caught:
        facade.call(facade.client(base_url="https://api.siperb.example").login)
    assert "proxy.example" not in str(caught.value)


def test_a_proxys_password_is_sent_in_utf_8(
    facade: Facade, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    basic = base64.b64encode("böb:Ęward%:".encode()).decode()
    with Proxy() as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://b%C3%B6b:%C4%98ward%25%3A@{proxy.address}")
        for client in (https_client(facade, tls_server), facade.client()):
            facade.call(client.login)
            facade.close(client)
        assert [head.count(f"Proxy-Authorization: Basic {basic}") for head in proxy.heads] == [1, 1]


def test_plain_http_takes_no_proxy_that_is_elsewhere(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert facade.call(facade.client().login)


@pytest.mark.parametrize(
    "proxy", ["socks5://ann:canary@127.0.0.1:1", "socks5h://h:1", "socks4://h:1", "ftp://h", "http://", "http://h:port"]
)
def test_a_proxy_of_another_kind_is_refused_by_name(
    facade: Facade, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        facade.call(facade.client(base_url="https://api.siperb.example").login)
    assert "canary" not in str(caught.value)
    assert chain(caught.value) == [caught.value]


@pytest.mark.parametrize(("status", "advice"), [(502, "NO_PROXY"), (407, "password in HTTPS_PROXY")])
def test_a_proxy_that_fails_is_blamed(
    facade: Facade, status: int, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(refusal=b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:canary@{proxy.address}")
        client = facade.client(base_url="https://api.siperb.example", max_retries=0)
        with pytest.raises(APIConnectionError, match=rf"the proxy to \S+ failed.*{advice}") as caught:
            facade.call(client.login)
        assert "canary" not in repr(caught.value)
    with pytest.raises(APIConnectionError, match=r"the proxy to \S+ failed"):
        facade.call(facade.client(base_url="https://api.siperb.example", max_retries=0).login)  # it is gone


# Certificates.


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_ca_bundle_is_trusted(
    facade: Facade, name: str, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tls[0]))
    assert facade.call(https_client(facade, tls_server).get_devices)


def test_without_one_both_trust_the_same(facade: Facade, tls: Any, tls_server: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(tls[0]))
    assert facade.call(https_client(facade, tls_server).get_devices)


def test_the_certificates_are_read_once_until_they_change(
    tls: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(tls[0].read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    context = tls_context()
    assert tls_context() is context
    os.utime(bundle, (1, 1))
    assert tls_context() is not context


def test_a_context_that_does_not_tell_what_it_trusts_is_used(
    facade: Facade, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As truststore's, which asks the system."""

    def cert_store_stats(_: ssl.SSLContext) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(ssl.SSLContext, "cert_store_stats", cert_store_stats)
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(tls[0].read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert facade.call(https_client(facade, tls_server).get_devices)


def test_a_certificate_of_nobodys_is_not_trusted(
    facade: Facade, tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls_server.clear()
    with pytest.raises(APIConnectionError, match=r"certificate of 127.0.0.1:\d+ .*self.signed certificate") as caught:
        facade.call(https_client(facade, tls_server).login)
    assert chain(caught.value) == [caught.value]
    assert tls_server.requests == []


def test_a_certificate_of_another_host_is_said_to_be_one(
    facade: Facade, tls: tuple[Path, Any], tls_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    url = tls_server.base_url.replace("127.0.0.1", "localhost")
    with pytest.raises(
        APIConnectionError, match=r"(?i)certificate of localhost:\d+ .*(hostname mismatch|doesn't match)"
    ):
        facade.call(facade.client(base_url=url, max_retries=0).login)


BUNDLES: dict[str, Any] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "no PEM": lambda path: path.write_text("no certificate\n"),
    "DER": lambda path: path.write_bytes(b"\x30\x82\x01\x02 not PEM"),
    "PEM that is none": lambda path: path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    "empty folder": lambda path: path.mkdir(),
    "below a file": lambda path: path.write_text("") and None,
}


@pytest.mark.parametrize("kind", BUNDLES)
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_is_none_is_blamed(
    facade: Facade, name: str, kind: str, tls_server: SiperbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUNDLES[kind](tmp_path / "ca")
    monkeypatch.setenv(name, str(tmp_path / "ca" / "below" if kind == "below a file" else tmp_path / "ca"))
    tls_server.clear()
    with pytest.raises(ConfigurationError, match=name) as caught:
        facade.call(https_client(facade, tls_server).login)
    assert chain(caught.value) == [caught.value]
    assert tls_server.requests == []
    assert facade.call(facade.client().login)  # plain http needs none


def test_a_bundle_that_may_not_be_read_is_blamed(facade: Facade, tls_server: Any, monkeypatch: Any) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", __file__)
    monkeypatch.setattr("ssl.create_default_context", refuse)
    with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE names no PEM certificates that can be read"):
        facade.call(https_client(facade, tls_server).login)


def test_plain_http_on_a_tls_port(facade: Facade) -> None:
    with pytest.raises(APIConnectionError, match=r"127.0.0.1:\d+ speaks no TLS"):
        facade.call(facade.client(base_url=facade.server.base_url.replace("http:", "https:"), max_retries=0).login)


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("http://127.0.0.1:9", "127.0.0.1:9 refused the connection"),
        ("https://api.siperb.invalid:8443", "api.siperb.invalid:8443 has no address"),
    ],
)
def test_who_did_not_answer_is_said(facade: Facade, base_url: str, words: str) -> None:
    try:
        raise ConnectionRefusedError("what is being handled meanwhile is no cause")
    except ConnectionRefusedError:
        with pytest.raises(APIConnectionError, match=words):
            facade.call(facade.client(base_url=base_url, max_retries=0).login)


# Addresses.

GOOD = {
    "https://api.siperb.com": "https://api.siperb.com",
    "HTTPS://API.Siperb.COM:443/": "https://api.siperb.com",
    "https://h:8443/a/b%20c//": "https://h:8443/a/b%20c",
    "https://192.0.2.1": "https://192.0.2.1",
    "https://[2001:DB8::1]:8443": "https://[2001:db8::1]:8443",
    "https://a_b.example.": "https://a_b.example.",
    "http://localhost:80": "http://localhost",
    "http://127.8.9.1:5": "http://127.8.9.1:5",
    "http://[::1]:5/x": "http://[::1]:5/x",
}
BAD = """
api.siperb.com //api.siperb.com https:// https:///Login https://:443 ftp://h file:///etc/passwd wss://h javascript:x
http://api.siperb.com http://10.0.0.1 http://localhost.example http://127.0.0.1.example http://127.999.1.1
http://127.1 http://0.0.0.0 http://[::2] http://[::ffff:192.0.2.1] http://0x7f.0.0.1
https://ann@h https://ann:secret@h https://h@evil.example https://h\\@evil.example https://h\\evil.example
https://h?x=1 https://h/? https://h# https://h/#x https://h/../x https://h/./x https://h/%2e%2e/x https://h//x
https://h:port https://h:65536 https://h:-1 https://[::1 https://[fe80::1%25eth0] https://[v1.x] https://exa%6Dple
https://h<x> https://h/a"b https://h/a|b https://-h https://h,i
""".split()  # noqa: SIM905


@pytest.mark.parametrize("url", GOOD)
@pytest.mark.parametrize("kind", [Siperb, AsyncSiperb])
def test_a_good_base_url(kind: Any, url: str) -> None:
    assert kind(base_url=url)._base_url == GOOD[url]


@pytest.mark.parametrize(
    "url", [*BAD, "", " https://h", "https://h\n", "https://h/ü", "https://h/\0", None, 1, b"https://h"]
)
def test_a_bad_base_url_is_refused_before_anything_is_sent(
    facade: Facade, url: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    if url is not None:
        with pytest.raises(ConfigurationError, match="base_url"):
            facade.client(base_url=url)
    if url and isinstance(url, str) and "\0" not in url:
        monkeypatch.setenv("SIPERB_BASE_URL", url)
        with pytest.raises(ConfigurationError, match="base_url") as caught:
            facade.call(facade.bare_client(pat="p").login)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "token", ["a\nb", "a\r\nX-Evil: 1", "a\0", " a", "a ", "canary b", "ä", "\ud800", "x" * 4097, "\x7f"]
)
def test_a_header_is_checked_before_a_socket_opens(facade: Facade, token: str) -> None:
    client = facade.client(strict=True)
    for misuse in (
        lambda: facade.call(client.login, token),
        lambda: facade.call(client.get_devices, user_id="u", session_token=token),
        lambda: facade.client(token),
    ):
        with pytest.raises(ConfigurationError) as caught:
            misuse()
        assert len(token) < 3 or token.strip() not in str(caught.value)
    assert facade.server.requests == []


@pytest.mark.parametrize("text", ["a\nb", "a\0", "", "ä", "x" * 201])
def test_app_info_is_checked(facade: Facade, text: str) -> None:
    with pytest.raises(ConfigurationError, match="app_info"):
        facade.client(app_info=text)


# The user's own session.


def test_a_users_requests_session_is_used_and_left_as_it_is(server: SiperbServer, other_server: SiperbServer) -> None:
    seen: list[int] = []

    def hook(answer: requests.Response, **_: Any) -> None:
        seen.append(answer.status_code)
        assert answer.content is not None  # a hook that reads the body leaves it to be read again
        answer.raise_for_status()

    with Facade("sync", server) as facade, requests.Session() as session:
        session.auth = ("mallory", "wrong")
        session.headers["X-Mine"] = "1"
        session.hooks["response"].append(hook)
        before = {name: repr(value) for name, value in vars(session).items()}
        client = facade.client(http_session=session, strict=True, max_retries=0)
        assert facade.call(client.get_devices)
        assert [request.headers["X-Mine"] for request in server.requests] == ["1", "1"]
        assert server.requests[0].headers.getall("Authorization") == [f"Bearer {server.pat}"]
        server.fail("devices", Status(401), times=2)
        with pytest.raises(AuthenticationError) as caught:
            facade.call(client.get_devices)
        assert all(isinstance(one, SiperbError) for one in chain(caught.value))
        server.fail("devices", Redirect(other_server.base_url, body=b"x"))
        with pytest.raises(APIResponseError):
            facade.call(client.get_devices)
        facade.close(client)
        assert other_server.requests == []
        assert seen == [200, 200, 401, 200, 401, 302]
        assert before == {name: repr(value) for name, value in vars(session).items()}
        session.hooks["response"].clear()
        assert session.get(server.base_url).status_code == 404  # it still works


def test_a_users_kind_of_session_is_used_in_every_thread(server: SiperbServer) -> None:
    class Tenant(requests.Session):
        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
            kwargs["headers"] = {**kwargs["headers"], "X-Tenant": self.tenant}
            return super().request(method, url, *args, **kwargs)

    with Tenant() as session, Siperb(server.pat, base_url=server.base_url, http_session=session, state=None) as client:
        session.tenant = "a"
        assert len([result for result in client.provision_all() if result.provisioning]) == 2
    assert [request.headers["X-Tenant"] for request in server.requests] == ["a"] * 4


async def test_plain_http_takes_no_proxy_of_the_environment_with_a_users_session_either(
    server: SiperbServer, other_server: SiperbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", other_server.base_url)
    with (
        requests.Session() as session,
        Siperb(server.pat, base_url=server.base_url, http_session=session, state=None) as client,
    ):
        client.login()
    async with (
        aiohttp.ClientSession() as session,
        AsyncSiperb(server.pat, base_url=server.base_url, http_session=session) as client,
    ):
        await client.login()
    assert (len(server.requests), other_server.requests) == (2, [])


async def test_a_users_aiohttp_session_is_used_and_left_as_it_is(
    server: SiperbServer, other_server: SiperbServer
) -> None:
    seen: list[int] = []

    async def trace(_: Any, __: Any, done: aiohttp.TraceRequestEndParams) -> None:
        seen.append(done.response.status)
        await done.response.read()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(trace)
    async with aiohttp.ClientSession(
        raise_for_status=True, headers={"X-Mine": "1"}, trace_configs=[tracing]
    ) as session:
        before = {name: repr(getattr(session, name, None)) for name in session.ATTRS if name != "_connector"}
        async with AsyncSiperb(
            server.pat, base_url=server.base_url, http_session=session, strict=True, max_retries=0
        ) as client:
            assert await client.get_devices()
            assert [request.headers["X-Mine"] for request in server.requests] == ["1", "1"]
            server.fail("devices", Status(401), times=2)
            with pytest.raises(AuthenticationError) as caught:
                await client.get_devices()
            assert all(isinstance(one, SiperbError) for one in chain(caught.value))
            server.fail("devices", Redirect(other_server.base_url, body=b"x"))
            with pytest.raises(APIResponseError):
                await client.get_devices()
        assert other_server.requests == []
        assert seen == [200, 200, 401, 200, 401, 302]
        assert not session.closed
        assert before == {name: repr(getattr(session, name, None)) for name in session.ATTRS if name != "_connector"}
        assert (await session.get(server.base_url, raise_for_status=False)).status == 404  # it still works


@pytest.mark.filterwarnings("ignore:(BasicAuth|The 'auth' parameter) is deprecated")
async def test_an_aiohttp_session_that_would_say_more_than_it_should_is_refused(server: SiperbServer) -> None:
    closed = aiohttp.ClientSession()
    await closed.close()
    sessions = {
        "trust_env": aiohttp.ClientSession(trust_env=True),
        "auth": aiohttp.ClientSession(auth=aiohttp.BasicAuth("mallory", "canary")),
        "closed": closed,
    }
    for reason, session in sessions.items():
        async with AsyncSiperb(server.pat, base_url=server.base_url, http_session=session) as client, session:
            with pytest.raises(ConfigurationError, match=reason) as caught:
                await client.login()
            assert "canary" not in str(caught.value)
    assert server.requests == []


def test_a_session_of_another_library_is_refused(facade: Facade) -> None:
    with pytest.raises(ConfigurationError, match=r"The http_session must be an? .*Session, not object"):
        facade.call(facade.client(http_session=object()).login)
    assert facade.server.requests == []


def test_cookies_are_not_kept(facade: Facade) -> None:
    facade.server.fail("login", Raw(head(b"Set-Cookie: a=b; Path=/", b"Content-Length: <length>") + b"<body>"))
    client = facade.client(strict=True)
    facade.call(client.login)
    assert facade.call(client.get_devices)
    assert "Cookie" not in facade.server.requests[-1].headers


def test_both_facades_send_the_same(server: SiperbServer) -> None:
    sent = []
    for kind in ("sync", "async"):
        server.clear()
        with Facade(kind, server) as facade:
            client = facade.client(strict=True)
            facade.call(client.get_provisioning, server.user.devices[0].token)
        sent.append([(r.method, r.path_qs, r.body, dict(sorted(r.headers.items()))) for r in server.requests])
        for request in sent[-1]:
            request[3].pop("Connection", None)  # requests says keep-alive, which HTTP/1.1 means anyway
    assert sent[0] == sent[1]
