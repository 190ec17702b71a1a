"""Which pods nobody needs any more: those of nodes that are gone or out of service, and too many finished ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from kube_actors.plan.disruption_target import mark_disruption

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


def give_up(pod: dict[str, Any], message: str, now: float) -> None:
    """Write its last status into a pod that ran where nobody can ask any more; one that is over stays as it is."""
    status = pod.setdefault("status", {})
    if status.get("phase") not in ENDED:
        status["phase"] = "Failed"
        mark_disruption(pod, "DeletionByPodGC", message, now)
