"""Which pods of a controller go first when it has too many: Kubernetes' order, the least valuable ones first."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping

import attrs

from kube_actors.records import frozen

_Value = tuple[int, int, int, int, int]
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@frozen
class ReplicaPod:
    """What a ReplicaSet has to know of a pod. Times are epoch seconds.

    `controller_uid` is empty for an orphan; `restarts` is the highest count among its containers, then that among its
    sidecars; `deletion_cost` comes from the annotation `controller.kubernetes.io/pod-deletion-cost`.
    """

    name: str
    uid: str
    created: float
    labels: Mapping[str, str] = attrs.field(factory=dict)
    controller_uid: str = ""
    deleting: bool = False
    phase: str = "Pending"
    node: str = ""
    ready: bool = False
    ready_since: float | None = None
    restarts: tuple[int, int] = (0, 0)
    deletion_cost: int = 0

    @property
    def ended(self) -> bool:
        """Whether it is over, well or badly."""
        return self.phase in ("Succeeded", "Failed")


def deletion_order(pods: Iterable[ReplicaPod], now: float, neighbours: Mapping[str, int]) -> list[ReplicaPod]:
    """The pods, those to delete first in front.

    In turn: not assigned to a node; pending, unknown, running; not ready; lower deletion cost; on a node with more
    `neighbours`; ready more recently; more restarts (of a container, then of a sidecar); newer. Ages are compared by
    their order of magnitude (the logarithm to base 2 of nanoseconds), so that among pods of about the same age it is
    not always the newest one, and with it always the same zone, that loses its pods; such pods come in the order of
    their uids.
    """

    def compare(one: ReplicaPod, other: ReplicaPod) -> int:
        if one.ready and one.ready_since != other.ready_since:
            return _younger(one.ready_since, other.ready_since, now) or _by_uid(one, other)
        if one.restarts != other.restarts:
            return -1 if one.restarts > other.restarts else 1
        if one.created != other.created:
            return _younger(one.created, other.created, now) or _by_uid(one, other)
        return _by_uid(one, other)

    by_value: dict[_Value, list[ReplicaPod]] = {}
    for pod in pods:
        by_value.setdefault(_value(pod, neighbours), []).append(pod)
    order = functools.cmp_to_key(compare)
    return [pod for value in sorted(by_value) for pod in sorted(by_value[value], key=order)]


def _value(pod: ReplicaPod, neighbours: Mapping[str, int]) -> _Value:
    """The part of the order that is a plain comparison, the least valuable pod having the smallest."""
    crowd = -neighbours.get(pod.node, 0)
    return (int(bool(pod.node)), _PHASES.get(pod.phase, 3), int(pod.ready), pod.deletion_cost, crowd)


def _younger(one: float | None, other: float | None, now: float) -> int:
    """Negative when `one` is younger by magnitude; no time at all counts as youngest."""
    if one is None or other is None:
        return (one is not None) - (other is not None)
    return _magnitude(now - one) - _magnitude(now - other)


def _magnitude(age: float) -> int:
    nanoseconds = int(age * 1e9)
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1


def _by_uid(one: ReplicaPod, other: ReplicaPod) -> int:
    return (one.uid > other.uid) - (one.uid < other.uid)
