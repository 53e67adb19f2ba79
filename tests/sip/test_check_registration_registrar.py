"""`check_registration` and the command line ask a real registrar, Kamailio, where SIP.js and JsSIP are registered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import pytest
from cli_helpers import Run
from facades import Facade
from sip_registrars import PHONE
from siprig import rig
from siprig.fixtures import ACCOUNTS, account, registrar_fixture  # noqa: F401
from siprig.rig import DOMAIN, Registrar

from siperb import Provisioning, RegistrarConnectionError, RegistrarResponseError, Registration, sip
from siperb.testing import SiperbServer

pytest_plugins = ("cli_fixtures",)
pytestmark = pytest.mark.registrar

STAYS = {
    "sipjs": """
        import { Registerer, UserAgent } from "sip.js";
        const { extraHeaders, ...options } = configuration;
        const userAgent = new UserAgent({ ...options, uri: UserAgent.makeURI(options.uri) });
        await userAgent.start();
        await new Registerer(userAgent, { extraHeaders }).register();
    """,
    "jssip": """
        import JsSIP from "jssip";
        const { extraHeaders, ...options } = configuration;
        const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
        const ua = new JsSIP.UA({ ...options, sockets });
        ua.start();
    """,
}


@contextmanager
def registered(registrar: Registrar, user: str, library: str) -> Iterator[None]:
    """A phone at the registrar, which stays there when its process has ended."""
    since = len(registrar.log)
    emit = {"sipjs": sip.sipjs, "jssip": sip.jssip}[library]
    configuration = emit(phone(registrar, user, contact_user_name=library), insecure=True)
    with rig.running_in_node(STAYS[library], configuration):
        registrar.seen(f"accepted sip:{user}@.* contact='[^']*sip:", since)  # a check before it asks with none
        yield


def phone(registrar: Registrar, user: str = "u700", **changes: object) -> Provisioning:
    known = {"sip_username": user, "sip_password": ACCOUNTS[user], "sip_domain": DOMAIN}
    return attrs.evolve(PHONE, **{**known, "sip_websocket_port": registrar.ws_port, **changes})  # type: ignore[arg-type]


def check(facade: Facade, phone: Provisioning, *, insecure: bool = True) -> Registration:
    registration: Registration = facade.call(facade.client().check_registration, phone, insecure=insecure)
    return registration


def test_the_right_password_and_nobody_registered(facade: Facade, registrar: Registrar) -> None:
    since = len(registrar.log)
    registration = check(facade, phone(registrar))
    assert (registration.accepted, registration.status, registration.contacts) == (True, 200, ())
    assert "kamailio" in (registration.server or "")
    assert not [binding for binding in registrar.bindings() if "c700" in binding["Address"]]
    assert registrar.seen("accepted", since).startswith(f"accepted sip:u700@{DOMAIN} ws contact='<null>'")
    assert "authorization=''" in registrar.seen("request REGISTER", since)


def test_phones_that_are_registered_are_listed_and_left_alone(facade: Facade, registrar: Registrar) -> None:
    with ExitStack() as phones:
        for library in STAYS:
            phones.enter_context(registered(registrar, "u702", library))
        before = registrar.bindings()
        listed = check(facade, phone(registrar, "u702")).contacts
        assert registrar.bindings() == before
    assert {contact.uri for contact in listed} == {f"sip:{library}@{DOMAIN};transport=ws" for library in STAYS}
    assert {contact.uri for contact in listed} == {binding["Address"] for binding in before}
    assert all(contact.expires and 0 < contact.expires <= 600 for contact in listed)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"sip_password": "nope"}, 401),
        ({"sip_username": "nobody"}, 401),
        ({"sip_domain": "other.example.test"}, 403),
    ],
    ids=["password", "user", "domain"],
)
def test_what_is_wrong_is_refused(facade: Facade, registrar: Registrar, wrong: dict[str, str], status: int) -> None:
    registration = check(facade, phone(registrar, **wrong))
    assert (registration.accepted, registration.status, registration.answered_challenge) == (False, status, True)


def test_a_path_that_is_wrong(facade: Facade, registrar: Registrar) -> None:
    with pytest.raises(RegistrarResponseError, match="HTTP 404"):
        check(facade, phone(registrar, sip_server_path="/wss"))


def test_over_tls(facade: Facade, registrar: Registrar, monkeypatch: pytest.MonkeyPatch) -> None:
    since = len(registrar.log)
    with pytest.raises(RegistrarConnectionError, match="certificate"):
        check(facade, phone(registrar, sip_websocket_port=registrar.wss_port), insecure=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(registrar.spki.with_name("cert.pem")))
    assert check(facade, phone(registrar, sip_websocket_port=registrar.wss_port), insecure=False).accepted
    assert f"u700@{DOMAIN} wss " in registrar.seen("accepted", since)


@pytest.mark.parametrize("mode", ["Proxy", "WebSocket"])
def test_siperbs_headers(facade: Facade, registrar: Registrar, mode: str) -> None:
    since = len(registrar.log)
    client = facade.client()
    session = facade.call(client.login)
    settings = phone(registrar, registration_mode=mode, sip_jwt="aaa.bbb.ccc")
    assert facade.call(client.check_registration, settings, insecure=True).accepted
    if mode == "Proxy":
        expected = f"sid='{session.session_token}' uid='{session.user_id}'"
        assert "authorization='Bearer aaa.bbb.ccc'" in registrar.seen("request REGISTER", since)
    else:
        expected = "sid='<null>' uid='<null>'"
    assert expected in registrar.seen("accepted", since)


def test_a_registrar_that_challenges_with_sha_256(facade: Facade, tmp_path: Path) -> None:
    rig.need_parts()
    with rig.run_registrar(tmp_path, ACCOUNTS, "SHA256") as registrar:
        assert check(facade, phone(registrar)).accepted
        assert check(facade, phone(registrar, sip_password="nope")).status == 401
        assert "algorithm='SHA-256'" in registrar.seen("accepted")


@pytest.fixture
def provisioned(siperb_server: SiperbServer, registrar: Registrar) -> None:
    for device in list(siperb_server.user.devices):
        siperb_server.remove_device(device)
    common = {"registration_mode": "WebSocket"}
    siperb_server.add_device(
        description="Wrong", settings={**account(registrar, "u700"), **common, "sip_password": "no"}
    )
    siperb_server.add_device(description="Right", settings={**account(registrar, "u701"), **common})


@pytest.mark.usefixtures("provisioned")
def test_the_doctor(run: Run, registrar: Registrar) -> None:
    def last(name: str) -> tuple[str, int]:
        doctor = run("doctor", "--json", "--device", name)
        check = json.loads(doctor.out)["checks"][-1]
        assert check["name"] == "registration"
        return check["detail"], doctor.code

    said, code = last("Wrong")
    assert said.startswith("The SIP user or password is refused (401 Unauthorized): check SipUsername")
    assert code == 1
    assert last("Right") == ("accepted; registered: no phone", 0)
    with registered(registrar, "u701", "jssip"):
        said, code = last("right")
        assert said.startswith(f"accepted; registered: sip:jssip@{DOMAIN};transport=ws (")
        assert code == 0
