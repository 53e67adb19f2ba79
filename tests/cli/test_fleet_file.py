"""The file of a fleet: what is read of it, and what is said to be wrong, by line."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from siperb.cli.fleet_file import Row, read_rows, with_types

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
        GOOD.replace("\n", "\r").replace(",", ";").encode(),
        GOOD.replace("\n", ";\n").replace(",", ";").encode(),
        ("sep=;\n" + GOOD.replace(",", ";")).encode(),
        ("#TYPE System.Management.Automation.PSCustomObject\n" + GOOD).encode(),
        GOOD.replace("ben@c.example,,,,", "ben@c.example").encode(),
        GOOD.replace(",", " , ").replace("email ", " Email").replace("set:E", "SET: E").encode(),
        (GOOD + ",,,,\n\n").encode(),
    ],
    ids=[
        "plain",
        "BOM",
        "semicolons",
        "tabs",
        "CRLF",
        "CR",
        "trailing column",
        "sep",
        "TYPE",
        "no trailing cells",
        "spaces",
        "empty lines",
    ],
)
def test_the_ways_to_write_a_file(content: bytes) -> None:
    first = read_rows(content)[0][0].line - 2  # of lines about the file itself
    assert read_rows(content) == ([evolve(row, line=row.line + first) for row in ROWS], [])


def test_a_separator_is_the_one_that_the_header_has() -> None:
    [row], problems = read_rows(b"email;device;name\ranna@contact.example;Headset;Muster, Anna\r")
    assert (row.name, problems) == ("Muster, Anna", [])


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
        (b"email,device,,set:a\n", 1, "unknown column, 3"),
        (b"email,device,set:\n", 1, "unknown column, set:"),
        (b"email,device\na@c.example,x\n,y\n", 3, "no e-mail"),
        (b"email,device\nAnna,x\n", 2, "no e-mail"),
        (b"email,device\na@c.example,x,y\n", 2, "3 cells, and the first line has 2 names"),
        ("email,device\na\u200b@c.example,x\n".encode(), 2, "ZERO WIDTH SPACE (U+200B): delete it"),
        ("email,device\n\ufeffa@c.example,x\n".encode(), 2, "ZERO WIDTH NO-BREAK SPACE (U+FEFF)"),
        ("email,device\na@c.example,Caf\u00e9\na@c.example,Cafe\u0301\n".encode(), 3, "same device as line 2"),
        (b"email,device\na@c.example,x\nA@c.example,x\n", 3, "same device as line 2"),
        (b"email,device\na@c.example,\nA@c.example,\n", 3, "same user as line 2"),
        (b"email,device,name\na@c.example,x,Anna\na@c.example,y,Anne\n", 3, "another name than line 2"),
        (b"email,device,platform\na@c.example,x,scirpt\n", 2, "did you mean script?"),
        (b"email,device,set:a\na@c.example,,1\n", 2, "no device"),
        (b"email,device\na@c.example," + b"x" * 129 + b"\n", 2, "128 characters"),
        (b'email,device\na@c.example,"x\ny"\n', 2, "line break"),
        (b'email,device\na@c.example,x\nb@c.example,"y\n', 3, "no CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, line: int, said: str) -> None:
    _, [problem, *_] = read_rows(content)
    assert problem[0] == line
    assert said in problem[1]


def test_everything_is_said_at_once_in_the_order_of_the_file() -> None:
    _, problems = read_rows(b"email,device,platform\n,x,\na@c.example,y,phone\na@c.example,z,\na@c.example,z,\n")
    assert [line for line, _ in problems] == [2, 3, 5]


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
        ("Layout", "1.000", "1.000"),
        ("Ring", "0.125", 0.125),
        ("Buddies", "[1.5, 2]", [1.5, 2]),
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
        ("Ring", "1.000", "a number"),
        ("Ring", "12.345", "a number"),
        ("Ring", "4.9E+12", "not what a spreadsheet makes of a long number"),
        ("Ring", "12345678901234567890", "a number"),
        ("Layout", "4.91701E+12", "not what a spreadsheet makes of a long number"),
        ("Buddies", "[1.000]", "JSON"),
        ("Layout", "x" * 1025, "1024 characters"),
        ("Buddies", "[" * 100_000, "JSON"),
        ("Buddies", "{", "JSON"),
        ("Recrod", "true", "did you mean Record?"),
        ("Unknown", "red", "JSON"),
    ],
)
def test_a_setting_of_another_type_is_refused(key: str, text: str, said: str) -> None:
    _, [problem] = with_types([Row(7, "a@c.example", "x", settings={key: text})], DESCRIBED)
    assert problem[0] == 7
    assert said in problem[1]
    assert text not in problem[1].partition("needs")[2] or key == "Recrod"
