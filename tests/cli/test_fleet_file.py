"""The file of a fleet: what is read of it, and what is said to be wrong, by line."""

from __future__ import annotations

from typing import Any

import pytest

from siperb.cli.fleet_file import Problem, Row, read_rows
from siperb.cli.fleet_settings import with_types

GOOD = "email,device,name,platform,set:EnableCallRecording\nanna@c.example,Headset,Zoë,IOS,true\nben@c.example,,,,\n"
ROWS = [
    Row(2, "anna@c.example", "Headset", "Zoë", "ios", {"EnableCallRecording": "true"}),
    Row(3, "ben@c.example", "", "", "script", {}),
]


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace(",", " , ").replace("email ", " Email").replace("set:E", "SET: E").encode(),
        (GOOD + ",,,,\n\n").encode(),
    ],
    ids=["plain", "BOM", "semicolons", "tabs", "CRLF", "spaces", "empty lines"],
)
def test_the_ways_to_write_a_file(content: bytes) -> None:
    assert read_rows(content) == (ROWS, [])


def test_a_line_is_where_its_row_begins() -> None:
    rows, problems = read_rows(b'email,device,set:a\nanna@c.example,x,"{\n}"\nben@c.example,y,\n')
    assert ([row.line for row in rows], problems) == ([2, 4], [])


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (GOOD.encode("latin-1"), 2, "UTF-8"),
        (GOOD.encode("utf-16"), 1, "UTF-8"),
        (b"", 1, "empty"),
        (b"email\na@c.example\n", 1, "no column device"),
        (b"emial,device\n", 1, "emial: did you mean email?"),
        (b"email,device,phone number\n", 1, "unknown column, phone number"),
        (b"email,device,email\n", 1, "column email twice"),
        (b"email,device,\n", 1, "no name for column 3"),
        (b"email,device,set:\n", 1, "name of a setting"),
        (b"email,device\na@c.example,x\n,y\n", 3, "no e-mail"),
        (b"email,device\nAnna,x\n", 2, "no e-mail"),
        (b"email,device\na@c.example,x,y\n", 2, "3 cells, and the first line 2"),
        (b"email,device\na@c.example\n", 2, "1 cells"),
        (b"email,device\na@c.example,x\nA@c.example,x\n", 3, "same device as line 2"),
        (b"email,device\na@c.example,\nA@c.example,\n", 3, "same user as line 2"),
        (b"email,device,name\na@c.example,x,Anna\na@c.example,y,Anne\n", 3, "another name than line 2"),
        (b"email,device,platform\na@c.example,x,scirpt\n", 2, "did you mean script?"),
        (b"email,device,set:a\na@c.example,,1\n", 2, "no device"),
        (b"email,device\na@c.example," + b"x" * 129 + b"\n", 2, "129 characters"),
        (b'email,device\na@c.example,"x\ny"\n', 2, "line break"),
        (b'email,device\na@c.example,x\nb@c.example,"y\n', 3, "no CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, line: int, said: str) -> None:
    _, [problem, *_] = read_rows(content)
    assert problem.line == line
    assert said in problem.text


def test_everything_is_said_at_once_in_the_order_of_the_file() -> None:
    _, problems = read_rows(b"email,device,platform\n,x,\na@c.example,y,phone\na@c.example,z,\na@c.example,z,\n")
    assert [problem.line for problem in problems] == [2, 3, 5]


DESCRIBED: list[dict[str, Any]] = [
    {"Key": "Record", "Type": "boolean", "Default": True},
    {"Key": "Ring", "Type": "number", "Value": None},
    {"Key": "Layout", "Type": "string"},
    {"Key": "Buddies", "Type": "json"},
    {"name": "Guessed", "defaultValue": False},
    {"Key": "Unknown", "Type": "colour", "Default": None},
]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("Record", "TRUE", True),
        ("Record", "false", False),
        ("Ring", "120", 120),
        ("Ring", "-0.5", -0.5),
        ("Layout", "true", "true"),
        ("Layout", "7", "7"),
        ("Buddies", '[{"a": 1}]', [{"a": 1}]),
        ("Guessed", "true", True),
    ],
)
def test_a_setting_has_the_type_that_the_api_states(key: str, text: str, value: object) -> None:
    [row], problems = with_types([Row(2, "a@c.example", "x", settings={key: text})], DESCRIBED)
    assert problems == []
    assert row.settings == {key: value}
    assert type(row.settings[key]) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("Record", "yes", "true or false"),
        ("Record", "1", "true or false"),
        ("Ring", "1,5", "a number"),
        ("Ring", "true", "a number"),
        ("Ring", "NaN", "a number"),
        ("Ring", "1e999", "a number"),
        ("Layout", "x" * 1025, "1024 characters"),
        ("Buddies", "[" * 100_000, "JSON"),
        ("Buddies", "{", "JSON"),
        ("Recrod", "true", "did you mean Record?"),
        ("Unknown", "red", "of which type"),
    ],
)
def test_a_setting_of_another_type_is_refused(key: str, text: str, said: str) -> None:
    _, [problem] = with_types([Row(7, "a@c.example", "x", settings={key: text})], DESCRIBED)
    assert problem == Problem(7, problem.text)
    assert said in problem.text
    assert text not in problem.text
