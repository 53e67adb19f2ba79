"""The example web phone in Chromium, against the loopback API and a real registrar, state by state.

Each state is a screenshot in the directory that SIPERB_SCREENSHOTS names, else in pytest's own.
"""

from __future__ import annotations

import pytest
from siprig import rig
from siprig.fixtures import account, chromium_fixture, registrar_fixture  # noqa: F401
from siprig.rig import DOMAIN, Page, Registrar
from siprig.web_phone import (  # noqa: F401
    PHONE,
    Open,
    built_fixture,
    open_phone_fixture,
    other_phone_fixture,
    server_fixture,
)

from siperb.testing import MISSING, SiperbServer

pytestmark = pytest.mark.registrar

both_libraries = pytest.mark.parametrize("library", ["jssip", "sipjs"])


def test_registers_and_shows_it(open_phone: Open, registrar: Registrar) -> None:
    since = len(registrar.log)
    phone = open_phone()
    phone.shows("Ready", "ready")
    assert phone.page.do("textContent", "h1") == "Front Desk | 700"
    assert phone.page.do("title") == "Front Desk | 700"
    assert phone.focused() == "number"
    assert not phone.visible("#problem")
    assert "JsSIP" in registrar.seen(f"accepted sip:u700@{DOMAIN}", since)
    assert phone.page.do("console") == []


@pytest.mark.parametrize(("name", "browser"), [("dark", {"colorScheme": "dark"}), ("narrow", {"viewport": PHONE})])
def test_looks(open_phone: Open, name: str, browser: dict[str, object]) -> None:
    phone = open_phone(browser=browser)
    phone.shows("Ready", f"ready-{name}")
    widths = phone.page.do("evaluate", "() => [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


def test_the_other_library_takes_over(open_phone: Open, registrar: Registrar) -> None:
    phone = open_phone()
    phone.shows("Ready", "ready")
    since = len(registrar.log)
    phone.use("sipjs")
    assert "SIP.js" in registrar.seen(f"accepted sip:u700@{DOMAIN} ws contact='[^']*expires=[1-9]", since)
    phone.shows("Ready", "ready-sipjs")
    assert "expires=0" in registrar.seen(f"accepted sip:u700@{DOMAIN}.*JsSIP", since)


@both_libraries
def test_calls_with_the_keyboard_alone(open_phone: Open, other_phone: Page, library: str, registrar: Registrar) -> None:
    phone = open_phone()
    phone.shows("Ready", "ready")
    phone.use(library)
    phone.page.do("waitForSelector", '#status:text("Ready")')
    since = len(registrar.log)
    phone.page.do("fill", "#number", "u701")
    phone.page.do("press", "#number", "Enter")
    phone.shows("In call", "in-call", within="#call-state")
    assert phone.page.do("textContent", "#peer") == "u701"
    assert phone.focused() == "hang-up"
    phone.page.do("press", "#mute", "Space")
    assert phone.page.do("getAttribute", "#mute", "aria-pressed") == "true"
    phone.shows("In call", "in-call-muted", within="#call-state")
    assert not phone.visible("#keypad")
    phone.page.do("press", "#show-keypad", "Enter")
    phone.page.do("press", "[aria-label='5']", "Enter")
    phone.page.do("press", "body", "Escape")
    phone.shows("End the call with u701?", "end-the-call", within="#ask-question")
    phone.page.do("press", "#ask-yes", "Enter")
    phone.shows("Call ended. Ready", "call-ended")
    assert phone.focused() == "number"
    registrar.seen("reply 200 to INVITE", since)
    registrar.seen("reply 200 to BYE", since)
    assert phone.page.do("console") == []


@both_libraries
def test_answers_and_is_hung_up_on(open_phone: Open, other_phone: Page, library: str) -> None:
    phone = open_phone(browser={"colorScheme": "dark"})
    phone.use(library)
    phone.shows("Ready", "ready-dark")
    other_phone.do("evaluate", f"() => {{ window.outgoing = phone.call('sip:u700@{DOMAIN}'); }}")
    phone.shows("Incoming call", "incoming-dark", within="#call-state")
    assert phone.page.do("textContent", "#peer") == 'The "Desk" 701'
    assert phone.focused() == "answer"
    phone.page.do("press", "#answer", "Enter")
    phone.shows("In call", "answered-dark", within="#call-state")
    assert other_phone.do("evaluate", "async () => (await outgoing).status") == 200
    other_phone.do("evaluate", "async () => (await outgoing).hangUp()")
    phone.shows("Call ended. Ready", "ended-dark")


@both_libraries
def test_declines(open_phone: Open, other_phone: Page, library: str) -> None:
    phone = open_phone()
    phone.use(library)
    phone.shows("Ready", "ready")
    other_phone.do("evaluate", f"() => {{ window.outgoing = phone.call('sip:u700@{DOMAIN}'); }}")
    phone.shows("Incoming call", "incoming", within="#call-state")
    assert phone.page.do("textContent", "#hang-up span") == "Decline"
    phone.page.do("click", "#hang-up")
    assert other_phone.do("evaluate", "async () => (await outgoing).status") == 480
    phone.page.do("waitForSelector", '#status:text("Call ended. Ready")')


@both_libraries
def test_a_number_that_nobody_answers_at(open_phone: Open, library: str) -> None:
    phone = open_phone()
    phone.use(library)
    phone.shows("Ready", "ready")
    for digit in "799":
        phone.page.do("click", f"[aria-label='{digit}']")
    assert phone.page.do("inputValue", "#number") == "799"
    phone.page.do("click", "#dial")
    phone.complains("The call to 799 failed: not available.", "not-available")
    assert phone.page.do("textContent", "#status") == "Ready"
    assert "not available" in phone.page.do("textContent", "#calls .failed")


@both_libraries
def test_a_wrong_password_then_the_right_one(
    open_phone: Open, server: SiperbServer, registrar: Registrar, library: str
) -> None:
    phone = open_phone(sip_password="nope")
    phone.use(library)
    phone.complains("The registrar refused this phone's password. (401)", "wrong-password")
    assert not phone.visible("#dial")
    [device] = [device for device in server.user.devices if device.description == "Web"]
    server.set_settings(device, {"sip_password": account(registrar, "u700")["sip_password"]})
    phone.page.do("press", "#retry", "Enter")
    phone.shows("Ready", "ready-again")
    assert not phone.visible("#problem")


@both_libraries
def test_no_connection_to_the_registrar(open_phone: Open, library: str) -> None:
    [nobody] = rig.free_ports(1)
    phone = open_phone(sip_websocket_port=nobody)
    phone.use(library)
    phone.complains("The registrar cannot be reached. The phone keeps trying.", "no-connection")
    assert phone.page.do("textContent", "#status") == "No connection"


def test_no_microphone(open_phone: Open) -> None:
    phone = open_phone(browser={"permissions": []})
    phone.shows("Ready", "ready")
    phone.page.do("fill", "#number", "u701")
    phone.page.do("press", "#number", "Enter")
    phone.complains("The microphone is blocked.", "no-microphone")
    assert phone.visible("#dial")


def test_an_expired_jwt(open_phone: Open, server: SiperbServer) -> None:
    server.jwt_lifetime = -60
    open_phone().complains("The phone's JWT has expired already.", "jwt-expired")


@pytest.mark.parametrize("lifetime", [30, 40 * 86400], ids=["half a minute", "40 days"])
def test_a_jwt_of_any_lifetime_is_not_renewed_at_once(open_phone: Open, server: SiperbServer, lifetime: float) -> None:
    server.jwt_lifetime = lifetime
    phone = open_phone()
    phone.shows("Ready", "ready")
    phone.page.do("evaluate", "() => new Promise((due) => setTimeout(due, 300))")  # what is due before goes off before
    assert [request.route for request in server.requests].count("provisioning") == 1


def test_a_refused_pat(open_phone: Open, server: SiperbServer) -> None:
    server.revoke_pat()
    phone = open_phone()
    phone.shows("No configuration", "pat-refused")
    assert "PAT" in phone.page.do("textContent", "#problem-text")
    assert phone.visible("#retry")


def test_an_incomplete_document(open_phone: Open) -> None:
    open_phone(sip_domain=MISSING).complains("missing: SipDomain", "incomplete")


def test_no_api(open_phone: Open, server: SiperbServer) -> None:
    phone = open_phone(key="")
    server.stop()
    phone.page.do("fill", "#key", phone.link.partition("#")[2])
    phone.page.do("press", "#key", "Enter")
    phone.shows("No configuration", "no-api")
    assert phone.visible("#retry")
    assert not phone.visible("#sign-in")


def test_signing_in(open_phone: Open) -> None:
    phone = open_phone(key="")
    phone.shows("Signed out", "sign-in")
    assert phone.focused() == "key"
    assert not phone.visible("#side")  # no sound to set before there is a phone
    phone.page.do("fill", "#key", "not-this-one")
    phone.page.do("press", "#key", "Enter")
    phone.complains("This key is wrong", "wrong-key")
    phone.page.do("fill", "#key", phone.link)
    phone.page.do("press", "#key", "Enter")
    phone.shows("Ready", "signed-in")
    assert "#" not in phone.page.do("url")
    phone.page.do("reload")
    phone.page.do("waitForSelector", '#status:text("Ready")')
    phone.page.do("click", "#sign-out")
    phone.shows("Signed out", "signed-out")
    assert phone.page.do("textContent", "h1") == "Web phone"
    assert phone.page.do("evaluate", "() => sessionStorage.length") == 0
    phone.page.do("reload")
    phone.page.do("waitForSelector", '#status:text("Signed out")')
