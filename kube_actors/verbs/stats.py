"""`stats`: the cluster in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from kube_actors.kernel import ActorState
from kube_actors.records import frozen
from kube_actors.verbs.session import Session

_STATUS = Path("/proc/self/status")
_SMAPS = Path("/proc/self/smaps_rollup")
_KIBIBYTE = 1024


@frozen
class Stats:
    """Figures of this moment. `head` is the newest revision, `durable` the newest that survives a crash; `uptime` is in
    seconds of cluster time, memory in bytes (None where the machine does not say), `actors` by state."""

    uptime: float
    clock: str
    now: float
    head: int
    durable: int
    objects: Mapping[str, int]
    watchers: int
    actors: Mapping[str, int]
    waiting_messages: int
    restarts: int
    dead_letters: int
    resident: int | None
    proportional: int | None


async def stats(session: Session) -> Stats:
    """Take them."""
    store, system = session.plane.store, session.system
    everyone = system.actors()
    states = Counter(each.state for each in everyone)
    return Stats(
        uptime=session.now - session.started,
        clock=session.plane.clock.mode.value,
        now=session.now,
        head=store.head,
        durable=store.durable_revision,
        objects={resource: store.count(resource) for resource in store.resources()},
        watchers=store.watchers,
        actors={state.value: states[state] for state in ActorState if states[state]},
        waiting_messages=sum(each.mailbox_depth for each in everyone),
        restarts=sum(each.restarts for each in everyone),
        dead_letters=system.dead_letters,
        resident=_memory(_STATUS, "VmRSS:"),
        proportional=_memory(_SMAPS, "Pss:"),
    )


def _memory(file: Path, field: str) -> int | None:
    """A figure of proc(5), in bytes."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    found = next((line.split() for line in lines if line.startswith(field)), None)
    return int(found[1]) * _KIBIBYTE if found else None
