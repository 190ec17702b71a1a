"""What makes the scheduler look again: claims, volumes and classes that come, and pods that change where they are."""

from __future__ import annotations

from typing import Any

import trio

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from .conftest import OpenSimulated

PATIENCE = 60.0
SOON = 10.0
"""Seconds of the cluster's time in which nothing is tried again unless something changes."""


def claim(name: str, **spec: Any) -> dict[str, Any]:
    """A claim of the namespace default."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def volume(name: str, **spec: Any) -> dict[str, Any]:
    """A volume on the node."""
    source = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/data"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {**source, **spec}}


def storage_class(name: str) -> dict[str, Any]:
    """A class whose volumes wait for pods."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def pod(name: str, claimed: str = "", **spec: Any) -> dict[str, Any]:
    """A pod, with a claim perhaps."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claimed}}] if claimed else []
    spec = {"containers": [{"name": "c", "image": "app:1"}], "volumes": volumes, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def pod_key(name: str) -> Key:
    """Where a pod is kept."""
    return Key("pods", "default", name)


async def scheduled(cluster: Cluster, name: str) -> dict[str, Any]:
    """The pod's condition PodScheduled, once it has one."""
    with trio.fail_after(PATIENCE):
        while True:
            revision = cluster.plane.store.get(pod_key(name))
            for each in revision.body().get("status", {}).get("conditions", ()) if revision is not None else ():
                if each["type"] == "PodScheduled":
                    return dict(each)
            await cluster.plane.clock.sleep(0.1)


async def until_placed(cluster: Cluster, name: str) -> None:
    """Wait until a pod has a node, for a few seconds of the cluster's time at most."""
    clock = cluster.plane.clock
    late = clock.now() + SOON
    while not cluster.plane.store.get(pod_key(name)).projection.facts.node:  # type: ignore[union-attr]
        assert clock.now() < late, f"{name} should have a node by now"
        await clock.sleep(0.1)


async def test_claims_that_come(open_simulated: OpenSimulated) -> None:
    """A pod waits for its claim, and then for the claim's volume or class; each is noticed when it comes."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.plane.clock
        for name in ("mine", "late"):
            await client.create(pod(name, name))
            said = await scheduled(cluster, name)
            assert (said["status"], said["reason"]) == ("False", "Unschedulable")
            assert said["message"] == f'0/1 nodes are available: persistentvolumeclaim "{name}" not found. not found'
        await clock.sleep(30)
        await client.create(claim("late", storageClassName="later"))
        await client.create(claim("mine", storageClassName="", volumeName="disk"))
        await clock.sleep(1)
        for name in ("mine", "late"):
            message = (await scheduled(cluster, name))["message"]
            assert message == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
        await clock.sleep(30)
        await client.create(storage_class("later"))
        await client.create(volume("spare", storageClassName="later"))
        await client.create(volume("disk", claimRef={"namespace": "default", "name": "mine"}))
        for name in ("mine", "late"):
            await until_placed(cluster, name)
        events = [event.body() for event in cluster.plane.store.list("events", "default")]
        reasons = {event["reason"] for event in events if event["involvedObject"]["name"] == "mine"}
        assert {"FailedScheduling", "Scheduled"} <= reasons


async def test_pods_that_change_where_they_are(open_simulated: OpenSimulated) -> None:
    """Room that a pod gives up is found by one that waits, and what it takes in addition is not given out again."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client

        def of(cpu: str) -> list[dict[str, Any]]:
            return [{"name": "c", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}]

        async def resize(name: str, cpu: str) -> None:
            def change(body: dict[str, Any]) -> None:
                body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}

            await client.mutate(pod_key(name), change, subresource="resize")

        await client.create(pod("large", containers=of("6")))
        await until_placed(cluster, "large")
        await client.create(pod("waiting", containers=of("4")))
        assert "Insufficient cpu" in (await scheduled(cluster, "waiting"))["message"]
        await cluster.plane.clock.sleep(30)
        await resize("large", "1")
        await until_placed(cluster, "waiting")
        await resize("large", "3")
        await client.create(pod("another", containers=of("2")))
        assert (await scheduled(cluster, "another"))["message"].startswith(
            "0/1 nodes are available: 1 Insufficient cpu."
        )


async def test_gates_that_are_taken_away(open_simulated: OpenSimulated) -> None:
    """A gated pod says so, is not tried whatever changes, and gets its node as soon as the last gate has gone."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.plane.clock
        await client.create(pod("gated", schedulingGates=[{"name": "example.com/one"}, {"name": "example.com/two"}]))
        for name in ("b", "c", "d"):
            await client.create(pod(name))
            await until_placed(cluster, name)
            await client.delete(pod_key(name))
            await clock.sleep(30)
        assert (await scheduled(cluster, "gated"))["reason"] == "SchedulingGated"

        def open_one(body: dict[str, Any]) -> None:
            body["spec"]["schedulingGates"].pop()

        await client.mutate(pod_key("gated"), open_one)
        await clock.sleep(5)
        assert (await scheduled(cluster, "gated"))["reason"] == "SchedulingGated"
        await client.mutate(pod_key("gated"), open_one)
        await until_placed(cluster, "gated")


async def test_a_node_that_a_pod_is_meant_for(open_simulated: OpenSimulated) -> None:
    """What somebody wrote into its status decides where the pod goes, and is gone once it is there."""
    async with open_simulated("a", "b", "c") as cluster:
        client = cluster.session.client
        for name, node in (("one", "b"), ("two", "c"), ("three", "b")):
            await client.create(pod(name, schedulingGates=[{"name": "example.com/wait"}]))

            def mean(body: dict[str, Any], node: str = node) -> None:
                body["status"]["nominatedNodeName"] = node

            def let_go(body: dict[str, Any]) -> None:
                del body["spec"]["schedulingGates"]

            await client.mutate(pod_key(name), mean, subresource="status")
            await client.mutate(pod_key(name), let_go)
            await until_placed(cluster, name)
            placed = cluster.plane.store.get(pod_key(name))
            assert placed is not None
            assert placed.projection.facts.node == node
            assert "nominatedNodeName" not in placed.body()["status"]
