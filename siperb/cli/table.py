"""Rows of data: in columns on a terminal, shortened to its width; whole, with tabs between, in a pipe, as `gh` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from siperb.cli.terminal import Paint, columns, printable, shortened, show, width_of, write

GAP = "  "
NARROWEST = 4  # columns that a cell keeps, however narrow the terminal is


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows on stdout. A terminal gets the header too, a pipe gets none: a line is a record."""
    paint = Paint(sys.stdout)
    head, *lines = table(header, rows, columns(sys.stdout))
    if columns(sys.stdout) is not None:
        lines = [paint(head, "bold"), *lines]
    write("".join(f"{line}\n" for line in lines))


def show_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Names and values on stdout: one below the other on a terminal, wrapped; `name<tab>value` in a pipe."""
    if columns(sys.stdout) is None:
        write("".join(f"{name}\t{printable(value)}\n" for name, value in fields))
        return
    paint = Paint(sys.stdout)
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        show(printable(value), prefix=f"{paint(f'{name:{width}}', 'bold')}{GAP}")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Its lines, the header first; width None: with tabs between the cells."""
    lines = [list(map(printable, row)) for row in (header, *rows)]
    if width is None:
        return ["\t".join(line) for line in lines]
    widths = _fitted([max(map(width_of, column)) for column in zip(*lines, strict=True)], width)
    return [GAP.join(map(_cell, line, widths)).rstrip() for line in lines]


def _fitted(widths: list[int], width: int) -> list[int]:
    """The widths of the columns, the widest made narrower until all have room."""
    while sum(widths) + len(GAP) * (len(widths) - 1) > width and max(widths) > NARROWEST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


def _cell(text: str, width: int) -> str:
    text = shortened(text, width)
    return text + " " * (width - width_of(text))
