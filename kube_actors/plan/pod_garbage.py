"""Which pods nobody needs any more: those that no node will ever end, and too many finished ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from kube_actors.plan.disruption_target import mark_disruption

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
ENDED = ("Succeeded", "Failed")


@attrs.frozen(order=True)
class Finished:
    """A pod that is over: first those that their node threw out, then by age."""

    stays: bool
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


def is_evicted(status: Mapping[str, Any]) -> bool:
    """Whether a pod's node ended it because it ran out of something."""
    return status.get("phase") == "Failed" and status.get("reason") == "Evicted"


def give_up(pod: dict[str, Any]) -> None:
    """Write its last phase into a pod that nobody will ever end; one that is over stays as it is."""
    status = pod.setdefault("status", {})
    if status.get("phase") in ENDED:
        return
    status["phase"] = "Failed"
    if generation := pod["metadata"].get("generation"):
        status["observedGeneration"] = generation


def give_up_orphan(pod: dict[str, Any], now: float) -> None:
    """The same for one whose node is gone; it is told so."""
    if (pod.get("status") or {}).get("phase") not in ENDED:
        mark_disruption(pod, "DeletionByPodGC", "PodGC: node no longer exists", now)
        give_up(pod)
