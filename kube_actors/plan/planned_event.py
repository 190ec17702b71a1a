"""What a plan wants a person to be told."""

from __future__ import annotations

from kube_actors.records import frozen


@frozen
class PlannedEvent:
    """An Event about the object that is planned for: `type` is Normal or Warning."""

    type: str
    reason: str
    message: str
