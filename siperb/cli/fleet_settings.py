"""The settings of a fleet's file, in the types that the API states: a phone ignores ``"true"`` for true. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from attrs import evolve, frozen

from siperb.cli.fleet_file import Problem, Row
from siperb.cli.parser import did_you_mean

LONGEST_TEXT = 1024  # characters; the API cuts what is longer without a word

# What the API calls them is in no document: the first of these that an entry has, whatever its case.
_KEY = ("key", "name", "setting")
_TYPE = ("type", "datatype")
_VALUE = ("default", "defaultvalue", "value", "currentvalue", "current")


def with_types(rows: Sequence[Row], described: Iterable[Mapping[str, Any]]) -> tuple[list[Row], list[Problem]]:
    """The rows with values instead of texts, and what is wrong with them. described: what `get_settings` returns."""
    types = {key: _type_of(entry) for entry in described if isinstance(key := _first(entry, _KEY), str)}
    typed: list[Row] = []
    problems: list[Problem] = []
    for row in rows:
        values: dict[str, Any] = {}
        for key, text in row.settings.items():
            kind = types.get(key)
            if kind:
                try:
                    values[key] = kind.parse(text)
                    continue
                except ValueError:
                    problem = f"needs {kind.wanted} for {key}"
            elif key in types:
                problem = f"cannot set {key}: the API does not say of which type it is"
            else:
                problem = f"has an unknown setting, {key}{did_you_mean(key, types)}"
            problems.append(Problem(row.line, problem))
        typed.append(evolve(row, settings=values))
    return typed, problems


@frozen
class _Type:
    names: tuple[str, ...]
    kind: type | tuple[type, ...]
    wanted: str
    parse: Callable[[str], Any]


def _boolean(text: str) -> bool:
    return text.casefold() == "true" if text.casefold() in ("true", "false") else _refuse()


def _number(text: str) -> float:
    value = _json(text)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else _refuse()


def _text(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else _refuse()


def _json(text: str) -> Any:
    try:
        value: Any = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        return _refuse()
    return _refuse() if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(*_: object) -> NoReturn:
    raise ValueError


_TYPES = (
    _Type(("boolean", "bool", "checkbox", "switch"), bool, "true or false", _boolean),
    _Type(("number", "integer", "int", "float", "double"), (int, float), "a number", _number),
    _Type(("string", "str", "text", "select"), str, f"a text of {LONGEST_TEXT} characters at most", _text),
    _Type(("json", "object", "array", "list"), (dict, list), "JSON", _json),
)


def _type_of(entry: Mapping[str, Any]) -> _Type | None:
    """As it is named; else as its default or its value is."""
    said = str(_first(entry, _TYPE)).casefold()
    example = _first(entry, _VALUE)
    named = next((each for each in _TYPES if said in each.names), None)
    return named or next((each for each in _TYPES if isinstance(example, each.kind)), None)


def _first(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    known = {name.casefold(): value for name, value in entry.items()}
    return next((known[name] for name in names if known.get(name) is not None), None)
