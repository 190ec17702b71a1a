"""ReplicaSets: how many pods to create, which to delete, and what to report.

`plan_replicas` is one pass of Kubernetes' ReplicaSet controller, which keeps ReplicationControllers as well. Pods that
ended (Succeeded, Failed) or are being deleted do not count; the rest are brought to `spec.replicas`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views.workloads import ReplicaSetCondition, ReplicaSetStatus, ReplicaSetView
from kube_actors.plan.ownership import Claimant, claim, controller_reference
from kube_actors.plan.pod_ranking import ReplicaPod, deletion_order
from kube_actors.records import frozen


@frozen
class Keeper:
    """A kind whose objects keep a number of pods, and the name under which its controller does so."""

    resource: str
    api_version: str
    kind: str
    controller: str

    def reference(self, name: str, uid: str) -> dict[str, Any]:
        """The owner reference of a pod that this object controls."""
        return controller_reference(self.api_version, self.kind, name, uid)


REPLICA_SET = Keeper("replicasets.apps", "apps/v1", "ReplicaSet", "replicaset-controller")
REPLICATION_CONTROLLER = Keeper("replicationcontrollers", "v1", "ReplicationController", "replication-controller")

# The most pods one pass creates or deletes, as in Kubernetes.
BURST = 500

_NAME_LENGTH = 253


@frozen
class AdoptPod:
    """Become the controller of a matching orphan (check that uid is still its uid)."""

    name: str
    uid: str


@frozen
class ReleasePod:
    """Remove our owner reference from a pod whose labels no longer match."""

    name: str
    uid: str


@frozen
class CreatePods:
    """Create that many pods from `pod_body`, in the batches of `slow_start`."""

    count: int


@frozen
class DeletePod:
    """Delete this pod (check that uid is still its uid)."""

    name: str
    uid: str


ReplicasAction = AdoptPod | ReleasePod | CreatePods | DeletePod


@frozen
class ReplicasPlan:
    """Perform `actions` in order, then write `status` if it differs; look again at `wake_at` (epoch seconds)."""

    actions: tuple[ReplicasAction, ...]
    status: ReplicaSetStatus
    wake_at: float | None = None


@frozen
class ReplicaFailure:
    """The last attempt to create or delete pods failed: `reason` FailedCreate or FailedDelete."""

    reason: str
    message: str


def plan_replicas(
    replica_set: ReplicaSetView,
    pods: Iterable[ReplicaPod],
    now: float,
    *,
    failure: ReplicaFailure | None = None,
    neighbours: Mapping[str, int] | None = None,
) -> ReplicasPlan:
    """What to do next for a ReplicaSet.

    `pods` are those of its namespace that it controls or whose labels its selector matches; others do no harm.
    `failure` is what went wrong when the last plan was performed, None when all went well; it is over as soon as the
    number is right, also because fewer are wanted. `neighbours` counts the living pods per node of all ReplicaSets with
    the same controller (by default those of this one), so that scaling down takes from the fullest nodes.
    """
    metadata = replica_set.metadata
    claimant = Claimant(metadata.uid, LabelSelector.from_object(replica_set.spec.selector), metadata.deleting)
    claims = claim(claimant, sorted(pods, key=lambda pod: pod.name))
    going_on = [pod for pod in claims.mine if not pod.ended]
    living = [pod for pod in going_on if not pod.deleting]
    terminating = len(going_on) - len(living)
    actions: list[ReplicasAction] = [ReleasePod(pod.name, pod.uid) for pod in claims.release]
    actions.extend(AdoptPod(pod.name, pod.uid) for pod in claims.adopt)
    resizing = [] if metadata.deleting else _resize(replica_set, living, now, neighbours)
    actions.extend(resizing)
    status = _status(replica_set, living, terminating, failure if resizing else None, now)
    return ReplicasPlan(tuple(actions), status, _next_available(replica_set, living, now))


def _resize(
    replica_set: ReplicaSetView, living: list[ReplicaPod], now: float, neighbours: Mapping[str, int] | None
) -> list[ReplicasAction]:
    missing = replica_set.spec.replicas - len(living)
    if missing > 0:
        return [CreatePods(min(missing, BURST))]
    if missing == 0:
        return []
    if neighbours is None:
        neighbours = _per_node(living)
    first = deletion_order(living, now, neighbours)[: min(-missing, BURST)]
    return [DeletePod(pod.name, pod.uid) for pod in first]


def _per_node(pods: Iterable[ReplicaPod]) -> dict[str, int]:
    count: dict[str, int] = {}
    for pod in pods:
        count[pod.node] = count.get(pod.node, 0) + 1
    return count


def _status(
    replica_set: ReplicaSetView, living: list[ReplicaPod], terminating: int, failure: ReplicaFailure | None, now: float
) -> ReplicaSetStatus:
    wanted = ((replica_set.spec.template.get("metadata") or {}).get("labels") or {}).items()
    ready = [pod for pod in living if pod.ready]
    return ReplicaSetStatus(
        replicas=len(living),
        fully_labeled_replicas=len([pod for pod in living if wanted <= pod.labels.items()]),
        ready_replicas=len(ready),
        available_replicas=len(ready) - len(_still_new(ready, replica_set.spec.min_ready_seconds, now)),
        terminating_replicas=terminating,
        observed_generation=replica_set.metadata.generation,
        conditions=_conditions(replica_set.status, failure, now),
    )


def _conditions(
    before: ReplicaSetStatus, failure: ReplicaFailure | None, now: float
) -> tuple[ReplicaSetCondition, ...]:
    """ReplicaFailure stays as first reported until an attempt succeeds, or none is needed any more."""
    others = tuple(one for one in before.conditions if one.type != "ReplicaFailure")
    if failure is None:
        return others
    if before.condition("ReplicaFailure") is not None:
        return before.conditions
    return (*others, ReplicaSetCondition("ReplicaFailure", "True", now, failure.reason, failure.message))


def _still_new(ready: Sequence[ReplicaPod], min_ready_seconds: int, now: float) -> list[float]:
    """When those that have not been ready for `min_ready_seconds` will be available; never while it is unknown."""
    if min_ready_seconds == 0:
        return []
    since = [pod.ready_since for pod in ready]
    available_at = [float("inf") if ready_since is None else ready_since + min_ready_seconds for ready_since in since]
    return [time for time in available_at if time > now]


def _next_available(replica_set: ReplicaSetView, living: Sequence[ReplicaPod], now: float) -> float | None:
    """When the next ready pod will have been ready long enough."""
    ready = [pod for pod in living if pod.ready]
    times = _still_new(ready, replica_set.spec.min_ready_seconds, now)
    return min((time for time in times if time < float("inf")), default=None)


def slow_start(count: int) -> Iterator[int]:
    """Batch sizes 1, 2, 4, ... that add up to `count`: stop at the first batch with a failure, and the rest is spared.

    A quota that refuses pods then costs a few refused requests instead of `count`.
    """
    size = 1
    while count > 0:
        yield min(size, count)
        count -= min(size, count)
        size *= 2


def pod_body(replica_set: ReplicaSetView, keeper: Keeper = REPLICA_SET) -> dict[str, Any]:
    """A pod of this ReplicaSet, to be created: its template, a generated name, and the set as its controller."""
    owner = replica_set.metadata
    template = replica_set.spec.template
    from_template = template.get("metadata") or {}
    kept = {key: from_template[key] for key in ("labels", "annotations", "finalizers") if from_template.get(key)}
    prefix = f"{owner.name}-" if len(owner.name) < _NAME_LENGTH else owner.name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **kept,
            "generateName": prefix,
            "namespace": owner.namespace,
            "ownerReferences": [keeper.reference(owner.name, owner.uid)],
        },
        "spec": template.get("spec") or {},
    }
