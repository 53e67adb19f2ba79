"""The web phone's page: what axe finds in each state, narrow and wide, light and dark; the keyboard; the words.

SIPERB_AXE names a file for what axe found.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from phone_pair import Pair
from siprig import rig
from siprig.web_phone import DESKTOP, EXAMPLE

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


def talking(pair: Pair) -> None:
    pair.talk()


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
    ready, lost, typed, incoming, calling, talking, muted_on_hold, transferring, asking, ended,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_and_it_fits_320_pixels(opened: Pair, state: Callable[[Pair], None]) -> None:
    phone = opened.one
    for each in (phone, opened.other):
        each.begin("jssip")
    phone.run(f"() => {{ {(rig.HERE / 'node_modules' / 'axe-core' / 'axe.min.js').read_text()} }}")
    state(opened)
    found: dict[str, Any] = {}
    for scheme in ("light", "dark"):
        phone.do("emulateMedia", {"colorScheme": scheme, "reducedMotion": "reduce"})
        for width, viewport in (("wide", DESKTOP), ("narrow", SMALLEST)):
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


@pytest.mark.parametrize("state", [ready, talking, transferring, incoming], ids=lambda state: state.__name__)
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
CONTROLS = f"""() => [...document.querySelectorAll("button, input, select")]
    .filter((each) => each.checkVisibility() && !each.matches(":disabled, [type=radio]:not(:checked)"))
    .filter((each) => getComputedStyle(each).visibility === "visible").map({NAME})"""


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
