"""ReplicationControllers: the ReplicaSets of old, whose pods are kept all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from .conftest import OpenSimulated

OLD = Key("replicationcontrollers", "default", "old")


def controller(replicas: int) -> dict[str, Any]:
    """A ReplicationController that says nothing but what it must."""
    template = {"metadata": {"labels": {"app": "old"}}, "spec": {"containers": [{"name": "c", "image": "app:1"}]}}
    metadata = {"name": "old", "namespace": "default"}
    spec = {"replicas": replicas, "template": template}
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": metadata, "spec": spec}


def pods(cluster: Cluster) -> list[dict[str, Any]]:
    """The pods that are not on their way out."""
    bodies = (one.body() for one in cluster.plane.store.list("pods", "default"))
    return [body for body in bodies if "deletionTimestamp" not in body["metadata"]]


async def until(cluster: Cluster, true: Callable[[], bool]) -> None:
    """Wait for something in the cluster's time."""
    while not true():
        await cluster.system.clock.sleep(0.5)


def status(cluster: Cluster) -> dict[str, Any]:
    """What the ReplicationController reports."""
    revision = cluster.plane.store.get(OLD)
    return {} if revision is None else dict(revision.body().get("status") or {})


async def test_its_pods(open_simulated: OpenSimulated) -> None:
    """They carry its name, count in its status, come back, go when it is scaled down, the dearest last; orphans are
    taken in."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        orphan = {"name": "stray", "namespace": "default", "labels": {"app": "old"}}
        spec = controller(1)["spec"]["template"]["spec"]
        await client.create({"apiVersion": "v1", "kind": "Pod", "metadata": orphan, "spec": spec})
        await client.create(controller(3))
        await until(cluster, lambda: status(cluster).get("readyReplicas") == 3)
        owners = [body["metadata"]["ownerReferences"][0] for body in pods(cluster)]
        assert {(each["apiVersion"], each["kind"], each["name"]) for each in owners} == {
            ("v1", "ReplicationController", "old")
        }
        assert len(owners) == 3, "the stray pod is one of them"
        assert status(cluster) == {
            "replicas": 3,
            "fullyLabeledReplicas": 3,
            "readyReplicas": 3,
            "availableReplicas": 3,
            "observedGeneration": 1,
        }
        name = pods(cluster)[0]["metadata"]["name"]
        await client.delete(Key("pods", "default", name), grace_seconds=0)
        await until(cluster, lambda: len(pods(cluster)) == 3)
        assert name not in {body["metadata"]["name"] for body in pods(cluster)}
        dear = pods(cluster)[1]["metadata"]["name"]
        cost = {"controller.kubernetes.io/pod-deletion-cost": "10"}
        await client.mutate(
            Key("pods", "default", dear), lambda body: body["metadata"].setdefault("annotations", {}).update(cost)
        )
        await until(cluster, lambda: status(cluster).get("readyReplicas") == 3)
        await client.mutate(OLD, lambda body: body["spec"].update(replicas=1))
        await until(cluster, lambda: status(cluster).get("replicas") == 1 and len(pods(cluster)) == 1)
        assert pods(cluster)[0]["metadata"]["name"] == dear
        await until(cluster, lambda: {"SuccessfulCreate", "SuccessfulDelete"} <= reasons(cluster))


def reasons(cluster: Cluster) -> set[str]:
    """What the replication controller said of it."""
    events = (one.body() for one in cluster.plane.store.list("events", "default"))
    return {
        each["reason"]
        for each in events
        if each["involvedObject"]["kind"] == "ReplicationController"
        and each["source"]["component"] == "replication-controller"
    }
