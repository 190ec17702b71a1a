"""`events`: what happened, in the order in which it did."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from kube_actors.store import Key, Revision, WatchEvent
from kube_actors.verbs.printing.describe.parts import last_seen
from kube_actors.verbs.selection import filtered
from kube_actors.verbs.session import Session

EVENTS = "events"


def event_namespace(about: Key) -> str:
    """Where Events about an object are; those about cluster-wide objects are in `default`."""
    return about.namespace or "default"


async def events_about(session: Session, revision: Revision) -> tuple[Revision, ...]:
    """The Events about an object, oldest first."""
    candidates = session.plane.store.list(EVENTS, event_namespace(revision.key))
    mark = revision.key.name.encode()
    found = await filtered(candidates, lambda each: mark in each.raw and is_about(each, revision))
    return tuple(sorted(found, key=lambda each: last_seen(each.body())))


def is_about(event: Revision, revision: Revision) -> bool:
    """Whether an Event speaks of this object. Those about nodes may give the node's name as its uid."""
    about = event.body().get("involvedObject") or {}
    if about.get("name") != revision.key.name or (about.get("namespace") or "") != revision.key.namespace:
        return False
    kind = revision.body().get("kind")
    return about.get("kind") == kind and about.get("uid") in (revision.uid, revision.key.name, None, "")


async def list_events(
    session: Session, namespace: str | None, keep: Callable[[Revision], bool] | None = None
) -> tuple[Revision, ...]:
    """The Events of a namespace (None: all) that `keep` lets through, oldest first."""
    found = await filtered(session.plane.store.list(EVENTS, namespace), keep or (lambda _: True))
    await session.settled()
    return tuple(sorted(found, key=lambda each: last_seen(each.body())))


async def watch_events(
    session: Session, namespace: str | None, keep: Callable[[Revision], bool] | None, since: int
) -> AsyncGenerator[WatchEvent, None]:
    """Events after the revision `since`, also those that happen again."""
    watch = session.plane.store.watch(EVENTS, namespace, since=since, where=keep, send_initial_events=False)
    async for event in watch:
        if event.type in ("ADDED", "MODIFIED"):
            yield event
