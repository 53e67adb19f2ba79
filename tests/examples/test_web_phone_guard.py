"""Who gets what from the example web phone: tokens, keys, other sites, the page's own policy."""

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


def post(url: str, path: str, key: str = "", *, data: str | bytes = b"", **headers: str) -> requests.Response:
    """As the page does it."""
    known = {"Origin": url.removesuffix("/"), "Authorization": f"Bearer {key}"}
    return requests.post(f"{url}{path}", data=data, headers={**known, **headers}, timeout=10)


def test_only_who_has_the_key_gets_a_configuration_and_once(link: str) -> None:
    url, _, key = link.partition("#")
    assert post(url, "configuration/jssip").status_code == 401
    assert post(url, "sign-in", data="wrong").status_code == 401
    signed_in = post(url, "sign-in", data=key)
    assert signed_in.status_code == 200
    assert "Set-Cookie" not in signed_in.headers
    assert signed_in.headers["Cache-Control"] == "no-store"
    session = signed_in.text
    answer = post(url, "configuration/jssip", session)
    assert answer.json()["configuration"]["uri"] == f"sip:u700@{DOMAIN}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert requests.get(f"{url}configuration/jssip", timeout=5).status_code == 405
    assert post(url, "sign-in", data=key).status_code == 401
    assert post(url, "configuration/jssip", key).status_code == 401
    assert post(url, "sign-out", "another").status_code == 204
    assert post(url, "configuration/jssip", session).status_code == 200
    assert post(url, "sign-out", session).status_code == 204
    assert post(url, "configuration/jssip", session).status_code == 401


def test_a_session_has_an_end(built: None, server: SiperbServer, registrar: Registrar) -> None:
    server.add_device(description="Web", settings=account(registrar, "u700"))
    with run_example(server, "--insecure", "--signed-in", "0") as link:
        url, _, key = link.partition("#")
        assert post(url, "configuration/jssip", post(url, "sign-in", data=key).text).status_code == 401


def test_other_sites_and_other_names_get_nothing(link: str) -> None:
    url, _, key = link.partition("#")
    for headers in {"Host": "rebound.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}:
        assert post(url, "sign-in", data=key, **headers).status_code == 403
    assert requests.post(f"{url}sign-in", data=key, timeout=5).status_code == 403  # no Origin: no page of a browser
    assert post(url, "sign-in", data=key).status_code == 200


STRANGERS: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no UTF-8": (b"\xff\xfe", {"Content-Type": "text/plain; charset=utf-8"}, 401),
    "no charset": (b"x", {"Content-Type": "text/plain; charset=foo"}, 401),
    "no text": (b"x", {"Content-Type": "text/plain; charset=hex"}, 401),
    "NUL": (b"x", {"Content-Type": "text/plain; charset=\\x00"}, 401),
    "punycode": (b"a-" + b"b9" * 400, {"Content-Type": "text/plain; charset=punycode"}, 401),
    "no ASCII": ("ключ".encode(), {"Content-Type": "text/plain; charset=utf-8"}, 401),
    "long": (b"a-" + b"b9" * 150_000, {"Content-Type": "text/plain; charset=punycode"}, 413),
    "no gzip": (b"no gzip", {"Content-Encoding": "gzip"}, 400),
    "authorization": (b"", {"Authorization": "Bearer ключ".encode().decode("latin-1")}, 401),
}


def test_a_stranger_is_refused_whatever_is_sent(link: str) -> None:
    """Nothing is decoded as the sender says."""
    url = link.partition("#")[0]
    answers = {
        name: post(url, "sign-in", data=body, **headers).status_code for name, (body, headers, _) in STRANGERS.items()
    }
    assert answers == {name: status for name, (_, _, status) in STRANGERS.items()}


NUMBERS = """
import { clean, toNumber, toTarget } from "./number.js";
const users = ["100%", "%zz", "50%25", "a b", "\\ud800", "", null];
const told = {
  numbers: users.map((user) => toNumber(user, "d.example", "d.example")),
  elsewhere: toNumber("100%", "other.example", "d.example"),
  targets: ["100%", "50%25", "+4930", "\\ud800"].map((number) => toTarget(number, "d.example")),
  cleaned: ["tel:+49 (0)30 / 123-45", "+49 30", "(0)30", "+a (0)1", "+49 (0) (0)"].map(clean),
};
clean("+" + "1 ".repeat(20000));  // the square of that takes half an hour
clean("+" + "(0)".repeat(20000));
console.log(JSON.stringify(told));
"""


def test_a_number_is_decoded_once_and_read_in_one_pass() -> None:
    rig.need_parts()
    command = ["node", "--input-type=module", "-e", NUMBERS.replace("20000", "2000000")]
    run = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, timeout=60)
    assert run.stderr == ""
    assert json.loads(run.stdout) == {
        "numbers": ["100%", "%zz", "50%25", "a b", "\ud800", "d.example", "d.example"],
        "elsewhere": "100%@other.example",
        "targets": ["sip:100%25@d.example", "sip:50%2525@d.example", "sip:+4930@d.example", "sip:%EF%BF%BD@d.example"],
        "cleaned": ["+493012345", "+4930", "030", "+a (0)1", "+490"],
    }


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
