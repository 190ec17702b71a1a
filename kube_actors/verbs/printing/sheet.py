"""A description under way: indented lines with aligned values, as `kubectl describe` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kube_actors.verbs.printing.columns import align

NONE = "<none>"
UNSET = "<unset>"


class Sheet:
    """Lines, two blanks per level. Values of neighbouring lines stand in one column."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def line(self, text: str, level: int = 0) -> None:
        """A line without a value: a heading, or something said."""
        self._lines.append("  " * level + text)

    def value(self, name: str, value: object, level: int = 0) -> None:
        """`Name:   value`; a value of several lines goes on under itself."""
        first, *rest = str(value).split("\n")
        self._lines.append(f"{'  ' * level}{name}:\t{first}")
        self._lines += [f"\t{line}" for line in rest]

    def row(self, cells: Iterable[object], level: int = 0) -> None:
        """A row of a small table."""
        self._lines.append("  " * level + "\t".join(map(str, cells)))

    def values(self, name: str, values: Iterable[str], level: int = 0) -> None:
        """`Name:   first` with the others under it; `<none>` when there are none."""
        self.value(name, "\n".join(values) or NONE, level)

    def pairs(self, name: str, pairs: Mapping[str, object] | None, level: int = 0, separator: str = "=") -> None:
        """Labels and annotations, one per line, sorted."""
        self.values(name, (f"{key}{separator}{(pairs or {})[key]}" for key in sorted(pairs or {})), level)

    def __str__(self) -> str:
        return align("\n".join(self._lines)) + "\n"
