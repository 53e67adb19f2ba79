"""A call before its answer, at both ends: what rings, who is told, what is heard.

Each state is a screenshot in the directory that SIPERB_SCREENSHOTS names, else in pytest's own.
"""

from __future__ import annotations

import pytest
from phone_pair import Pair
from siprig.rig import Chromium

from siperb import Provisioning, Siperb, sip
from siperb.testing import SiperbServer

pytestmark = pytest.mark.registrar

RINGTONE, RINGBACK = 523, 425  # hertz
LOUD = 100  # of 255


def test_an_incoming_call_rings_and_stands_in_the_title(pair: Pair) -> None:
    pair.other.click("h1")  # the press without which a browser plays nothing
    pair.one.dial("u701")
    pair.other.shows("Incoming call", name="phone-incoming")
    assert pair.other.reads("#peer") == "Reception"
    assert pair.other.do("title") == "☎ Reception is calling"
    pair.other.waits_for(f"world.loud({RINGTONE}) > {LOUD}")
    assert pair.other.run("() => world.notifications.length") == 0  # it is looked at
    pair.other.click("#hang-up")
    pair.other.waits_for("!world.isRinging()")
    assert pair.other.do("title") == "Kitchen"


def test_an_incoming_call_elsewhere_is_notified_until_it_ends(pair: Pair) -> None:
    pair.other.run("() => { document.hasFocus = () => false; }")  # headless, every page has the focus
    pair.one.dial("u701")
    pair.other.waits_for("world.notifications.length === 1")
    assert pair.other.run("() => world.told") == "Reception is calling"
    assert not pair.other.run("() => Boolean(world.notifications[0].isClosed)")
    pair.one.click("#hang-up")
    pair.other.waits_for("world.notifications[0].isClosed")
    pair.other.shows("Missed call from Reception. Ready", "#status", "phone-missed")
    assert str(pair.other.reads("#calls button")).startswith("Missed: Reception ")


@pytest.mark.parametrize(("pressed", "permission"), [("#allow", "granted"), ("#not-now", "default")])
def test_notifications_are_offered_before_the_browser_asks(opened: Pair, pressed: str, permission: str) -> None:
    one = opened.one
    one.begin("jssip")
    assert not one.do("isVisible", "#offer")  # they are allowed
    one.run(NOT_ASKED_YET)
    one.do("waitForSelector", "#offer")
    one.screenshot("phone-offer")
    one.click(pressed)
    one.waits_for("document.getElementById('offer').hidden")
    assert one.run("() => Notification.permission") == permission


NOT_ASKED_YET = """() => {
    let permission = "default";
    Object.defineProperty(Notification, "permission", { get: () => permission });
    Notification.requestPermission = async () => { permission = "granted"; };
    dispatchEvent(new Event("blur"));
}"""


def test_ringback_until_the_answer_then_the_other_side(pair: Pair) -> None:
    pair.one.dial("u701")
    pair.one.shows("Ringing", name="phone-ringing")
    pair.one.waits_for(f"world.loud({RINGBACK}) > {LOUD}")
    pair.other.answer()
    pair.one.shows("In call", name="phone-in-call")
    pair.one.waits_for("!world.isRinging()")
    pair.one.hears()
    pair.other.hears()
    assert pair.one.focus() == "hang-up"


@pytest.mark.parametrize("library", ["jssip", "sipjs"])
def test_what_is_said_before_the_answer_is_heard(opened: Pair, chromium: Chromium, library: str) -> None:
    one = opened.one
    one.begin(library)
    with chromium.open() as announcer:
        start = "async (configuration) => { (await phones.register('sipjs', configuration)).announce(); }"
        announcer.do("evaluate", start, sip.sipjs(provisioned(opened.server, "Office"), insecure=True))
        one.dial("u702")
        one.shows("Ringing", name="phone-early-media")
        one.hears()
        assert one.run("() => document.getElementById('audio').srcObject.active")
        assert not one.run("() => world.isRinging()")
        one.click("#hang-up")
        one.shows("Call ended. Ready", "#status")


def provisioned(server: SiperbServer, name: str) -> Provisioning:
    with Siperb(server.pat, base_url=server.base_url, strict=True) as client:
        [device] = [device for device in client.get_devices() or [] if device.description == name]
        document = client.get_provisioning(device.device_token)
    assert document
    return document
