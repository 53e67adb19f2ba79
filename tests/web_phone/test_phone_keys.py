"""The web phone's keypad and keyboard, before a call."""

from __future__ import annotations

import pytest
from phone_pair import Pair, Phone

pytestmark = pytest.mark.registrar

LONG = 650  # milliseconds, of a press


@pytest.fixture
def phone(opened: Pair) -> Phone:
    opened.one.begin("jssip")
    return opened.one


def number(phone: Phone) -> object:
    return phone.do("inputValue", "#number")


def test_the_keyboard_dials_wherever_the_focus_is(phone: Phone) -> None:
    phone.do("focus", "summary")
    for key in "07*#":
        phone.press(key, "summary")
    assert number(phone) == "07*#"
    assert phone.focus() == "number"


def test_a_key_that_is_held_makes_one_digit(phone: Phone) -> None:
    phone.do("focus", "[aria-label='5']")
    for _ in range(5):
        phone.run(
            "() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
            "{ key: '5', repeat: true, bubbles: true, cancelable: true }))"
        )
    assert number(phone) == ""


def test_holding_the_0_is_a_plus(phone: Phone) -> None:
    phone.do("click", "[aria-label='0']", {"delay": LONG})
    phone.do("click", "[aria-label='4']")
    phone.do("click", "[aria-label='0']")
    assert number(phone) == "+40"
    phone.screenshot("phone-plus")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_holding_the_0_with_the_keyboard_is_a_plus(phone: Phone, key: str) -> None:
    phone.do("press", "[aria-label='0']", key, {"delay": LONG})
    phone.do("press", "[aria-label='0']", key)
    assert number(phone) == "+0"


def test_holding_0_in_the_number_is_a_plus(phone: Phone) -> None:
    phone.do("focus", "#number")
    phone.run(HOLD_ZERO)
    assert number(phone) == "+"


HOLD_ZERO = """() => {
    const field = document.getElementById("number");
    for (const repeat of [false, true, true, true]) {
        const down = new KeyboardEvent("keydown", { key: "0", repeat, bubbles: true, cancelable: true });
        if (field.dispatchEvent(down)) field.setRangeText("0", field.selectionStart, field.selectionEnd, "end");
    }
}"""


def test_backspace(phone: Phone) -> None:
    assert not phone.do("isVisible", "#backspace")
    phone.do("fill", "#number", "123")
    phone.click("#backspace")
    assert number(phone) == "12"
    assert phone.focus() == "number"
    phone.press("Backspace", "summary")
    assert number(phone) == "1"


@pytest.mark.parametrize(
    ("pasted", "cleaned"),
    [
        ("+49 (0)30 / 123-45.67", "+49301234567"),
        ("(030) 123 45", "03012345"),
        ("tel:+1-201-555-0123", "+12015550123"),
        ("\u202a+44\u00a020\u20117946\u20130000\u202c", "+442079460000"),
        ("  sip:ann@example.com ", "sip:ann@example.com"),
        ("first.last-name@example.com", "first.last-name@example.com"),
    ],
)
def test_a_pasted_number_is_cleaned(phone: Phone, pasted: str, cleaned: str) -> None:
    phone.run(PASTE, pasted)
    assert number(phone) == cleaned


PASTE = """(text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", text);
    document.getElementById("number").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
