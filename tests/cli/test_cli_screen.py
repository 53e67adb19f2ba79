"""What a screen gets: masks, tables, wrapped text, text of other people's."""

from __future__ import annotations

import pytest

from siperb.cli.masking import mask, mask_all
from siperb.cli.table import table
from siperb.cli.terminal import printable, shortened, width_of, wrapped


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
    lines = table(("#", "NAME", "X"), [("1", "受付", "a"), ("10", "Door\tbell", "b")], 80)
    assert lines == ["#   NAME       X", "1   受付       a", "10  Door�bell  b"]


def test_a_table_for_a_pipe_has_tabs_and_everything_whole() -> None:
    lines = table(("#", "NAME"), [("1", "x" * 300), ("2", "Door\tbell")], None)
    assert lines[1:] == [f"1\t{'x' * 300}", "2\tDoor�bell"]


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_a_table_fits_the_screen_and_shortens_the_widest_column(width: int) -> None:
    lines = table(("#", "NAME", "NOTE"), [("1", "受付" * 100, "y" * 70), ("2", "b", "c")], width)
    assert max(map(width_of, lines)) <= width
    assert lines[0].startswith("#  NAME")
    assert "…" in lines[1]
    assert "…" not in lines[2]


def test_text_is_wrapped_at_words_below_where_it_began() -> None:
    assert wrapped("one two three four", 12, prefix="\x1b[1mok\x1b[0m  ").split("\n") == [
        "\x1b[1mok\x1b[0m  one two",
        "    three",
        "    four",
    ]
    assert wrapped("  one two", 8) == "  one\n  two"
    assert wrapped("a" * 30 + " b", 20) == "a" * 30 + "\nb"
    assert wrapped("受付 受付 受付", 10) == "受付 受付\n受付"
    assert wrapped("as it is, however long", None) == "as it is, however long"


def test_what_has_no_room_ends_in_dots() -> None:
    assert shortened("受付電話", 8) == "受付電話"
    assert shortened("受付電話", 7) == "受付電…"
    assert shortened("受付電話", 6) == "受付…"


@pytest.mark.parametrize(
    "value", ["2026-11-25", "2026-11-25T10:11:12Z", "2026-11-25 10:11 UTC", "2026-11-25T10:11:12.5+00:00"]
)
def test_a_date_is_no_secret(value: str) -> None:
    document = {"jwt_expires_at": value, "TokenExpiryDate": value, "nested": {"token": {"ExpiresAt": value}}}
    assert mask_all(document, []) == document
    assert mask_all({"password": value, "jwt_expires_at": "hush"}, []) == {"password": "•••", "jwt_expires_at": "•••"}
