"""What every test stands on: nothing of the user's own environment, a loopback API, and both facades as one."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from facades import Facade

from siperb import MemoryCache, Siperb, SiperbAPI
from siperb.testing import SiperbServer

WAYS = {  # by mark: how to install what its tests need, and to run them
    "secret_service": ("tests/secret_service.sh install", "tests/secret_service.sh tox -e keyring"),
    "registrar": ("tests/siprig/install.sh", "tox -e real"),
}
PROXIES = {f"{kind}_proxy" for kind in ("http", "https", "ws", "wss", "ftp", "all", "no")}
OWN = {"SIPERB_PAT", "SIPERB_PAT_FILE", "SIPERB_BASE_URL"}
CERTIFICATES = {"requests_ca_bundle", "curl_ca_bundle", "ssl_cert_file", "ssl_cert_dir"}

hypothesis.settings.register_profile("siperb", deadline=None)  # a loaded machine is slow, and that is no fault
hypothesis.settings.load_profile("siperb")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Say what was skipped for want of a program, and how to have it; toxfile.py repeats it at the end."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    for mark, (install, run) in WAYS.items():
        if count := sum(mark in report.keywords for report in skipped):
            line = f"{count} tests were skipped: to have them, `{install}`, then `{run}`"
            terminalreporter.line(line, yellow=True)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def hermetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, token, netrc or keyring of whoever runs the tests; a test may set its own."""
    for name in os.environ:
        if name.lower() in PROXIES | CERTIFICATES | {"netrc"} or name in OWN:
            monkeypatch.delenv(name)
    if not request.node.get_closest_marker("registrar"):  # whose browser is found below HOME
        home = str(request.getfixturevalue("empty_home"))
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("USERPROFILE", home)
    if not request.node.get_closest_marker("secret_service"):  # whose keyring is the tests' own
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        runtime = str(request.getfixturevalue("empty_home"))  # for a lock file that no test beside this one holds
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)


@pytest.fixture(autouse=True)
def fresh_default_client() -> Iterator[None]:
    """`Siperb` and `SiperbAPI` as they are after the import."""
    yield
    for client in Siperb._default_clients.values():
        client.close()
    Siperb._default_clients.clear()
    SiperbAPI.clear()


@pytest.fixture
def server() -> Iterator[SiperbServer]:
    with SiperbServer() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[SiperbServer]:
    """An API at another address, where the first one's tokens have no business."""
    with SiperbServer(seed="elsewhere") as running:
        yield running


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture(params=["sync", "async"])
def facade(request: pytest.FixtureRequest, server: SiperbServer) -> Iterator[Facade]:
    with Facade(request.param, server) as facade:
        yield facade
