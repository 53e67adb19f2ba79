"""The web phone's page: what axe finds in each state, narrow and wide, light and dark; the keyboard; the words.

SIPERB_AXE names a file for what axe found.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from phone_pair import Pair
from siprig import rig
from siprig.web_phone import DESKTOP, EXAMPLE, PHONE

pytestmark = pytest.mark.registrar

SMALLEST = {"width": 320, "height": 568}
AXE = """async () => (await axe.run()).violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)"""


def ready(pair: Pair) -> None: ...


def lost(pair: Pair) -> None:
    pair.one.run("() => dispatchEvent(new Event('offline'))")
    pair.one.shows("No connection", "#status")


def typed(pair: Pair) -> None:
    pair.one.do("fill", "#number", "+442079460000")


def incoming(pair: Pair) -> None:
    pair.other.dial("u700")
    pair.one.shows("Incoming call")


def calling(pair: Pair) -> None:
    pair.one.dial("u701")
    pair.one.shows("Ringing")


def failed(pair: Pair) -> None:
    pair.one.dial("u799")
    pair.one.complains("The call to Nobody failed: not available.")


def talking(pair: Pair) -> None:
    pair.talk()


def pressing(pair: Pair) -> None:
    pair.talk()
    pair.one.click("#show-keypad")


def muted_on_hold(pair: Pair) -> None:
    pair.talk()
    pair.one.click("#mute")
    pair.one.click("#hold")
    pair.one.shows("On hold, microphone off")


def transferring(pair: Pair) -> None:
    pair.talk()
    pair.one.click("#transfer")


def asking(pair: Pair) -> None:
    pair.talk()
    pair.one.press("Escape")


def ended(pair: Pair) -> None:
    pair.talk()
    pair.one.click("#hang-up")
    pair.one.shows("Call ended. Ready", "#status")


STATES: list[Callable[[Pair], None]] = [
    ready, lost, typed, incoming, calling, failed, talking, pressing, muted_on_hold, transferring, asking, ended,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_and_it_fits_320_pixels(opened: Pair, state: Callable[[Pair], None]) -> None:
    phone = opened.one
    for each in (phone, opened.other):
        each.begin("jssip")
    phone.run(f"() => {{ {(rig.HERE / 'node_modules' / 'axe-core' / 'axe.min.js').read_text()} }}")
    state(opened)
    found: dict[str, Any] = {}
    for scheme, width, viewport in (("light", "wide", DESKTOP), ("dark", "narrow", SMALLEST)):
        phone.do("emulateMedia", {"colorScheme": scheme, "reducedMotion": "reduce"})
        phone.do("setViewportSize", viewport)
        phone.screenshot(f"page-{state.__name__}-{scheme}-{width}")
        found[f"{state.__name__} {scheme} {width}"] = phone.run(AXE)
        widths = phone.run("() => [document.documentElement.scrollWidth, innerWidth]")
        assert isinstance(widths, list)
        assert widths[0] <= widths[1]
    phone.do("setViewportSize", DESKTOP)
    phone.do("emulateMedia", {"colorScheme": "light"})
    if report := os.environ.get("SIPERB_AXE"):
        with Path(report).open("a") as lines:
            lines.writelines(f"{where}: {what or 'nothing'}\n" for where, what in found.items())
    assert not {where: what for where, what in found.items() if what}


@pytest.mark.parametrize("state", [ready, talking, pressing, transferring, incoming], ids=lambda state: state.__name__)
def test_the_tab_key_comes_to_all_that_can_be_pressed(opened: Pair, state: Callable[[Pair], None]) -> None:
    for each in (opened.one, opened.other):
        each.begin("jssip")
    state(opened)
    opened.one.run("() => document.activeElement.blur()")
    wanted = opened.one.run(CONTROLS)
    assert isinstance(wanted, list)
    reached = set()
    for _ in range(len(wanted) + 2):
        opened.one.press("Tab")
        reached.add(opened.one.run(f"() => {NAME}(document.activeElement)"))
    assert set(wanted) <= reached


NAME = "((each) => each.id || each.ariaLabel || each.value || each.textContent)"
CONTROLS = f"""() => [...document.querySelectorAll("button, input, select, summary")]
    .filter((each) => each.checkVisibility() && !each.matches(":disabled"))
    .filter((each) => getComputedStyle(each).visibility === "visible").map({NAME})"""


def test_the_library_is_a_setting(opened: Pair) -> None:
    one = opened.one
    one.begin("jssip")
    one.press("Enter", "summary")
    assert not one.do("isVisible", "#library")
    one.press("Enter", "summary")
    assert one.do("isVisible", "#library")


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 720}, PHONE], ids=["wide", "narrow"])
def test_speed_dials_and_recent_calls_are_seen_at_once(opened: Pair, viewport: dict[str, int]) -> None:
    opened.one.begin("jssip")
    failed(opened)
    opened.one.do("setViewportSize", viewport)
    below = "(each) => each.getBoundingClientRect().bottom > innerHeight"
    lists = "['#buddies', '#calls li', '#dial'].map((each) => document.querySelector(each))"
    assert opened.one.run(f"() => {lists}.filter({below}).length") == 0
    opened.one.do("setViewportSize", DESKTOP)


def test_the_slider_is_dark_in_dark_mode(opened: Pair, tmp_path: Path) -> None:
    opened.one.begin("jssip")
    opened.one.do("emulateMedia", {"colorScheme": "dark"})
    box = opened.one.run("() => document.getElementById('volume').getBoundingClientRect().toJSON()")
    assert isinstance(box, dict)
    opened.one.do("screenshot", {"path": str(tmp_path / "slider.png"), "clip": box, "animations": "disabled"})
    picture = base64.b64encode((tmp_path / "slider.png").read_bytes()).decode()
    brightest = opened.one.run(BRIGHTEST_OF_THE_END, picture)
    opened.one.do("emulateMedia", {"colorScheme": "light"})
    assert isinstance(brightest, int)
    assert 24 < brightest < 160  # there is something, and it is not white


BRIGHTEST_OF_THE_END = """async (picture) => {
    const image = new Image();
    image.src = `data:image/png;base64,${picture}`;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return Math.max(...context.getImageData(image.width - 12, 0, 12, image.height).data.filter((_, at) => at % 4 < 3));
}"""


def test_a_screen_reader_is_told_what_changes(opened: Pair) -> None:
    for each in (opened.one, opened.other):
        each.begin("jssip")
    for selector, role in {"#status": "status", "#call-state": "status", "#problem": "alert"}.items():
        assert opened.one.do("getAttribute", selector, "role") == role
    opened.talk()
    changes = "() => { window.changes = 0; new MutationObserver(() => window.changes++).observe("
    observed = "document.getElementById('status'), { childList: true, characterData: true, subtree: true }); }"
    opened.one.run(changes + observed)
    opened.one.shows("0:01", "#duration")
    opened.one.shows("0:02", "#duration")
    assert opened.one.run("() => window.changes") == 0  # the clock of the call is not read aloud each second


def test_the_words_are_in_one_file(opened: Pair) -> None:
    for page in ("index.html", "echo.html"):
        body = (EXAMPLE / page).read_text().partition("<body>")[2]
        words = {text.strip() for text in re.findall(r">([^<]+)<", body)} - {"", "JsSIP", "SIP.js"}
        assert not words
    opened.one.begin("jssip")
    named = "[...document.querySelectorAll('[data-words], [data-label]')]"
    empty = f"() => {named}.filter((each) => !(each.textContent + (each.ariaLabel ?? '')).trim()).length"
    assert opened.one.run(empty) == 0
    assert "undefined" not in json.dumps(opened.one.run("() => document.body.innerHTML"))
