"""What stands between a program and the API: proxies, and certificates that the system alone trusts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hostile import certificate
from places import Place

from siperb.testing import SiperbServer

pytestmark = pytest.mark.world


@pytest.fixture
def trusted(tmp_path: Path) -> Iterator[tuple[Path, SiperbServer]]:
    """A certificate authority's file, and an API over TLS whose certificate it vouches for."""
    bundle, context = certificate(tmp_path)
    with SiperbServer(ssl_context=context) as server:
        yield bundle, server


@contextmanager
def proxy(place: Place, *options: str | Path) -> Iterator[str]:
    """The address of a proxy that asks for a password."""
    port = place.home / "port"
    os.mkfifo(port)
    options = ("--hostname=127.0.0.1", "--port=0", "--num-workers=1", "--num-acceptors=1", *options)
    with place.running("-m", "proxy", "--basic-auth=ann:p@ss", f"--port-file={port}", *options):
        yield f"127.0.0.1:{int(port.read_text())}"


@pytest.mark.parametrize("facade", ["sync", "async"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_with_a_password(place: Any, trusted: tuple[Path, SiperbServer], facade: str, scheme: str) -> None:
    here, (bundle, server) = place("proxy"), trusted
    options = ["--cert-file", bundle, "--key-file", bundle.with_name("key.pem")] if scheme == "https" else []
    told = {"SIPERB_BASE_URL": server.base_url, "SIPERB_PAT": server.pat, "REQUESTS_CA_BUNDLE": str(bundle)}

    def said(user: str, **variables: str) -> str:
        text: str = here.run("behind_proxy.py", facade, HTTPS_PROXY=f"{scheme}://{user}@{address}", **told, **variables)
        return text

    with proxy(here, *options) as address:
        assert said("ann:p%40ss") == "2\n"
        assert "check user and password in HTTPS_PROXY" in (refusal := said("ann:wrong-canary"))
        assert "canary" not in refusal
    assert "APIConnectionError" in said("ann:p%40ss")  # that nobody serves any more
    assert said("ann:p%40ss", NO_PROXY="127.0.0.1") == "2\n"


def test_truststore(place: Any, trusted: tuple[Path, SiperbServer]) -> None:
    here, (bundle, server) = place("truststore"), trusted
    system = bundle.parent / "system"  # as OpenSSL keeps what a system trusts
    system.mkdir()
    shutil.copy(bundle, system)
    subprocess.run(["openssl", "rehash", system], check=True)
    told = {"SIPERB_BASE_URL": server.base_url, "SIPERB_PAT": server.pat, "SSL_CERT_DIR": str(system)}
    said = here.run("with_truststore.py", **told)
    assert said == "APIConnectionError True\n" * 2 + "2\n" * 2
