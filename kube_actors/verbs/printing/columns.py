"""Columns whose width follows their contents: tab-separated cells in, aligned lines out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def align(text: str, *, padding: int = 2, least: int = 0) -> str:
    """Align the cells of each line, which end in tabs, as Go's text/tabwriter does.

    A column is a run of neighbouring lines that have a cell there; its width is that of its widest cell and `padding`
    blanks, at least `least`. What stands after the last tab of a line is not aligned.
    """
    lines = [line.split("\t") for line in text.split("\n")]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, 0, len(lines), padding, least)
    return "\n".join(_line(cells, width) for cells, width in zip(lines, widths, strict=True))


def _measure(
    lines: Sequence[Sequence[str]], widths: list[list[int]], start: int, end: int, padding: int, least: int
) -> None:
    """Give each line of the block its widths, from the column on that all its lines have in common."""
    line = start
    while line < end:
        column = len(widths[line])
        if column >= len(lines[line]) - 1:
            line += 1
            continue
        first = line
        while line < end and column < len(lines[line]) - 1:
            line += 1
        widest = max(len(lines[each][column]) for each in range(first, line))
        width = max(widest + padding, least)
        for each in range(first, line):
            widths[each].append(width)
        _measure(lines, widths, first, line, padding, least)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "".join([*padded, *cells[len(widths) :]])


def column_widths(rows: Iterable[Sequence[str]], *, padding: int = 3, least: int = 6) -> list[int]:
    """The widths a table of these rows has, for those who print it in several goes."""
    widths: list[int] = []
    for row in rows:
        widths += [least] * (len(row) - len(widths))
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], len(cell) + padding)
    return widths


def table_line(row: Sequence[str], widths: Sequence[int]) -> str:
    """One row; its last cell is not padded."""
    padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    return "".join([*padded, *row[-1:]])
