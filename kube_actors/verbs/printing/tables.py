"""Objects as rows, the way `kubectl get` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.registry import Resource
from kube_actors.kinds.columns import Cell, listed
from kube_actors.kinds.columns import row_of as cells_of
from kube_actors.records import frozen
from kube_actors.verbs.printing.columns import column_widths, table_line

Body = dict[str, Any]


@frozen
class TableStyle:
    """Which columns there are beside those of the kind; `label_columns` are keys of labels."""

    wide: bool = False
    namespace: bool = False
    kind: bool = False
    headers: bool = True
    show_labels: bool = False
    label_columns: tuple[str, ...] = ()


@frozen
class Table:
    """The rows of one resource; `widths` are those of its columns."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def widths(self) -> list[int]:
        """Characters each column takes, padding included."""
        return column_widths([self.header, *self.rows])

    def text(self, *, headers: bool = True) -> str:
        """All of it, with an end of line after each row."""
        rows = [self.header, *self.rows] if headers else list(self.rows)
        widths = column_widths(rows)
        return "".join(f"{table_line(row, widths)}\n" for row in rows)


def header_of(resource: Resource, style: TableStyle) -> tuple[str, ...]:
    """The names of the columns, in capitals."""
    names = [column.name for column in resource.columns if style.wide or not column.wide]
    return (
        *(("NAMESPACE",) if style.namespace else ()),
        *(name.upper() for name in names),
        *(key.rpartition("/")[2].upper() for key in style.label_columns),
        *(("LABELS",) if style.show_labels else ()),
    )


def row_of(resource: Resource, body: Body, now: float, style: TableStyle) -> tuple[str, ...]:
    """The cells of one object, in the order of the header."""
    metadata = body["metadata"]
    labels: Mapping[str, str] = metadata.get("labels") or {}
    cells = cells_of(resource.id)(body, now)
    shown = [
        cell_text(cell) for cell, column in zip(cells, resource.columns, strict=True) if style.wide or not column.wide
    ]
    if style.kind and shown and shown[0] == metadata["name"]:
        shown[0] = f"{resource.singular}{'.' if resource.group else ''}{resource.group}/{shown[0]}"
    return (
        *((metadata.get("namespace", ""),) if style.namespace else ()),
        *(_on_one_line(cell) for cell in shown),
        *(labels.get(key, "<none>") for key in style.label_columns),
        *((listed(f"{key}={labels[key]}" for key in sorted(labels)),) if style.show_labels else ()),
    )


def cell_text(cell: Cell) -> str:
    """A cell as kubectl prints it: numbers in digits, `true` and `false`."""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _on_one_line(cell: str) -> str:
    """A cell ends at its first line break, as in kubectl."""
    for index, letter in enumerate(cell):
        if letter in "\n\r\f":
            return cell[:index] + "..."
    return cell
