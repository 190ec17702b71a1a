"""Which pods nobody needs any more: those of nodes that are gone or out of service, and too many finished ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from kube_actors.api.times import rfc3339

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
ENDED = ("Succeeded", "Failed")


@attrs.frozen(order=True)
class Finished:
    """A pod that is over, by age."""

    created: float
    namespace: str
    name: str
    uid: str


def surplus(finished: Iterable[Finished], most: int) -> list[Finished]:
    """The oldest beyond the number that may stay."""
    found = sorted(finished)
    return found[: max(0, len(found) - most)]


def is_out_of_service(ready: bool, taints: Iterable[tuple[str, str, str]]) -> bool:
    """Whether somebody vouches that the machine is off: its terminating pods will never say that they have ended."""
    return not ready and any(key == OUT_OF_SERVICE for key, _, _ in taints)


def lost_status(status: Mapping[str, Any], message: str, now: float) -> dict[str, Any] | None:
    """The last status of a pod that ran where nobody can ask any more; None when it is over already."""
    if status.get("phase") in ENDED:
        return None
    others = [each for each in status.get("conditions") or () if each.get("type") != "DisruptionTarget"]
    target = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": message,
        "lastTransitionTime": rfc3339(now),
    }
    return {**status, "phase": "Failed", "conditions": [*others, target]}
