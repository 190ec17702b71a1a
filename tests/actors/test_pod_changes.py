"""What may change of a pod that runs: containers for debugging are added, resources are resized."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from ..verbs.stage import create, key, pod, simulated_cluster, until_ready

PATIENCE = 90.0
POD = key("pods", "web")


async def until(cluster: Cluster, found: Callable[[dict[str, Any]], bool], of: Key = POD) -> dict[str, Any]:
    """The object's body once it is so."""
    with trio.fail_after(PATIENCE):
        while True:
            revision = cluster.plane.store.get(of)
            if revision is not None and found(body := revision.body()):
                return body
            await cluster.plane.clock.sleep(0.1)


def conditions(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By type."""
    return {each["type"]: each for each in body["status"]["conditions"]}


def cpu(request: str) -> dict[str, Any]:
    """A patch of the pod's only container."""
    return {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": request}}}]}}


async def test_a_container_for_debugging_runs_in_the_pod(tmp_path: Path) -> None:
    """Its status is told, and nothing else of the pod changes."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        await create(cluster.session, pod("web"))
        before = (await until_ready(cluster.session, "web")).body()
        debug = {"name": "debug", "image": "busybox", "targetContainerName": "main", "stdin": True}
        patch = {"spec": {"ephemeralContainers": [debug]}}
        await cluster.session.client.patch(POD, patch, "strategic", subresource="ephemeralcontainers")
        body = await until(cluster, lambda body: "ephemeralContainerStatuses" in body["status"])
        body = await until(cluster, lambda body: "running" in body["status"]["ephemeralContainerStatuses"][0]["state"])
        assert body["status"]["containerStatuses"] == before["status"]["containerStatuses"]
        assert body["status"]["phase"] == "Running"


async def test_resources_change_in_place(tmp_path: Path) -> None:
    """The container runs on with them, and the node counts them."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        wanted = pod("web")
        wanted["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}
        await create(cluster.session, wanted)
        await until_ready(cluster.session, "web")
        await cluster.session.client.patch(POD, cpu("2"), "strategic", subresource="resize")
        body = await until(
            cluster, lambda body: body["status"]["containerStatuses"][0]["allocatedResources"] == {"cpu": "2"}
        )
        (status,) = body["status"]["containerStatuses"]
        assert (status["resources"], status["restartCount"]) == ({"requests": {"cpu": "2"}}, 0)
        assert not {"PodResizePending", "PodResizeInProgress"} & conditions(body).keys()


async def test_a_resize_waits_for_room(tmp_path: Path) -> None:
    """Infeasible is what the node never has; deferred what others have now, made up for when they go."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        for name in ("web", "other"):
            wanted = pod(name)
            wanted["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}}
            await create(cluster.session, wanted)
            await until_ready(cluster.session, name)
        client = cluster.session.client
        await client.patch(POD, cpu("9"), "strategic", subresource="resize")
        body = await until(cluster, lambda body: "PodResizePending" in conditions(body))
        pending = conditions(body)["PodResizePending"]
        assert (pending["reason"], pending["message"]) == (
            "Infeasible",
            "Node didn't have enough capacity: cpu, requested: 9000, capacity: 8000",
        )
        await client.patch(POD, cpu("6"), "strategic", subresource="resize")
        await until(cluster, lambda body: conditions(body).get("PodResizePending", {}).get("reason") == "Deferred")
        await client.delete(key("pods", "other"), grace_seconds=0)
        body = await until(cluster, lambda body: "PodResizePending" not in conditions(body))
        assert body["status"]["containerStatuses"][0]["allocatedResources"] == {"cpu": "6"}
