"""Pods that no node will ever end."""

from __future__ import annotations

from typing import Any

from kube_actors.actors.pod_garbage_collector import PodGarbageCollector
from kube_actors.cluster import Cluster
from kube_actors.store import Commit, Key

from .conftest import OpenSimulated

GHOST = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "ghost"}}


def pod(name: str, node: str = "") -> dict[str, Any]:
    """A pod, bound to a node perhaps."""
    spec = {"containers": [{"name": "c", "image": "app:1"}], **({"nodeName": node} if node else {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def until_gone(cluster: Cluster, *names: str) -> None:
    """Wait until there is none of these pods."""
    while any(cluster.plane.store.get(Key("pods", "default", name)) for name in names):
        await cluster.system.clock.sleep(1)


async def test_pods_of_a_node_that_is_gone(open_simulated: OpenSimulated) -> None:
    """Forty seconds later they are marked as lost and deleted, those with a grace too; others stay."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        last: dict[str, Any] = {}

        def hear(commit: Commit) -> None:
            if commit.kind == "modified" and commit.key.name == "orphan":
                last.update(commit.revision.body()["status"])

        cluster.plane.store.subscribe(hear, "pods")
        await client.create(GHOST)
        for body in (pod("orphan", "ghost"), pod("own", "a")):
            await client.create(body)
        await client.delete(Key("nodes", "", "ghost"))
        begun = clock.now()
        await until_gone(cluster, "orphan")
        assert 40 <= clock.now() - begun < 60
        (target,) = [each for each in last["conditions"] if each["type"] == "DisruptionTarget"]
        assert (last["phase"], target["reason"]) == ("Failed", "DeletionByPodGC")
        assert target["message"] == "PodGC: node no longer exists"
        assert client.get(Key("pods", "default", "own")) is not None


async def test_a_node_that_comes_back_keeps_its_pods(open_simulated: OpenSimulated) -> None:
    """Within the forty seconds, which begin anew when it goes again."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        await client.create(GHOST)
        await client.create(pod("orphan", "ghost"))
        await client.delete(Key("nodes", "", "ghost"))
        await clock.sleep(20)
        await client.create(GHOST)
        await clock.sleep(35)
        await client.delete(Key("nodes", "", "ghost"))
        await clock.sleep(30)
        assert client.get(Key("pods", "default", "orphan")) is not None


async def test_a_node_out_of_service(open_simulated: OpenSimulated) -> None:
    """Pods that are being deleted there go at once when somebody says that the machine is off."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        await client.create(GHOST)
        for name in ("ending", "running"):
            await client.create(pod(name, "ghost"))
        await client.delete(Key("pods", "default", "ending"))
        await clock.sleep(1)
        assert client.get(Key("pods", "default", "ending")) is not None
        taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
        tolerated = {"key": taint["key"], "operator": "Exists"}
        await client.mutate(
            Key("pods", "default", "running"), lambda body: body["spec"]["tolerations"].append(tolerated)
        )
        await client.mutate(Key("nodes", "", "ghost"), lambda body: body.setdefault("spec", {}).update(taints=[taint]))
        await until_gone(cluster, "ending")
        assert client.get(Key("pods", "default", "running")) is not None


async def test_pods_that_somebody_holds(open_simulated: OpenSimulated) -> None:
    """One that never had a node and one whose machine is off are over although they stay; it is no disruption."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoSchedule"}
        await client.create({**GHOST, "spec": {"taints": [taint]}})
        for name, node in (("pending", ""), ("lost", "ghost")):
            body = pod(name, node)
            body["metadata"]["finalizers"] = ["example.com/held"]
            body["spec"]["nodeSelector"] = {"no": "where"}
            await client.create(body)
            await client.delete(Key("pods", "default", name))
        keys = [Key("pods", "default", name) for name in ("pending", "lost")]
        for _ in range(30):
            statuses = [client.live(key).body()["status"] for key in keys]
            if all(each["phase"] == "Failed" for each in statuses):
                break
            await clock.sleep(1)
        assert [each["phase"] for each in statuses] == ["Failed", "Failed"]
        conditions = [condition["type"] for each in statuses for condition in each.get("conditions", ())]
        assert "DisruptionTarget" not in conditions


async def test_the_oldest_finished_pods_go(open_simulated: OpenSimulated) -> None:
    """Beyond the number that may stay; those that a node threw out before all others."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        cluster.system.spawn("small-pod-gc", lambda: PodGarbageCollector(cluster.plane, most=2))
        for number in range(5):
            await client.create({**pod(f"p-{number}"), "spec": {**pod("")["spec"], "nodeSelector": {"no": "where"}}})
            await clock.sleep(2)
        for number in (3, 0, 2, 1):
            key = Key("pods", "default", f"p-{number}")
            await client.mutate(key, lambda body: body["status"].update(phase="Succeeded"), subresource="status")
        evicted = {"phase": "Failed", "reason": "Evicted"}
        await client.mutate(
            Key("pods", "default", "p-4"), lambda body: body["status"].update(evicted), subresource="status"
        )
        await until_gone(cluster, "p-0", "p-1", "p-4")
        await clock.sleep(5)
        assert client.get(Key("pods", "default", "p-2")) is not None
        assert client.get(Key("pods", "default", "p-3")) is not None
