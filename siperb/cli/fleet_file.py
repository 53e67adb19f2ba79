"""The file of a fleet: its rows, and everything that is wrong with it, by line. Pure."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from siperb.cli.failures import did_you_mean

COLUMNS = ("email", "device", "name", "platform")
PLATFORMS = ("script", "ios", "android", "webpage", "electron")
SETTING = "set:"  # begins the name of a column of settings
LONGEST_NAME, LONGEST_TEXT = 128, 1024  # characters; the API cuts what is longer without a word

Problem = tuple[int, str]  # the line, and what is wrong with it


@frozen
class Row:
    """A device and its user; device "": the user alone. settings: those of which the row says something."""

    line: int
    email: str
    device: str = ""
    name: str = ""
    platform: str = "script"
    settings: Mapping[str, Any] = field(factory=dict[str, Any])


def clean(text: str) -> str:
    """A name as it is compared and stored: in NFC, each run of blanks of any kind one space, none around it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def address_of(text: str | None) -> str:
    """An e-mail address as it is compared."""
    return clean(text or "").casefold()


def looks_of(text: str) -> str:
    """The same for names that a reader can hardly tell apart: letters of another form or case, marks, unseen ones."""
    return clean("".join(letter for letter in unicodedata.normalize("NFKD", text) if not _is_unseen(letter))).casefold()


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cf", "Cc", "Mn", "Me") and not letter.isspace()


def read_rows(content: bytes) -> tuple[list[Row], list[Problem]]:
    """The rows of a CSV file in UTF-8, with commas, semicolons or tabs. They count only when there is no problem."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(re.split(rb"\r\n?|\n", content[: error.start]))
        return [], [(line, "is not in UTF-8: save the file as “CSV UTF-8”")]
    rows: list[Row] = []
    header: list[str] = []
    problems: list[Problem] = []
    reader, end = _reader(text), 0
    try:
        for row in reader:
            line, end = end + 1, reader.line_num
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not header:
                names = [re.sub("^set: *", SETTING, cell, flags=re.IGNORECASE) for cell in cells]
                header = [name if name.startswith(SETTING) else name.casefold() for name in names]
                while not header[-1]:  # programs write an empty column at the end
                    header.pop()
                problems = [(line, problem) for problem in _wrong_with_header(header)]
                if problems:
                    return [], problems
            elif any(cells[len(header) :]):
                problems.append((line, f"has {len(cells)} cells, and the first line has {len(header)} names"))
            else:  # programs leave out trailing cells that are empty
                rows.append(_row(line, dict(zip(header, [*cells, *[""] * len(header)], strict=False))))
                problems += [(line, problem) for problem in _wrong_with(rows[-1])]
    except csv.Error as error:
        problems.append((end + 1, f"is no CSV ({error}): look for a quotation mark without its pair"))
    if not header and not problems:
        problems = [(1, "is empty: the names of columns are needed, email and device")]
    return rows, sorted([*problems, *_contradictions(rows)])


def _reader(text: str) -> Any:
    """The lines, empty in place of those that Excel (sep=) and PowerShell (#TYPE) write about the file itself."""
    lines, delimiter = [f"{line}\n" for line in re.split(r"\r\n?|\n", text)], ""
    for number, line in enumerate(lines):
        if line.strip() and not re.match("#TYPE |sep=.", line):
            delimiter = delimiter or max(",;\t", key=line.count)
            break
        delimiter = line[4] if line.startswith("sep=") else delimiter
        lines[number] = "\n"
    return csv.reader(lines, delimiter=delimiter or ",", strict=True)


def _wrong_with_header(header: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(header, 1):
        if name in header[: number - 1]:
            yield f"has the column {name} twice"
        elif name not in COLUMNS and not re.match(f"{SETTING}.", name):
            near = did_you_mean(name, COLUMNS) or f"; there are {', '.join(COLUMNS)}, {SETTING}KEY"
            yield f"has an unknown column, {name[:40] or number}{near}"
    yield from (f"has no column {name}" for name in COLUMNS[:2] if name not in header)


def _row(line: int, cells: Mapping[str, str]) -> Row:
    settings = {name.removeprefix(SETTING): text for name, text in cells.items() if name.startswith(SETTING) and text}
    platform = cells.get("platform", "").casefold() or "script"
    return Row(line, clean(cells["email"]), cells["device"], cells.get("name", ""), platform, settings)


def _wrong_with(row: Row) -> Iterator[str]:
    if unseen := [letter for letter in row.email if _is_unseen(letter)]:
        name = unicodedata.name(unseen[0], "a control character")
        yield f"has an invisible character in the e-mail address, {name} (U+{ord(unseen[0]):04X}): delete it"
    elif not re.fullmatch(r"[^@\s]+@[^@\s]+", row.email):
        yield "has no e-mail address in the column email"
    if row.platform not in PLATFORMS:
        near = did_you_mean(row.platform, PLATFORMS) or f"; there are {', '.join(PLATFORMS)}"
        yield f"has an unknown platform{near}"
    for column, text in ("email", row.email), ("device", row.device), ("name", row.name):
        if len(clean(text)) > LONGEST_NAME:
            yield f"has more than {LONGEST_NAME} characters in the column {column}"
        if column != "email" and re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
            yield f"has a line break or a control character in the column {column}"
    if row.settings and not row.device:
        yield "has settings, but no device"


def _contradictions(rows: Iterable[Row]) -> Iterator[Problem]:
    devices: dict[object, Row] = {}
    names: dict[str, Row] = {}
    for row in (row for row in rows if row.email):
        user = address_of(row.email)
        before = devices.setdefault((user, clean(row.device), row.platform), row)
        if before is not row:
            yield row.line, f"has the same {'device' if row.device else 'user'} as line {before.line}"
        before = names.setdefault(user, row) if row.name else row
        if clean(before.name) != clean(row.name):
            yield row.line, f"gives the user another name than line {before.line}"


WANTED: dict[type[object], str] = {
    bool: "true or false",
    float: "a number such as 1000 or 0.5",
    str: f"a text of {LONGEST_TEXT} characters at most",
    list: "JSON",
}
TYPES: dict[str, type[object]] = {"bool": bool, "num": float, "int": float, "float": float, "str": str, "text": str}
ROUNDED = r"[0-9]([.,][0-9]+)?E\+[0-9]+"  # what a spreadsheet makes of a long number


def with_types(rows: Sequence[Row], described: Iterable[Mapping[str, Any]]) -> tuple[list[Row], list[Problem]]:
    """The rows with values of the types that the API states: a phone ignores ``"true"`` for true."""
    types = {str(key): _type_of(entry) for entry in described if (key := _first(entry, "key", "name", "setting"))}
    typed: list[Row] = []
    problems: list[Problem] = []
    for row in rows:
        values: dict[str, Any] = {}
        for key, text in row.settings.items():
            try:
                values[key] = _value(text, types[key])
            except KeyError:
                problems.append((row.line, f"has an unknown setting, {key[:40]}{did_you_mean(key, types)}"))
            except (ValueError, RecursionError):
                hint = ", not what a spreadsheet makes of a long number" if re.fullmatch(ROUNDED, text) else ""
                problems.append((row.line, f"needs {WANTED[types[key]]} for {key}{hint}"))
        typed.append(evolve(row, settings=values))
    return typed, problems


def _type_of(entry: Mapping[str, Any]) -> type[object]:
    """As the API names it, in no documented way; else that of the default or the value. JSON in doubt."""
    name = str(_first(entry, "type", "datatype")).casefold()
    value: object = _first(entry, "default", "defaultvalue", "value", "currentvalue", "current")
    number = float if isinstance(value, (int, float)) else list
    guess = bool if isinstance(value, bool) else str if isinstance(value, str) else number
    return next((kind for beginning, kind in TYPES.items() if name.startswith(beginning)), guess)


def _first(entry: Mapping[str, Any], *names: str) -> Any:
    known = {name.casefold(): value for name, value in entry.items()}
    return next((known[name] for name in names if known.get(name) is not None), None)


def _value(text: str, kind: type[object]) -> Any:
    """ValueError for what is not of this type, and where a program that wrote the file may have changed it."""
    if kind is str and len(text) <= LONGEST_TEXT and not re.fullmatch(ROUNDED, text):
        return text
    if kind is bool and text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    if kind is list:
        return json.loads(text, parse_constant=_number, parse_float=_number)
    return _number(text if kind is float else "")


def _number(text: str) -> float:
    """A number of which there is no doubt: 1.000 may be a thousand, and 4.9E+12 has lost digits."""
    is_number = re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?", text)
    if not is_number or re.fullmatch(r"-?[1-9][0-9]{0,2}\.[0-9]{3}", text):
        raise ValueError
    return float(text) if "." in text else int(text)
