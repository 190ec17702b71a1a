"""What others than its node say in a pod's conditions, and of which generation of the pod they say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio

from kube_actors.cluster import Cluster

from ..verbs.stage import create, key, pod, simulated_cluster, until_ready

PATIENCE = 90.0


async def condition(cluster: Cluster, name: str, kind: str) -> dict[str, Any]:
    """A condition of a pod, once it has it."""
    with trio.fail_after(PATIENCE):
        while True:
            revision = cluster.plane.store.get(key("pods", name))
            found = revision.body().get("status", {}).get("conditions", []) if revision is not None else []
            for each in found:
                if each["type"] == kind:
                    return dict(each)
            await cluster.plane.clock.sleep(0.1)


async def test_an_unschedulable_pod(tmp_path: Path) -> None:
    """The scheduler says of which generation no node would do."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        body = pod("picky")
        body["spec"]["nodeSelector"] = {"disk": "ssd"}
        await create(cluster.session, body)
        said = await condition(cluster, "picky", "PodScheduled")
        assert (said["status"], said["reason"], said["observedGeneration"]) == ("False", "Unschedulable", 1)


async def test_a_pod_that_a_taint_drives_away(tmp_path: Path) -> None:
    """Before it is deleted it is marked: who counts its failures sees that it was not the pod's."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        body = pod("tenant")
        body["metadata"]["finalizers"] = ["example.com/held"]
        await create(cluster.session, body)
        await until_ready(cluster.session, "tenant")

        def taint(node: dict[str, Any]) -> None:
            node["spec"]["taints"] = [{"key": "gone", "effect": "NoExecute"}]

        await cluster.session.client.mutate(key("nodes", "node-1")._replace(namespace=""), taint)
        said = await condition(cluster, "tenant", "DisruptionTarget")
        assert (said["status"], said["reason"]) == ("True", "DeletionByTaintManager")
        assert said["message"] == "Taint manager: deleting due to NoExecute taint"
        assert said["observedGeneration"] == 1


async def test_a_pod_that_may_not_run_as_root(tmp_path: Path) -> None:
    """It waits for its configuration to be put right, in the kubelet's words."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        for name, security, why in (
            ("by-image", {}, "container has runAsNonRoot and image will run as root"),
            ("by-user", {"runAsUser": 0}, "container's runAsUser breaks non-root policy"),
        ):
            body = pod(name)
            body["spec"]["securityContext"] = {"runAsNonRoot": True, **security}
            await create(cluster.session, body)
            waiting: dict[str, Any] = {}
            uid = ""
            with trio.fail_after(PATIENCE):
                while waiting.get("reason") != "CreateContainerConfigError":
                    await cluster.plane.clock.sleep(0.1)
                    revision = cluster.plane.store.get(key("pods", name))
                    assert revision is not None
                    uid = revision.uid
                    for each in revision.body()["status"].get("containerStatuses", ()):
                        waiting = each["state"].get("waiting", {})
            assert waiting["message"] == f'{why} (pod: "{name}_default({uid})", container: main)'
