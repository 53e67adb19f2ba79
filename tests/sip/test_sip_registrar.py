"""SIP.js and JsSIP, in Node and in Chromium, register at a real registrar with what `siperb.sip` emits.

The documents come through the loopback API. The registrar is Kamailio; its log is what it saw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from pages import README, ROOT, Block, blocks_of
from siprig import rig
from siprig.fixtures import ACCOUNTS, account, chromium_fixture, registrar_fixture  # noqa: F401
from siprig.rig import DOMAIN, Chromium, Page, Registrar
from test_sip_properties import documents

from siperb import Siperb, sip
from siperb.errors import IncompleteProvisioningError
from siperb.models import Provisioning, Session
from siperb.testing import SiperbServer

pytestmark = pytest.mark.registrar

PAGES = README, ROOT / "docs" / "guides" / "browser-phone.md"
JAVASCRIPT = [block for block in blocks_of(*PAGES) if block.language == "javascript"]
AGENTS = {"sipjs": "SIP.js", "jssip": "JsSIP"}
both_libraries = pytest.mark.parametrize("library", AGENTS)

REGISTER = """async (library, configuration) => {
    const phone = await phones.register(library, configuration);
    await phone.stop();
    return phone.outcome;
}"""


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    with chromium.open() as page:
        yield page


class Provisioned:
    """A device at the loopback API, as a client gets it."""

    def __init__(self, server: SiperbServer, registrar: Registrar) -> None:
        self._server = server
        self._registrar = registrar

    def __call__(self, user: str = "u700", **settings: object) -> tuple[Provisioning, Session]:
        device = self._server.add_device(settings={**account(self._registrar, user), **settings})
        with Siperb(self._server.pat, base_url=self._server.base_url, strict=True) as client:
            session = client.login()
            provisioning = client.get_provisioning(device.token)
        assert provisioning
        return provisioning, session


@pytest.fixture(scope="module")
def provisioned(registrar: Registrar) -> Iterator[Provisioned]:
    with SiperbServer() as server:
        yield Provisioned(server, registrar)


def configure(library: str, provisioned: tuple[Provisioning, Session], *, insecure: bool = True) -> dict[str, Any]:
    emit: Callable[..., dict[str, Any]] = {"sipjs": sip.sipjs, "jssip": sip.jssip}[library]
    return emit(*provisioned, insecure=insecure)


Register = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(params=["node", "chromium"])
def register(request: pytest.FixtureRequest) -> Register:
    if request.param == "node":
        request.getfixturevalue("registrar")
        return rig.register_in_node
    page: Page = request.getfixturevalue("page")
    return lambda library, configuration: page.do("evaluate", REGISTER, library, configuration)  # type: ignore[no-any-return]


@both_libraries
def test_registers(library: str, register: Register, registrar: Registrar, provisioned: Provisioned) -> None:
    since = len(registrar.log)
    phone = provisioned()
    assert register(library, configure(library, phone)) == {"state": "registered", "status": 200, "bindings": 1}
    accepted = registrar.seen("accepted", since)
    assert accepted.startswith(f"accepted sip:u700@{DOMAIN} ws contact='<sip:c700@{DOMAIN};transport=ws>")
    assert AGENTS[library] in accepted


@both_libraries
def test_siperbs_headers_and_the_display_name_arrive(
    library: str, register: Register, registrar: Registrar, provisioned: Provisioned
) -> None:
    since = len(registrar.log)
    provisioning, session = provisioned()
    register(library, configure(library, (provisioning, session)))
    first = registrar.seen("request REGISTER", since)
    assert rf"""from='"The \"Desk\" 700" <sip:u700@{DOMAIN}>'""" in first
    assert f"sid='{session.session_token}' uid='{session.user_id}'" in first
    assert f"authorization='Bearer {provisioning.sip_jwt}"[:30] in first
    assert f"sid='{session.session_token}' uid='{session.user_id}'" in registrar.seen("accepted", since)


@both_libraries
def test_somebody_elses_registrar_sees_no_token(
    library: str, register: Register, registrar: Registrar, provisioned: Provisioned
) -> None:
    since = len(registrar.log)
    phone = provisioned(registration_mode="WebSocket")
    assert register(library, configure(library, phone))["state"] == "registered"
    assert "sid='<null>' uid='<null>' authorization=''" in registrar.seen("request REGISTER", since)
    assert "sid='<null>' uid='<null>'" in registrar.seen("accepted", since)


@both_libraries
def test_a_wrong_password_is_refused(
    library: str, register: Register, registrar: Registrar, provisioned: Provisioned
) -> None:
    since = len(registrar.log)
    phone = provisioned(sip_password="nope")
    assert register(library, configure(library, phone)) == {"state": "refused", "status": 401, "bindings": 0}
    registrar.seen(f"refused sip:u700@{DOMAIN}", since)


@both_libraries
def test_registers_over_tls(library: str, registrar: Registrar, page: Page, provisioned: Provisioned) -> None:
    since = len(registrar.log)
    phone = provisioned(sip_websocket_port=registrar.wss_port, registration_mode="WebSocket")
    configuration = configure(library, phone, insecure=False)
    assert page.do("evaluate", REGISTER, library, configuration)["state"] == "registered"
    assert f"u700@{DOMAIN} wss " in registrar.seen("accepted", since)


@pytest.mark.parametrize("path", ["ws", "/ws", "//ws"])
@both_libraries
def test_the_path_has_one_slash_on_the_wire(
    library: str, path: str, registrar: Registrar, page: Page, provisioned: Provisioned
) -> None:
    since = len(registrar.log)
    phone = provisioned(sip_server_path=path)
    assert page.do("evaluate", REGISTER, library, configure(library, phone))["state"] == "registered"
    assert registrar.seen("REGISTRAR http", since) == "REGISTRAR http /ws"


@both_libraries
def test_starting_again_leaves_one_binding(library: str, page: Page, provisioned: Provisioned) -> None:
    user = {"sipjs": "u700", "jssip": "u701"}[library]
    configuration = configure(library, provisioned(user, contact_user_name="again"))
    start = "async (...given) => (await phones.register(...given)).outcome.bindings"
    assert [page.do("evaluate", start, library, configuration) for _ in range(3)] == [1, 1, 1]
    page.do("evaluate", REGISTER, library, configuration)


@pytest.mark.parametrize("caller", AGENTS)
def test_a_call_between_the_two(caller: str, registrar: Registrar, page: Page, provisioned: Provisioned) -> None:
    since = len(registrar.log)
    [callee] = set(AGENTS) - {caller}
    caller_phone, callee_phone = provisioned("u700"), provisioned("u701")
    ends = [caller, configure(caller, caller_phone)], [callee, configure(callee, callee_phone)]
    happened = page.do("evaluate", "phones.call", *ends)
    assert happened == {"invite": 200, "media": "connected", "bye": 200, "callee": "ended"}
    assert f"sid='{caller_phone[1].session_token}'" in registrar.seen("request INVITE", since)
    registrar.seen("reply 200 to INVITE", since)
    registrar.seen("request BYE", since)
    registrar.seen("reply 200 to BYE", since)


def test_the_console_of_the_page_stays_empty(page: Page, provisioned: Provisioned) -> None:
    page.do("evaluate", REGISTER, "sipjs", configure("sipjs", provisioned()))
    page.do("evaluate", REGISTER, "jssip", configure("jssip", provisioned()))
    assert page.do("console") == []


@both_libraries
def test_the_libraries_read_back_what_is_emitted(library: str, page: Page) -> None:
    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(provisioning=documents)
    def check(provisioning: Provisioning) -> None:
        try:
            configuration = configure(library, (provisioning, SESSION), insecure=False)
        except IncompleteProvisioningError:
            reject()
        understood = page.do("evaluate", "phones.understood", library, configuration)
        domain = configuration["uri"].rpartition("@")[2]
        assert understood["user"] == provisioning.sip_username
        assert understood["contactUser"] == provisioning.contact_user_name
        assert re.fullmatch(rf"sip:[^@;<>\s]+@{re.escape(domain)}", understood["uri"])
        assert re.fullmatch(rf"sip:[^@;<>\s]+@{re.escape(domain)};transport=ws", understood["contact"])
        assert understood["url"] == sip.websocket_url(provisioning)

    check()


SESSION = Session(user_id="68d1786bbc42833885d1f092a5ba29d4", session_token="havHcBwB,ad328846aa18")


@pytest.mark.parametrize("block", JAVASCRIPT, ids=str)
def test_javascript_of_the_pages_registers(registrar: Registrar, provisioned: Provisioned, block: Block) -> None:
    library = "jssip" if "JsSIP" in block.code else "sipjs"
    since = len(registrar.log)
    with rig.running_in_node(block.code, configure(library, provisioned())):
        assert AGENTS[library] in registrar.seen("accepted sip:u700@", since)
