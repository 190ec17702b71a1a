"""`describe` and `events`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from kube_actors.console.commands.command import Command, Namespaced, Selecting, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.commands.reading import nothing_found, print_pieces, table_for
from kube_actors.console.exchange import Exchange
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.arguments import Parsed, switch, text
from kube_actors.verbs.describe import describe
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.events import is_about, list_events, watch_events
from kube_actors.verbs.get import get
from kube_actors.verbs.printing.columns import column_widths, table_line
from kube_actors.verbs.printing.objects import parse_format, print_objects, shown
from kube_actors.verbs.printing.tables import TableStyle, header_of, row_of
from kube_actors.verbs.selection import find_one, select, select_one
from kube_actors.verbs.session import Session


@frozen(slots=False)
class DescribeFlags(Selecting):
    """Flags of `describe`."""

    show_events: bool = switch(help="tell the events of each object", default=True)


async def run_describe(exchange: Exchange, parsed: Parsed[DescribeFlags]) -> int:
    """Tell objects in full."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    selections = select(session.registry, parsed.words)
    found = await get(session, selections, flags.scope)
    first = True
    for each in found:
        for revision in each.revisions:
            text = await describe(session, each.selection.resource, revision, events=flags.show_events)
            await exchange.out(text if first else f"\n\n{text}")
            first = False
    errors = [error for each in found for error in each.missing]
    for error in errors:
        await print_api_error(exchange, error)
    if first and not errors:
        await exchange.err(nothing_found(session, selections, all=flags.all_namespaces))
    return max(map(exit_code, errors), default=0)


@frozen(slots=False)
class EventFlags(Namespaced):
    """Flags of `events`."""

    all_namespaces: bool = switch("A", help="look in every namespace")
    for_: str = text(help="only those about one object, such as pod/web-1")
    types: str = text(help="only these types, such as Warning or Normal,Warning")
    watch: bool = switch("w", help="go on with what happens")
    no_headers: bool = switch(help="no line of headers")
    output: str = text("o", help="yaml, json or name")


async def run_events(exchange: Exchange, parsed: Parsed[EventFlags]) -> int:
    """List what happened, oldest first."""
    flags = parsed.options
    if parsed.words:
        raise UsageError(f"unexpected argument {parsed.words[0]!r}: name an object with --for")
    session = exchange.session.in_namespace(flags.namespace)
    keep = _condition(session, flags)
    namespace = None if flags.all_namespaces else _namespace(session, flags)
    since = session.plane.store.head
    events = await list_events(session, namespace, keep)
    form = parse_format(flags.output)
    if not form.is_table:
        bodies = (shown(each.body()) for each in events)
        await print_pieces(exchange, print_objects(form, bodies, session.registry, single=False))
        return 0
    style = TableStyle(namespace=flags.all_namespaces, headers=not flags.no_headers)
    resource = session.registry.by_id("events")
    table = await table_for(resource, events, session.now, style)
    if events:
        await exchange.out(table.text(headers=style.headers))
    elif not flags.watch:
        where = "" if flags.all_namespaces else f" in {session.namespace} namespace."
        await exchange.err(f"No events found{where}")
    if flags.watch:
        rows = [header_of(resource, style)] if not events and style.headers else []
        widths = table.widths
        async with aclosing(watch_events(session, namespace, keep, since)) as changes:
            async for change in changes:
                assert change.revision is not None
                rows.append(row_of(resource, change.revision.body(), session.now, style))
                widths = [max(pair) for pair in zip(widths, column_widths(rows), strict=True)]
                await exchange.out("".join(f"{table_line(row, widths)}\n" for row in rows))
                rows = []
    return 0


def _namespace(session: Session, flags: EventFlags) -> str:
    """Events about cluster-wide objects are in `default`, wherever a person looks."""
    if flags.for_ and not select_one(session.registry, [flags.for_]).resource.namespaced:
        return "default"
    return session.namespace


def _condition(session: Session, flags: EventFlags) -> Callable[[Revision], bool]:
    types = {each.strip().lower() for each in flags.types.split(",") if each.strip()}
    about = find_one(session, select_one(session.registry, [flags.for_])) if flags.for_ else None

    def keep(event: Revision) -> bool:
        if about is not None and not is_about(event, about):
            return False
        return not types or str(event.body().get("type", "")).lower() in types

    return keep


COMMANDS = (
    Command(
        ("describe",),
        "describe TYPE[/NAME] [NAME ...] [-l LABELS] [-A]",
        "tell objects in full, with process ids and events",
        "describe pod web-1",
        DescribeFlags,
        run_describe,
        Words.OBJECTS,
    ),
    Command(
        ("events",),
        "events [--for TYPE/NAME] [--types Warning] [-A] [-w]",
        "list what happened, oldest first",
        "events --for deployment/web",
        EventFlags,
        run_events,
    ),
)
