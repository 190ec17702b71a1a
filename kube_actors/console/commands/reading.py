"""`get`, `describe`, `events`: looking at objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing

import attrs
import trio

from kube_actors.api.registry import Resource
from kube_actors.console.commands.command import Command, Selecting, Words
from kube_actors.console.commands.failures import print_api_error
from kube_actors.console.exchange import Exchange
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.arguments import Parsed, switch, text, texts
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.get import get, sorted_by, watch
from kube_actors.verbs.printing.columns import column_widths, table_line
from kube_actors.verbs.printing.objects import Format, parse_format, print_objects, shown
from kube_actors.verbs.printing.tables import Table, TableStyle, header_of, row_of
from kube_actors.verbs.selection import Found, Selection, select
from kube_actors.verbs.session import Session

PIECE = 64 << 10
"""Characters that are handed over at once."""
ROWS = 100
"""Rows made between two checkpoints: a few milliseconds' work."""


@frozen(slots=False)
class GetOptions(Selecting):
    """Flags of `get`."""

    output: str = text("o", help="wide, yaml, json, name, jsonpath=... or custom-columns=...")
    watch: bool = switch("w", help="go on with every change until interrupted")
    watch_only: bool = switch(help="only changes, not what is there now")
    output_watch_events: bool = switch(help="show whether each change is ADDED, MODIFIED or DELETED")
    show_labels: bool = switch(help="show all labels in the last column")
    label_columns: tuple[str, ...] = texts("L", help="a label to show in a column of its own")
    show_kind: bool = switch(help="show the resource type before each name")
    no_headers: bool = switch(help="no line of headers")
    sort_by: str = text(help="order by a JSONPath, such as .metadata.creationTimestamp")
    ignore_not_found: bool = switch(help="a name that is not there is no error")
    show_managed_fields: bool = switch(help="show metadata.managedFields in json and yaml")


async def run_get(exchange: Exchange, parsed: Parsed[GetOptions]) -> int:
    """Show objects, once or for as long as the asker wants."""
    options = parsed.options
    session = exchange.session.in_namespace(options.namespace)
    form = parse_format(options.output)
    selections = select(session.registry, parsed.words)
    if options.watch or options.watch_only:
        if len(selections) != 1:
            raise UsageError("you may only specify a single resource type to watch")
        return await _watch(exchange, session, selections[0], options, form)
    found = await get(session, selections, options.scope)
    missing = [] if options.ignore_not_found else [error for each in found for error in each.missing]
    if form.is_table:
        await _print_tables(exchange, session, found, options)
    else:
        await _print_objects(exchange, session, found, options, form, has_missing=bool(missing))
    for error in missing:
        await print_api_error(exchange, error)
    return 1 if missing else 0


async def _print_objects(
    exchange: Exchange,
    session: Session,
    found: Sequence[Found],
    options: GetOptions,
    form: Format,
    *,
    has_missing: bool,
) -> None:
    revisions = await _ordered([revision for each in found for revision in each.revisions], options)
    single = len(found) == 1 and found[0].selection.names is not None and len(found[0].selection.names) == 1
    if (single or has_missing) and not revisions:
        return
    bodies = (shown(each.body(), managed_fields=options.show_managed_fields) for each in revisions)
    await print_pieces(exchange, print_objects(form, bodies, session.registry, single=single))
    if form.name == "jsonpath" and exchange.terminal:
        await exchange.out("\n")


async def print_pieces(exchange: Exchange, pieces: Iterable[str]) -> None:
    """Print text piece by piece, so that never much of it waits for a slow reader."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE:
            await exchange.out("".join(waiting))
            waiting, size = [], 0
        else:
            await trio.lowlevel.checkpoint()
    await exchange.out("".join(waiting))


async def _ordered(revisions: Sequence[Revision], options: GetOptions) -> Sequence[Revision]:
    return await sorted_by(revisions, options.sort_by) if options.sort_by else revisions


async def table_for(resource: Resource, revisions: Sequence[Revision], now: float, style: TableStyle) -> Table:
    """The table of many objects, letting others work in between."""
    rows = []
    for index, each in enumerate(revisions):
        rows.append(row_of(resource, each.body(), now, style))
        if index % ROWS == ROWS - 1:
            await trio.lowlevel.checkpoint()
    return Table(header_of(resource, style), tuple(rows))


async def _print_tables(exchange: Exchange, session: Session, found: Sequence[Found], options: GetOptions) -> None:
    """A table per resource, with an empty line between them."""
    groups = _grouped(found)
    style = _style(options, several=len(found) > 1 and len({each.selection.resource.id for each in found}) > 1)
    pieces = []
    for group in groups:
        resource = group[0].selection.resource
        revisions = await _ordered([revision for each in group for revision in each.revisions], options)
        if not revisions:
            continue
        own = style if resource.namespaced else attrs.evolve(style, namespace=False)
        table = await table_for(resource, revisions, session.now, own)
        pieces.append(table.text(headers=not options.no_headers))
    if pieces:
        await exchange.out("\n".join(pieces))
    elif not any(each.missing for each in found) and not options.ignore_not_found:
        await exchange.err(nothing_found(session, [each.selection for each in found], all=options.all_namespaces))


def _grouped(found: Sequence[Found]) -> list[list[Found]]:
    """Neighbours of the same resource together."""
    groups: list[list[Found]] = []
    for each in found:
        if groups and groups[-1][0].selection.resource.id == each.selection.resource.id:
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


def _style(options: GetOptions, *, several: bool) -> TableStyle:
    return TableStyle(
        wide=options.output == "wide",
        namespace=options.all_namespaces,
        kind=options.show_kind or several,
        headers=not options.no_headers,
        show_labels=options.show_labels,
        label_columns=tuple(key for text in options.label_columns for key in text.split(",")),
    )


def nothing_found(session: Session, selections: Sequence[Selection], *, all: bool) -> str:
    """kubectl's sentence."""
    if all or not any(selection.resource.namespaced for selection in selections):
        return "No resources found"
    return f"No resources found in {session.namespace} namespace."


async def _watch(exchange: Exchange, session: Session, selection: Selection, options: GetOptions, form: Format) -> int:
    """What is there, and then a row or document for every change."""
    since = session.plane.store.head
    found = await get(session, [selection], options.scope)
    if found[0].missing:
        raise found[0].missing[0]
    printer = _WatchPrinter(exchange, session, selection, options, form)
    if not options.watch_only:
        revisions = await _ordered(found[0].revisions, options)
        await printer.print([("ADDED", each) for each in revisions])
    async with aclosing(watch(session, selection, options.scope, since=since)) as events:
        async for event in events:
            if event.revision is not None:
                await printer.print([(event.type, event.revision)])
    return 0


class _WatchPrinter:
    """Prints changes in one form. The columns of a table keep the width they had, unless a cell needs more."""

    def __init__(
        self, exchange: Exchange, session: Session, selection: Selection, options: GetOptions, form: Format
    ) -> None:
        self._exchange = exchange
        self._session = session
        self._resource = selection.resource
        self._form = form
        self._events = options.output_watch_events
        self._options = options
        style = _style(options, several=False)
        self._style = style if selection.resource.namespaced else attrs.evolve(style, namespace=False)
        self._header: tuple[str, ...] | None = None if options.no_headers else header_of(self._resource, self._style)
        self._widths: list[int] = []

    async def print(self, changes: Sequence[tuple[str, Revision]]) -> None:
        """Print some changes."""
        if self._form.is_table:
            await self._print_rows(changes)
            return
        for type, revision in changes:
            body = shown(revision.body(), managed_fields=self._options.show_managed_fields)
            text = "".join(print_objects(self._form, [body], self._session.registry, single=True))
            separator = "---\n" if self._form.name == "yaml" else ""
            await self._exchange.out(
                (f"{type}  {text}" if self._events and self._form.name == "name" else text) + separator
            )

    async def _print_rows(self, changes: Sequence[tuple[str, Revision]]) -> None:
        rows = []
        for type, revision in changes:
            row = row_of(self._resource, revision.body(), self._session.now, self._style)
            rows.append((type, *row) if self._events else row)
        if rows and self._header is not None:
            rows.insert(0, ("EVENT", *self._header) if self._events else self._header)
            self._header = None
        new = column_widths(rows)
        old = self._widths + [0] * (len(new) - len(self._widths))
        self._widths = [max(pair) for pair in zip(old, new, strict=False)]
        await self._exchange.out("".join(f"{table_line(row, self._widths)}\n" for row in rows))


COMMANDS = (
    Command(
        ("get",),
        "get TYPE[/NAME] [NAME ...] [-o FORMAT] [-l LABELS] [-A] [-w]",
        "show objects",
        "get pods -o wide",
        GetOptions,
        run_get,
        Words.OBJECTS,
    ),
)
