"""Pods that name their node themselves, and that the node does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from ..verbs.stage import create, key, pod, simulated_cluster, until_ready

PATIENCE = 90.0


def bound(name: str, **spec: Any) -> dict[str, Any]:
    """A pod that no scheduler looks at."""
    body = pod(name)
    body["spec"] |= {"nodeName": "node-1", **spec}
    return body


async def failed(cluster: Cluster, of: Key) -> dict[str, Any]:
    """The status of a pod once it has failed."""
    with trio.fail_after(PATIENCE):
        while True:
            revision = cluster.plane.store.get(of)
            status = revision.body().get("status", {}) if revision is not None else {}
            if status.get("phase") == "Failed":
                return dict(status)
            await cluster.plane.clock.sleep(0.1)


async def test_a_pod_that_cannot_run_on_its_node_fails(tmp_path: Path) -> None:
    """For labels, want of room or its system; it stays to be looked at, and goes at once when it is deleted."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        await create(cluster.session, bound("picky", nodeSelector={"disk": "ssd"}))
        status = await failed(cluster, key("pods", "picky"))
        assert status["reason"] == "NodeAffinity"
        assert status["message"].startswith("Pod was rejected: Predicate NodeAffinity failed: ")
        assert "containerStatuses" not in status
        huge = [{"name": "main", "image": "app", "resources": {"requests": {"cpu": "900"}}}]
        await create(cluster.session, bound("huge", containers=huge))
        assert (await failed(cluster, key("pods", "huge")))["reason"] == "OutOfcpu"
        await create(cluster.session, bound("panes", os={"name": "windows"}))
        assert (await failed(cluster, key("pods", "panes")))["reason"] == "PodOSNotSupported"
        told = [event.body() for event in cluster.plane.store.list("events")]
        assert {"NodeAffinity", "OutOfcpu", "PodOSNotSupported"} <= {event["reason"] for event in told}
        await cluster.session.client.delete(key("pods", "picky"))
        assert cluster.plane.store.get(key("pods", "picky")) is None


async def test_ports_of_the_node_are_taken_once(tmp_path: Path) -> None:
    """The second pod with a host port is rejected; the room of a rejected pod is not held."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        port = [{"name": "main", "image": "app", "ports": [{"containerPort": 80, "hostPort": 8080}]}]
        await create(cluster.session, bound("first", containers=port))
        await until_ready(cluster.session, "first")
        await create(cluster.session, bound("second", containers=port))
        status = await failed(cluster, key("pods", "second"))
        assert (status["reason"], "free ports" in status["message"]) == ("NodePorts", True)
        await cluster.session.client.delete(key("pods", "first"), grace_seconds=0)
        await cluster.plane.clock.sleep(5)
        await create(cluster.session, bound("third", containers=port))
        await until_ready(cluster.session, "third")


async def test_a_pod_runs_only_with_the_handler_it_asks_for(tmp_path: Path) -> None:
    """A node has its own runtime by name; a pod that wants another waits and says so, until there is such a class."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        for name, handler in (("ours", "simulated"), ("theirs", "kata")):
            about = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}}
            await create(cluster.session, {**about, "handler": handler})
        for name in ("ours", "theirs"):
            body = pod(name)
            body["spec"]["runtimeClassName"] = name
            await create(cluster.session, body)
        await until_ready(cluster.session, "ours")
        with trio.fail_after(PATIENCE):
            while not (told := failures(cluster)):
                await cluster.plane.clock.sleep(0.1)
        why = 'no runtime for "kata" is configured (node node-1 has "simulated")'
        assert told == {("theirs", f"Failed to create pod sandbox: {why}")}
        node = cluster.plane.store.get(Key("nodes", "", "node-1"))
        assert node is not None
        status = node.body()["status"]
        assert [each.get("name", "") for each in status["runtimeHandlers"]] == ["", "simulated"]


def failures(cluster: Cluster) -> set[tuple[str, str]]:
    """The pods no sandbox could be made for, and why."""
    events = [event.body() for event in cluster.plane.store.list("events")]
    wanted = (event for event in events if event["reason"] == "FailedCreatePodSandBox")
    return {(event["involvedObject"]["name"], event["message"]) for event in wanted}
