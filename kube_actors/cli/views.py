"""Showing progress: as lines that only ever grow, for a pipe, or drawn over and over, for a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from kube_actors.cli.progress import Row
from kube_actors.text import one_line

_BAR: Final = 12
_NARROW: Final = 60


class View(Protocol):
    """Something that shows rows."""

    def show(self, rows: Collection[Row]) -> None:
        """These are the rows now."""


def say(text: str) -> None:
    """A line of data on stdout; whoever stopped reading does not end the cluster."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


@contextmanager
def view(*, interactive: bool) -> Iterator[View]:
    """The view that fits where stdout goes."""
    if interactive and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        with _drawn() as live:
            yield live
    else:
        yield PlainView()


def described(row: Row) -> str:
    """`deployment/web: 1/3 available (ErrImagePull: …)`."""
    note = f" ({one_line(row.note)})" if row.note else ""
    return f"{one_line(row.name)}: {row.ready}/{row.wanted} available{note}"


class PlainView:
    """A line for each row that changed."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def show(self, rows: Collection[Row]) -> None:
        for row in rows:
            line = described(row)
            if self._said.get(row.name) != line:
                self._said[row.name] = line
                say(line)


class LiveView:
    """A table that stays in its place; log lines scroll by above it."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def show(self, rows: Collection[Row]) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._live.update(table(rows, self._live.console.width), refresh=True)


def table(rows: Collection[Row], width: int) -> Any:
    """The rows as a rich table of at most `width` columns; narrow ones do without bars."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, padding=(0, 1, 0, 0), show_header=False, pad_edge=False)
    drawn.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
    drawn.add_column(no_wrap=True)
    drawn.add_column(no_wrap=True, overflow="ellipsis", ratio=4)
    for row in rows:
        style = "green" if row.done else "yellow" if row.note else ""
        share = row.ready / row.wanted if row.wanted else 1.0
        bar = f"{'█' * min(_BAR, round(share * _BAR)):░<{_BAR}} " if width >= _NARROW else ""
        count = Text(f"{bar}{row.ready}/{row.wanted}", style=style)
        drawn.add_row(Text(one_line(row.name)), count, Text(one_line(row.note), style="yellow"))
    return drawn


@contextmanager
def _drawn() -> Iterator[LiveView]:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False, emoji=False, markup=False)
    with Live(
        console=console,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=sys.stderr.isatty(),
        vertical_overflow="ellipsis",
    ) as live:
        yield LiveView(live)
