"""The file of a fleet: its rows, and all that is wrong with them, by line. Pure."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from siperb.cli.parser import did_you_mean

COLUMNS = ("email", "device", "name", "platform")
PLATFORMS = ("script", "ios", "android", "webpage", "electron")
SETTING = "set:"  # begins the name of a column of settings
LONGEST_NAME = 128  # characters; the API cuts what is longer without a word, and would not find it again

Cells = Mapping[str, str]


@frozen
class Problem:
    """What is wrong with a line of the file."""

    line: int
    text: str


@frozen
class Row:
    """A device and its user; device "": the user alone. settings: those of which the row says something."""

    line: int
    email: str
    device: str = ""
    name: str = ""
    platform: str = "script"
    settings: Mapping[str, Any] = field(factory=dict[str, Any])

    @property
    def key(self) -> tuple[str, str, str]:
        return self.email.casefold(), self.device, self.platform


def read_rows(content: bytes) -> tuple[list[Row], list[Problem]]:
    """The rows of a CSV file in UTF-8, with commas, semicolons or tabs; they count only when there is no problem."""
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.removeprefix(codecs.BOM_UTF8).count(b"\n", 0, error.start) + 1
        return [], [Problem(line, "is not UTF-8: save the file as “CSV UTF-8”, not as Latin-1 or UTF-16")]
    rows: list[Row] = []
    problems: list[Problem] = []
    header: list[str] | None = None
    try:
        for line, cells in _lines(text):
            if header is None:
                header = [_column(cell) for cell in cells]
                problems += [Problem(line, problem) for problem in _wrong_with_header(header)]
                if problems:
                    return [], problems
            elif len(cells) != len(header):
                problems.append(Problem(line, f"has {len(cells)} cells, and the first line {len(header)}"))
            else:
                row = _row(line, dict(zip(header, cells, strict=True)))
                rows.append(row)
                problems += [Problem(line, problem) for problem in _wrong_with(row, cells)]
    except _NoCsv as error:
        problems.append(error.problem)
    if header is None and not problems:
        problems.append(Problem(1, f"is empty: the names of columns are needed, {', '.join(COLUMNS[:2])}"))
    return rows, sorted(problems + _contradictions(rows), key=lambda problem: problem.line)


class _NoCsv(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers, of which a quoted cell may take several."""
    first = text.lstrip().partition("\n")[0]
    delimiter = next((each for each in ",;\t" if each in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise _NoCsv(Problem(line, f"is no CSV: {error}")) from None
        if any(cells):
            yield line, cells


def _column(cell: str) -> str:
    start, name = cell[: len(SETTING)].casefold(), cell[len(SETTING) :].strip()
    return SETTING + name if start == SETTING else cell.casefold()


def _wrong_with_header(header: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(header, 1):
        if not name:
            yield f"has no name for column {number}"
        elif name in header[: number - 1]:
            yield f"has the column {name} twice"
        elif name == SETTING:
            yield f"needs the name of a setting after {SETTING}"
        elif name not in COLUMNS and not name.startswith(SETTING):
            near = did_you_mean(name, COLUMNS)
            yield f"has an unknown column, {name}" + (near or f"; there are {', '.join(COLUMNS)}, {SETTING}NAME")
    for name in COLUMNS[:2]:
        if name not in header:
            yield f"has no column {name}"


def _row(line: int, cells: Cells) -> Row:
    settings = {name.removeprefix(SETTING): text for name, text in cells.items() if name.startswith(SETTING) and text}
    platform = cells.get("platform", "").casefold() or "script"
    return Row(line, cells["email"], cells["device"], cells.get("name", ""), platform, settings)


def _wrong_with(row: Row, cells: Sequence[str]) -> Iterator[str]:
    if not row.email:
        yield "has no e-mail address"
    elif not re.fullmatch(r"[^@\s]+@[^@\s]+", row.email):
        yield "has no e-mail address in the column email"
    for name, text in ("email", row.email), ("device", row.device), ("name", row.name):
        if len(text) > LONGEST_NAME:
            yield f"has a {name} of {len(text)} characters, and the API keeps {LONGEST_NAME}"
    if row.platform not in PLATFORMS:
        near = did_you_mean(row.platform, PLATFORMS)
        yield "has an unknown platform" + (near or f"; there are {', '.join(PLATFORMS)}")
    if re.search(r"[\x00-\x1f\x7f]", "".join((row.email, row.device, row.name))):
        yield "has a line break or another control character in a name"
    if row.settings and not row.device:
        yield "has settings, but no device"


def _contradictions(rows: Sequence[Row]) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[object, Row] = {}
    names: dict[str, Row] = {}
    for row in filter(lambda row: row.email, rows):
        before = first.setdefault(row.key, row)
        if before is not row:
            what = "device" if row.device else "user"
            problems.append(Problem(row.line, f"has the same {what} as line {before.line}"))
        before = names.setdefault(row.email.casefold(), row) if row.name else row
        if before.name != row.name:
            problems.append(Problem(row.line, f"gives the user another name than line {before.line}"))
    return problems
