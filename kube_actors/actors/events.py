"""The event recorder: writes what happened as core/v1 Events, in batches, and takes old ones away."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, assert_never

import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.times import rfc3339
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.events import EventsMessage, RecordEvent
from kube_actors.plan.events import CountEvent, CreateEvent, DropEvent, EventCorrelator, Said, Similar, last_seen
from kube_actors.store import Commit, Key

WRITE = "write"
EXPIRE = "expire"
BATCH = 16
BACKLOG = 10_000
PAUSE = 0.04
"""Seconds between batches: Events must not keep pods waiting. Four hundred a second are written at most."""


class EventsActor(Actor[EventsMessage]):
    """Queues what it is told and writes it a little later; what exceeds the backlog is lost, oldest first."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.controller_client("event-recorder")
        self.correlator = EventCorrelator()
        self.backlog: deque[tuple[float, RecordEvent]] = deque(maxlen=BACKLOG)
        self.expiry: deque[tuple[float, Key]] = deque()
        self.written = 0
        self.dropped = 0
        self.unsubscribe: Callable[[], None] | None = None

    async def started(self) -> None:
        """Take over the Events there are, and whatever anybody creates, to let them go in their time."""
        self.plane.directory.events = self.context.ref
        self.unsubscribe = self.plane.store.subscribe(self._committed, "events")
        ttl = self.plane.config.timeouts.event_ttl
        kept = sorted((one.projection.created + ttl, one.key) for one in self.plane.store.list("events"))
        self.expiry.extend(kept)
        self._arm_expiry()

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    def _committed(self, commit: Commit) -> None:
        if commit.kind == "added":
            self.expiry.append((self.plane.clock.now() + self.plane.config.timeouts.event_ttl, commit.key))
            if len(self.expiry) == 1:
                self.context.ref.notify(EXPIRE)

    async def receive(self, message: EventsMessage) -> None:
        """Queue what is said."""
        match message:
            case RecordEvent():
                self.dropped += len(self.backlog) == BACKLOG
                self.backlog.append((self.plane.clock.now(), message))
                if len(self.backlog) == 1:
                    self.context.notify_at(self.plane.clock.now() + PAUSE, WRITE)
            case Describe():
                rows = (("waiting", len(self.backlog)), ("written", self.written), ("dropped", self.dropped))
                self.context.answer(message, Description(tuple((name, str(value)) for name, value in rows)))
            case _:
                assert_never(message)

    async def changed(self, keys: frozenset[Any]) -> None:
        """Time to write, or to let old Events go."""
        for _ in range(min(BATCH, len(self.backlog))):
            at, event = self.backlog.popleft()
            await self._write(event, at)
            await trio.lowlevel.checkpoint()
        if self.backlog:
            self.context.notify_at(self.plane.clock.now() + PAUSE, WRITE)
        if EXPIRE in keys:
            await self._expire()

    async def _write(self, event: RecordEvent, at: float) -> None:
        about = event.about
        similar = Similar(event.component, event.host, about.uid, event.type, event.reason)
        action, key = self.correlator.plan(Said(similar, event.message, about.field_path), at)
        namespace = about.namespace or "default"
        try:
            match action:
                case CreateEvent(message):
                    body = event_body(event, message, namespace, at, self.context.random.getrandbits(32))
                    revision = await self.client.create(body)
                    self.correlator.remember(key, revision.key.name, at)
                case CountEvent(name, count, message):
                    await self._count(Key("events", namespace, name), count, message, at)
                case DropEvent():
                    self.dropped += 1
                    return
                case _:
                    assert_never(action)
        except ApiError as error:
            # The namespace ends, or the Event's time was over: an Event is never worth an error.
            if error.code >= 500:
                raise
            self.correlator.forget(key)
            self.dropped += 1
        else:
            self.written += 1

    async def _count(self, key: Key, count: int, message: str, at: float) -> None:
        def change(body: dict[str, Any]) -> None:
            body["count"] = count
            body["message"] = message
            body["lastTimestamp"] = rfc3339(at)

        await self.client.mutate(key, change)

    # -- old Events

    def _arm_expiry(self) -> None:
        self.context.notify_at(self.expiry[0][0] if self.expiry else math.inf, EXPIRE)

    async def _expire(self) -> None:
        """An Event lives `event_ttl` seconds after it was last seen."""
        now, ttl = self.plane.clock.now(), self.plane.config.timeouts.event_ttl
        while self.expiry and self.expiry[0][0] <= now:
            _, key = self.expiry.popleft()
            revision = self.plane.store.get(key)
            if revision is None:
                continue
            last = last_seen(revision.body()) + ttl
            if last > now:
                self.expiry.append((last, key))
            else:
                await self.client.delete(key, uid=revision.uid)
            await trio.lowlevel.checkpoint()
        self._arm_expiry()


def event_body(event: RecordEvent, message: str, namespace: str, at: float, number: int) -> dict[str, Any]:
    """A core/v1 Event. Its name is the object's with a suffix that makes it unique, as Kubernetes names them."""
    about = event.about
    reference = {
        "apiVersion": about.api_version,
        "kind": about.kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
        "resourceVersion": about.resource_version,
        "fieldPath": about.field_path,
    }
    stamp = rfc3339(at)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about.name}.{int(at * 1e6):x}{number:08x}", "namespace": namespace},
        "involvedObject": {key: value for key, value in reference.items() if value},
        "type": event.type,
        "reason": event.reason,
        "message": message[:1024],
        "source": {"component": event.component, **({"host": event.host} if event.host else {})},
        "count": 1,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "reportingComponent": event.component,
        "reportingInstance": event.host,
    }
