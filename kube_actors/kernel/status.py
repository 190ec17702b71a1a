"""What can be seen of every actor from outside."""

from __future__ import annotations

from enum import Enum

from kube_actors.records import frozen


class ActorState(Enum):
    """Where an actor is in its life."""

    RUNNING = "running"
    RESTARTING = "restarting"
    """It failed and waits for its restart."""
    FROZEN = "frozen"
    """It handles nothing until thawed or stepped."""
    PARKED = "parked"
    """It keeps failing and is tried again every five minutes only."""
    STOPPED = "stopped"
    """It is leaving."""


@frozen
class ActorStatus:
    """One actor at one moment. `since` is when its state began (cluster time); `last_message` is a class name, or
    `changed` for a look at the latch; `last_error` is the text of its last failure, empty when it never failed."""

    path: str
    state: ActorState
    mailbox_depth: int
    latch_depth: int
    restarts: int
    handled: int
    last_message: str
    last_error: str
    since: float
