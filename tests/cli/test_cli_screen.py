"""What a screen gets: masks, tables, text of other people's, the bar."""

from __future__ import annotations

import io

import pytest

from siperb.cli.masking import mask, mask_all
from siperb.cli.progress import Bar
from siperb.cli.terminal import printable, table


def test_a_long_secret_keeps_its_ends_and_a_short_one_nothing() -> None:
    assert mask("pat-" + "0" * 60 + "3f94") == "pat-…3f94"
    assert mask("0123456789" * 3 + "x") == mask("") == "•••"


def test_a_document_is_masked_by_value_and_by_name() -> None:
    token, password = "tok" + "k" * 40, "hush"
    document = {
        "extraHeaders": [f"X-Siperb-Sid: {token}", "X-Siperb-Uid: me"],
        "raw": {"TurnPassword": "other", "Pin_secret": 1234, "on": {"jwt": None, "token": True}, "n": 7},
        "anywhere": f"sip:{password}@host",
        "authorizationUsername": "me",
    }
    assert mask_all(document, [token, password, None, ""]) == {
        "extraHeaders": ["X-Siperb-Sid: tokk…kkkk", "X-Siperb-Uid: me"],
        "raw": {"TurnPassword": "•••", "Pin_secret": "•••", "on": {"jwt": None, "token": True}, "n": 7},
        "anywhere": "sip:•••@host",
        "authorizationUsername": "me",
    }


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    inner = "x" * 40
    assert mask_all({"a": f"{inner}-and-more"}, [inner, f"{inner}-and-more"]) == {"a": "xxxx…more"}


def test_text_of_other_people_moves_no_cursor() -> None:
    assert printable("Front\x1b[2JDesk\r\n\u202etxt\ud800") == "Front�[2JDesk���txt�"


def test_a_table_is_aligned_in_columns_of_the_screen() -> None:
    lines = table(("#", "NAME", "X"), [("1", "受付", "a"), ("10", "Door\tbell", "b")])
    assert lines == ["#   NAME       X", "1   受付       a", "10  Door�bell  b"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_drawn_on_a_terminal_and_wiped_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with Bar("Provisioning") as bar:
        bar(1, 2)
        bar(2, 2)
    half, full, end = screen.getvalue().split("\r\x1b[K")[1:]
    assert half == "Provisioning " + "━" * 15 + "─" * 15 + " 1/2"
    assert full == "Provisioning " + "━" * 30 + " 2/2"
    assert end == ""


def test_elsewhere_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with Bar("Provisioning") as bar:
        bar(1, 2)
    assert screen.getvalue() == ""
