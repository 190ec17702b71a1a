"""When a PersistentVolume came into its phase: `status.lastPhaseTransitionTime`."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from kube_actors.api.times import rfc3339
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

FIELD = "lastPhaseTransitionTime"


@frozen(eq=False)
class VolumePhases:
    """Dates the first phase and every change, unless the client dates the change itself. `now` is cluster time."""

    resources: ClassVar[Resources] = frozenset({"persistentvolumes"})
    now: Callable[[], float]

    def matches(self, request: Request) -> bool:
        """New volumes and writes of their status."""
        return request.operation is Operation.CREATE or request.subresource == "status"

    def admit(self, request: Request) -> None:
        """Fill in the time."""
        status, before = request.new.setdefault("status", {}), (request.old or {}).get("status") or {}
        if status.get("phase") == before.get("phase"):
            return
        if request.old is None or status.get(FIELD) in (None, before.get(FIELD)):
            status[FIELD] = rfc3339(self.now())
