"""Who gets what from the example web phone: tokens, cookies, other sites, the page's own policy."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from siprig import rig
from siprig.fixtures import account, chromium_fixture, registrar_fixture  # noqa: F401
from siprig.rig import DOMAIN, Registrar
from siprig.web_phone import (  # noqa: F401
    EXAMPLE,
    Open,
    built_fixture,
    open_phone_fixture,
    run_example,
    run_example_at_port,
    server_fixture,
)

from siperb.testing import SiperbServer

pytestmark = pytest.mark.registrar


@pytest.mark.parametrize("library", ["jssip", "sipjs"])
def test_the_browser_gets_no_token_for_somebody_elses_registrar(
    open_phone: Open, server: SiperbServer, library: str
) -> None:
    phone = open_phone()
    phone.use(library)
    phone.shows("Ready", "ready")
    received = phone.page.do("received")
    assert "s3cret!700" in received
    assert server.pat not in received
    assert server.user.session_token not in received


def test_the_browser_gets_the_session_for_siperbs_own_proxy_and_never_the_pat(
    open_phone: Open, server: SiperbServer, registrar: Registrar
) -> None:
    since = len(registrar.log)
    phone = open_phone(registration_mode="Proxy")
    phone.shows("Ready", "ready")
    assert f"sid='{server.user.session_token}'" in registrar.seen("accepted", since)
    received = phone.page.do("received")
    assert server.user.session_token in received
    assert server.pat not in received


@pytest.fixture
def link(built: None, server: SiperbServer, registrar: Registrar) -> Iterator[str]:
    server.add_device(description="Web", settings=account(registrar, "u700"))
    with run_example(server, "--insecure") as link:
        yield link


def test_only_who_has_the_key_gets_a_configuration_and_once(link: str) -> None:
    url, _, key = link.partition("#")
    with requests.Session() as browser:
        assert browser.post(f"{url}configuration/jssip").status_code == 401
        assert browser.post(f"{url}sign-in", data="wrong").status_code == 401
        signed_in = browser.post(f"{url}sign-in", data=key)
        assert signed_in.status_code == 204
        assert "HttpOnly" in signed_in.headers["Set-Cookie"]
        assert "SameSite=Strict" in signed_in.headers["Set-Cookie"]
        answer = browser.post(f"{url}configuration/jssip")
        assert answer.json()["configuration"]["uri"] == f"sip:u700@{DOMAIN}"
        assert answer.headers["Cache-Control"] == "no-store"
        assert browser.get(f"{url}configuration/jssip").status_code == 405
    assert requests.post(f"{url}sign-in", data=key, timeout=5).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Host": "rebound.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_other_sites_and_other_names_get_nothing(link: str, headers: dict[str, str]) -> None:
    url, _, key = link.partition("#")
    assert requests.post(f"{url}sign-in", data=key, headers=headers, timeout=5).status_code == 403
    assert requests.post(f"{url}sign-in", data=key, timeout=5).status_code == 204


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://Phone.Example.com:443/", "phone.example.com", 200),
        ("https://phone.example.com", "phone.example.com:443", 200),
        ("http://phone.example.com:80", "phone.example.com", 200),
        ("https://phone.example.com", "phone.example.com:8443", 403),
        ("https://phone.example.com", "127.0.0.1", 403),
    ],
)
def test_the_origin_is_compared_as_browsers_send_it(
    built: None, server: SiperbServer, origin: str, host: str, status: int
) -> None:
    with run_example_at_port(server, "--origin", origin) as (_, port):
        answer = requests.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, timeout=5)
        assert answer.status_code == status


def test_help_and_a_bad_origin_need_no_page(tmp_path: Path) -> None:
    copy = shutil.copy(EXAMPLE / "app.py", tmp_path)
    cases = (["--help"], 0, "--origin"), (["--origin", "phone.example.com"], 2, "--origin is http")
    for arguments, code, said in cases:
        run = subprocess.run([sys.executable, copy, *arguments], capture_output=True, text=True, timeout=30)
        assert run.returncode == code
        assert said in run.stdout + run.stderr


def test_the_page_may_load_its_own_things_alone(link: str) -> None:
    answer = requests.get(link, timeout=5)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


def test_the_example_has_the_versions_that_are_tested() -> None:
    tested, shown = (json.loads((folder / "package.json").read_text()) for folder in (rig.HERE, EXAMPLE))
    wanted = {**shown["dependencies"], **shown["devDependencies"]}
    assert wanted.items() <= tested["devDependencies"].items()
    for folder in (rig.HERE, EXAMPLE):
        assert '"resolved"' not in (folder / "package-lock.json").read_text()
