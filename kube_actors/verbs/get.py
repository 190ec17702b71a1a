"""`get`: what is there, now and (watching) from now on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import trio

from kube_actors.errors import ApiError
from kube_actors.store import Revision, WatchEvent
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.jsonpath import JsonPathError, parse_path
from kube_actors.verbs.selection import (
    BATCH,
    EVERYTHING,
    Found,
    Scope,
    Selection,
    check,
    field_condition,
    find,
    label_selector,
    namespace_for,
)
from kube_actors.verbs.session import Session


async def get(session: Session, selections: Sequence[Selection], scope: Scope = EVERYTHING) -> tuple[Found, ...]:
    """The objects of each selection, in its order, as they were at one moment. Names that are missing are in the
    results; UsageError and ApiError for requests that make no sense."""
    check(selections, scope)
    found = tuple([await find(session, selection, scope) for selection in selections])
    await session.settled()
    return found


async def watch(
    session: Session, selection: Selection, scope: Scope = EVERYTHING, *, since: int | None = None
) -> AsyncGenerator[WatchEvent, None]:
    """What happens to the selected objects after the revision `since` (now, without it), for as long as one
    iterates.

    ApiError 410 when the reader was too slow.
    """
    check([selection], scope)
    resource = selection.resource
    if selection.names is not None and len(selection.names) > 1:
        raise UsageError("one object or one type of resource can be watched at a time")
    name = selection.names[0] if selection.names else None
    condition = field_condition(resource, scope.fields)

    def covers(revision: Revision) -> bool:
        return (name is None or revision.key.name == name) and (condition is None or condition(revision))

    events = session.plane.store.watch(
        resource.id,
        namespace_for(session, resource, scope) or None,
        since=session.plane.store.head if since is None else since,
        selector=label_selector(scope.labels),
        where=covers if name is not None or condition is not None else None,
        send_initial_events=False,
    )
    async for event in events:
        yield event


async def sorted_by(found: Sequence[Revision], path: str) -> tuple[Revision, ...]:
    """The revisions ordered by a JSONPath such as `.metadata.creationTimestamp`. UsageError when none has it."""
    try:
        expression = parse_path(path)
    except JsonPathError as error:
        raise UsageError(str(error)) from None
    values: dict[int, list[object]] = {}
    for index, each in enumerate(found):
        values[id(each)] = expression.values(each.body())
        if index % BATCH == BATCH - 1:
            await trio.lowlevel.checkpoint()
    if found and not any(values.values()):
        raise UsageError(f"couldn't find any field with path {path!r} in the list of objects")
    return tuple(sorted(found, key=lambda each: _order(values[id(each)])))


def _order(values: list[object]) -> tuple[int, float, str]:
    """Absent first, numbers by size, everything else as text."""
    if not values or values[0] is None:
        return (0, 0.0, "")
    value = values[0]
    if isinstance(value, (int, float)):
        return (1, float(value), "")
    return (1, 0.0, str(value))


def raise_missing(found: Sequence[Found]) -> None:
    """Raise the first error of the names that are not there, for callers that want all or nothing."""
    missing: list[ApiError] = [error for each in found for error in each.missing]
    if missing:
        raise missing[0]
