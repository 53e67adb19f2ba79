"""Two web phones call each other, one on either library: each thing that a call has, by a test of its own.

Each state is a screenshot in the directory that SIPERB_SCREENSHOTS names, else in pytest's own.
"""

from __future__ import annotations

import pytest
from phone_pair import Pair, Phone

pytestmark = pytest.mark.registrar

# Answers the question with no and asks the next one before the browser tells that the first is closed.
ESCAPES_AT_ONCE = """() => {
  document.getElementById("ask").close();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
}"""


def test_hold_and_resume_on_both_sides(pair: Pair) -> None:
    pair.talk()
    pair.one.click("#hold")
    pair.one.shows("On hold", name="phone-on-hold")
    assert pair.one.do("getAttribute", "#hold", "aria-pressed") == "true"
    pair.other.shows("The other side holds the call", name="phone-held")
    pair.one.click("#hold")
    for phone in (pair.one, pair.other):
        phone.shows("In call")
        phone.hears()


def test_mute_says_what_it_is_and_sends_silence(pair: Pair) -> None:
    pair.talk()
    pair.other.hears()
    pair.one.click("#mute")
    pair.one.shows("In call, microphone off", name="phone-muted")
    sent = "() => world.connections.at(-1).getSenders()[0].track.enabled"
    assert pair.one.run(sent) is False
    pair.other.waits_for("await world.silence()")
    pair.one.click("#mute")
    pair.one.shows("In call")
    pair.other.hears()


def test_a_blind_transfer(pair: Pair, third: Phone) -> None:
    pair.talk()
    pair.one.click("#transfer")
    assert pair.one.focus() == "target"
    pair.one.screenshot("phone-transfer")
    pair.one.do("fill", "#target", "u702")
    pair.one.press("Enter", "#target")
    pair.other.shows("Reception wants to transfer you to u702. Call there?", "#ask-question", "phone-transferred")
    pair.other.click("#ask-yes")
    third.answer()
    pair.one.shows("Kitchen is transferred. Ready", "#status")
    pair.other.shows("In call")
    assert pair.other.reads("#peer") == "u702"
    third.hears()
    pair.other.hears()


def test_a_transfer_to_nobody_leaves_the_call_as_it_was(pair: Pair) -> None:
    pair.talk()
    since = len(pair.registrar.log)
    pair.one.click("#transfer")
    pair.one.do("fill", "#target", "u799")
    pair.one.press("Enter", "#target")
    pair.other.shows("Reception wants to transfer you to u799. Call there?", "#ask-question")
    pair.other.click("#ask-yes")
    pair.registrar.seen("request INVITE.*u701", since)
    pair.one.complains("Not transferred: not available.")  # nobody is there, so both still talk
    pair.other.complains("Not transferred: not available.")
    for phone in (pair.one, pair.other):
        phone.shows("In call")
        phone.hears()


def test_a_transfer_is_nobodys_to_force(pair: Pair) -> None:
    pair.talk()
    since = len(pair.registrar.log)
    pair.one.click("#transfer")
    pair.one.do("fill", "#target", "u799")
    pair.one.press("Enter", "#target")
    pair.other.shows("Reception wants to transfer you to u799. Call there?", "#ask-question")
    pair.other.click("#ask-no")
    pair.one.complains("Not transferred: declined.")
    assert not any("request INVITE" in line for line in pair.registrar.log[since:])


def test_escape_asks_before_it_ends_the_call(pair: Pair) -> None:
    pair.talk()
    pair.one.press("Escape")
    pair.one.shows("End the call with Kitchen?", "#ask-question", "phone-asks")
    assert pair.one.focus() == "ask-yes"
    pair.one.press("Escape", "#ask-yes")
    pair.one.waits_for("!document.getElementById('ask').open")
    pair.one.shows("In call")
    pair.one.press("Escape")
    pair.one.press("Enter", "#ask-yes")
    pair.one.shows("Call ended. Ready", "#status")
    pair.other.shows("Call ended. Ready", "#status")


def test_a_question_that_comes_at_once_after_another_waits_for_its_own_answer(pair: Pair) -> None:
    pair.talk()
    pair.one.press("Escape")
    pair.one.shows("End the call with Kitchen?", "#ask-question")
    pair.one.run(ESCAPES_AT_ONCE)
    pair.one.press("Enter", "#ask-yes")
    pair.one.shows("Call ended. Ready", "#status")


def test_a_question_that_another_follows_at_once_has_its_answer_too(pair: Pair) -> None:
    pair.talk()
    pair.one.click("#transfer")
    pair.one.do("fill", "#target", "u799")
    pair.one.press("Enter", "#target")
    pair.other.shows("Reception wants to transfer you to u799. Call there?", "#ask-question")
    pair.other.run(ESCAPES_AT_ONCE)
    pair.other.shows("End the call with Reception?", "#ask-question")
    pair.one.complains("Not transferred: declined.")


def test_a_question_about_a_call_goes_with_it(pair: Pair) -> None:
    pair.talk()
    pair.one.press("Escape")
    pair.one.shows("End the call with Kitchen?", "#ask-question")
    pair.other.click("#hang-up")
    pair.one.shows("Call ended. Ready", "#status")
    assert not pair.one.run("() => document.getElementById('ask').open")


def test_keys_in_a_call_are_tones(pair: Pair) -> None:
    pair.talk()
    for key in "15*#":
        pair.one.press(key)
    pair.one.click("#show-keypad")
    pair.one.click("[aria-label='9']")
    pair.one.shows("15*#9", "#tones", "phone-tones")
    pair.one.waits_for("world.tones.join('') === '15*#9'")


def test_the_keypad_of_a_call_comes_and_goes(pair: Pair) -> None:
    pair.talk()
    assert not pair.one.do("isVisible", "#keypad")
    pair.one.click("#show-keypad")
    assert pair.one.do("isVisible", "#keypad")
    assert pair.one.do("getAttribute", "#show-keypad", "aria-expanded") == "true"
    pair.one.click("#transfer")
    assert not pair.one.do("isVisible", "#keypad")
    pair.one.click("#show-keypad")
    assert not pair.one.do("isVisible", "#transferrer")
    pair.one.click("#show-keypad")
    assert not pair.one.do("isVisible", "#keypad")


def test_a_call_has_one_status(pair: Pair) -> None:
    pair.talk()
    for phone in (pair.one, pair.other):
        assert phone.reads("#status") == ""
        assert phone.reads("#call-state") == "In call"


def test_a_speed_dial_and_the_calls_of_this_session(pair: Pair) -> None:
    assert pair.one.reads("#buddies") == "Kitchen u701Nobody u799"
    pair.one.click("#buddies button")
    pair.other.answer()
    pair.one.shows("In call")
    pair.one.click("#hang-up")
    pair.one.shows("Call ended. Ready", "#status", "phone-recent")
    assert str(pair.one.reads("#calls button")).startswith("Outgoing: Kitchen ")
    assert str(pair.other.reads("#calls button")).startswith("Incoming: Reception ")
    pair.other.click("#calls button")  # back to whom it was
    pair.one.shows("Incoming call")
    pair.one.click("#hang-up")
    pair.other.complains("The call to Reception failed: not available.")
    assert str(pair.other.reads("#calls button")).startswith("Failed: Reception ")
    assert str(pair.other.reads("#calls button")).endswith(" · not available")
    colours = "[...document.querySelectorAll('#calls span:last-of-type')].map((each) => getComputedStyle(each).color)"
    failed, ended = pair.other.run(f"() => {colours}")
    assert failed != ended


def test_the_microphone_changes_in_a_call(pair: Pair) -> None:
    pair.talk()
    names = "[...document.querySelectorAll('#microphone option')].map((option) => option.textContent)"
    pair.one.waits_for(f"{names}.includes('Fake Audio Input 1')")
    sent = "() => world.connections.at(-1).getSenders()[0].track.label"
    before = pair.one.run(sent)
    pair.one.do("selectOption", "#microphone", {"label": "Fake Audio Input 2"})
    pair.one.waits_for(f"({sent})() === 'Fake Audio Input 2'")
    assert before != "Fake Audio Input 2"
    pair.other.hears()


def test_the_speaker_and_the_volume(pair: Pair) -> None:
    pair.talk()
    pair.one.do("selectOption", "#speaker", {"label": "Fake Audio Output 1"})
    pair.one.waits_for("document.getElementById('audio').sinkId === document.getElementById('speaker').value")
    assert pair.one.run("() => document.getElementById('audio').sinkId")
    pair.one.press("Home", "#volume")
    assert pair.one.run("() => document.getElementById('audio').volume") == 0
    pair.one.press("End", "#volume")
    assert pair.one.run("() => document.getElementById('audio').volume") == 1


def test_a_second_call_hears_that_this_phone_is_busy(pair: Pair, third: Phone) -> None:
    pair.talk()
    third.dial("u701")
    third.complains("The call to Kitchen failed: busy.")
    pair.other.shows("In call")
    assert str(pair.other.reads("#calls button")).startswith("Missed: Office ")


def test_the_consoles_stay_empty(opened: Pair) -> None:
    assert opened.one.do("console") == []
    assert opened.other.do("console") == []
